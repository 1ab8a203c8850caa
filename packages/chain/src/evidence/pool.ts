import { CairnError, type Logger, messageOf, toUpperHex, ValidationError } from "@cairn/kit";
import type { BlockStore, EvidenceStore, StateStore } from "@cairn/storage";
import {
	type ChainState,
	type Evidence,
	encodeEvidence,
	evidenceHash,
	evidenceHeight,
	evidenceTime,
	type Height,
	newDuplicateVoteEvidence,
	type SignatureVerifier,
	type SignedHeader,
	type Vote,
} from "@cairn/types";
import { uvarintLength } from "@cairn/types/proto";
import type { FailPoint } from "../executor/executor.ts";
import { isEvidenceExpired, verifyDuplicateVote, verifyLightClientAttack } from "./verify.ts";

export interface EvidencePoolParts {
	readonly store: EvidenceStore;
	readonly blockStore: BlockStore;
	readonly stateStore: StateStore;
	readonly verify: SignatureVerifier;
	readonly logger: Logger;
	readonly failPoint?: FailPoint;
}

/** Pairs of conflicting votes that wait for their height to end; more of one height are dropped, one convicts as well as many. */
const MAX_REPORTED = 1_000;
/** Evidence from outside that waits at once, and how much of it may accuse one validator of voting twice: a key that is lost
 * makes any amount of it, and one piece convicts as well as many. CometBFT has no bound. */
const MAX_PENDING = 5_000;
const MAX_PENDING_PER_VALIDATOR = 100;

/**
 * Evidence that waits to be committed (evidence/pool.go): verified on entry, kept on disk until committed or expired.
 * What is pending is also held in memory, so that proposals and block checks read it at once.
 */
export class EvidencePool {
	readonly #parts: EvidencePoolParts;
	readonly #pending = new Map<string, Evidence>();
	#state: ChainState;
	#reported: { readonly voteA: Vote; readonly voteB: Vote }[] = [];
	#listeners: ((evidence: Evidence) => void)[] = [];
	/** Writes under way, in order. */
	#writes: Promise<void> = Promise.resolve();

	private constructor(state: ChainState, parts: EvidencePoolParts) {
		this.#state = state;
		this.#parts = parts;
	}

	/**
	 * Loads what was pending, without what has expired. If the node fell behind saving the last block, that block was
	 * executed in the handshake, past this pool: its evidence is marked now (CometBFT proposes it again and again).
	 */
	static async open(state: ChainState, parts: EvidencePoolParts): Promise<EvidencePool> {
		const pool = new EvidencePool(state, parts);
		const last = parts.blockStore.loadBlock(state.lastBlockHeight)?.evidence ?? [];
		const unmarked = last.filter((evidence) => !parts.store.isCommitted(evidence));
		if (unmarked.length > 0) await parts.store.markCommitted(unmarked);
		for (const evidence of await parts.store.loadPending()) pool.#pending.set(keyOf(evidence), evidence);
		await pool.#dropExpired();
		return pool;
	}

	get size(): number {
		return this.#pending.size;
	}

	/** Pending evidence, oldest first. */
	entries(): readonly Evidence[] {
		return [...this.#pending.values()];
	}

	/** Calls for each piece of evidence that becomes pending. */
	onEvidence(listener: (evidence: Evidence) => void): void {
		this.#listeners.push(listener);
	}

	/** As much pending evidence as fits into `maxBytes` (encoded as in a block; -1 = all), and its size. */
	pending(maxBytes: bigint): { readonly evidence: readonly Evidence[]; readonly bytes: number } {
		const evidence: Evidence[] = [];
		let bytes = 0;
		for (const each of this.#sorted()) {
			const size = bytes + entrySize(each);
			if (maxBytes !== -1n && BigInt(size) > maxBytes) break;
			evidence.push(each);
			bytes = size;
		}
		return { evidence, bytes };
	}

	/** By height, then hash: the order of the keys on disk. */
	#sorted(): Evidence[] {
		return [...this.#pending.entries()]
			.sort(([keyA, a], [keyB, b]) => evidenceHeight(a) - evidenceHeight(b) || (keyA < keyB ? -1 : 1))
			.map(([, evidence]) => evidence);
	}

	/** Two conflicting votes that consensus has seen: they become evidence when their height has ended. */
	report(voteA: Vote, voteB: Vote): void {
		if (this.#reported.length < MAX_REPORTED) this.#reported.push({ voteA, voteB });
	}

	/**
	 * Verifies evidence from a peer or from RPC and keeps it. Known evidence is fine and ignored.
	 * @throws ValidationError when it is false; CairnError `evidence-unverifiable` when this node lacks what it would be judged
	 * by, `evidence-pool-full`
	 */
	async add(evidence: Evidence): Promise<void> {
		if (this.#isPending(evidence) || this.#parts.store.isCommitted(evidence)) return;
		this.#verify(evidence);
		if (this.#isFull(evidence)) throw new CairnError("evidence-pool-full", "operator", "too much evidence is pending");
		this.#enter(evidence);
		await this.#writes;
	}

	#isFull(evidence: Evidence): boolean {
		if (this.#pending.size >= MAX_PENDING) return true;
		const accused = accusedKey(evidence);
		if (accused === null || this.#pending.size < MAX_PENDING_PER_VALIDATOR) return false;
		let count = 0;
		for (const each of this.#pending.values()) if (accusedKey(each) === accused) count++;
		return count >= MAX_PENDING_PER_VALIDATOR;
	}

	/** Judges the evidence of a block: each verified, none committed before, none twice. @throws as `add`, and for these */
	check(list: readonly Evidence[]): void {
		const seen = new Set<string>();
		for (const evidence of list) {
			const key = keyOf(evidence);
			if (evidence.kind === "lightClientAttack" || !this.#isPending(evidence)) {
				if (this.#parts.store.isCommitted(evidence)) throw new ValidationError("evidence was already committed");
				this.#verify(evidence);
				if (!this.#isPending(evidence)) this.#enter(evidence);
			}
			if (seen.has(key)) throw new ValidationError("duplicate evidence");
			seen.add(key);
		}
	}

	/** Takes note of a committed block: its evidence is done with, reported votes of its height become evidence. */
	async update(state: ChainState, committed: readonly Evidence[]): Promise<void> {
		if (state.lastBlockHeight <= this.#state.lastBlockHeight) {
			throw new CairnError(
				"evidence-height",
				"us",
				`evidence pool is at height ${this.#state.lastBlockHeight} already`,
			);
		}
		this.#state = state;
		this.#convict();
		await this.#writes;
		if (committed.length > 0) {
			for (const evidence of committed) this.#pending.delete(keyOf(evidence));
			await this.#parts.store.markCommitted(committed);
			this.#parts.failPoint?.("evidence-marked");
		}
		await this.#dropExpired();
	}

	#convict(): void {
		const reported = this.#reported;
		this.#reported = [];
		for (const { voteA, voteB } of reported) {
			try {
				const evidence = this.#duplicateVote(voteA, voteB);
				if (evidence === null || this.#isPending(evidence) || this.#parts.store.isCommitted(evidence)) continue;
				this.#enter(evidence);
			} catch (cause) {
				this.#parts.logger.error("error in generating evidence from votes", { err: messageOf(cause) });
			}
		}
	}

	#duplicateVote(voteA: Vote, voteB: Vote): Evidence | null {
		const { height } = voteA;
		if (height === this.#state.lastBlockHeight) {
			return newDuplicateVoteEvidence(voteA, voteB, this.#state.lastBlockTime, this.#state.lastValidators);
		}
		const validators = this.#parts.stateStore.loadValidatorsFast(height);
		const meta = this.#parts.blockStore.loadBlockMeta(height);
		if (height > this.#state.lastBlockHeight || validators === null || meta === null) {
			this.#parts.logger.error("no header or validators for conflicting votes", { height });
			return null;
		}
		return newDuplicateVoteEvidence(voteA, voteB, meta.header.time, validators);
	}

	#enter(evidence: Evidence): void {
		this.#pending.set(keyOf(evidence), evidence);
		this.#writes = this.#writes.then(async () => {
			await this.#parts.store.addPending(evidence);
			this.#parts.failPoint?.("evidence-entered");
		});
		this.#parts.logger.info("verified new evidence of byzantine behavior", {
			kind: evidence.kind,
			height: evidenceHeight(evidence),
			hash: toUpperHex(evidenceHash(evidence)),
		});
		for (const listener of this.#listeners) listener(evidence);
	}

	#isPending(evidence: Evidence): boolean {
		return this.#pending.has(keyOf(evidence));
	}

	async #dropExpired(): Promise<void> {
		const now = { height: this.#state.lastBlockHeight, time: this.#state.lastBlockTime };
		const params = this.#state.consensusParams.evidence;
		const expired = this.entries().filter((evidence) =>
			isEvidenceExpired(now, { height: evidenceHeight(evidence), time: evidenceTime(evidence) }, params),
		);
		if (expired.length === 0) return;
		for (const evidence of expired) this.#pending.delete(keyOf(evidence));
		await this.#writes;
		await this.#parts.store.removePending(expired);
	}

	#verify(evidence: Evidence): void {
		const height = evidenceHeight(evidence);
		const common = this.#signedHeader(height);
		if (common === null) throw unverifiable(`don't have header #${height}`);
		if (evidenceTime(evidence) !== common.header.time) {
			throw new ValidationError("evidence has a different time to the block it is associated with", { height });
		}
		const { lastBlockHeight, lastBlockTime, consensusParams, chainId } = this.#state;
		const now = { height: lastBlockHeight, time: lastBlockTime };
		if (isEvidenceExpired(now, { height, time: common.header.time }, consensusParams.evidence)) {
			throw new ValidationError(`evidence from height ${height} is too old`, { height });
		}
		const validators = this.#parts.stateStore.loadValidatorsFast(height);
		if (validators === null) throw unverifiable(`don't have the validators of height ${height}`);
		if (evidence.kind === "duplicateVote") {
			verifyDuplicateVote(evidence, chainId, validators, this.#parts.verify);
			return;
		}
		const conflicting = evidence.conflictingHeader.header;
		const trusted = height === conflicting.height ? common : this.#trustedFor(conflicting.height, conflicting.time);
		if (trusted.commit === null || common.commit === null) {
			throw unverifiable(`don't have the commit for evidence of height ${height}`);
		}
		const pair = { common: common as SignedHeader, trusted: trusted as SignedHeader };
		verifyLightClientAttack(evidence, pair.common, pair.trusted, validators, this.#parts.verify);
	}

	#trustedFor(height: Height, time: bigint): HeaderAndCommit {
		const own = this.#signedHeader(height);
		if (own !== null && own.commit !== null) return own;
		const latest = this.#signedHeader(this.#parts.blockStore.height);
		if (latest === null) throw unverifiable("don't have a header to compare the conflicting block with");
		if (latest.header.time < time) throw new ValidationError("latest block time is before conflicting block time");
		return latest;
	}

	#signedHeader(height: Height): HeaderAndCommit | null {
		const meta = this.#parts.blockStore.loadBlockMeta(height);
		return meta === null ? null : { header: meta.header, commit: this.#parts.blockStore.loadCommit(height) };
	}
}

interface HeaderAndCommit {
	readonly header: SignedHeader["header"];
	readonly commit: SignedHeader["commit"] | null;
}

function keyOf(evidence: Evidence): string {
	return toUpperHex(evidenceHash(evidence));
}

/** Bytes of a piece of evidence in the list of a block: tag, length and content. */
function entrySize(evidence: Evidence): number {
	const { length } = encodeEvidence(evidence);
	return 1 + uvarintLength(length) + length;
}

/** The validator accused of voting twice. */
function accusedKey(evidence: Evidence): string | null {
	return evidence.kind === "duplicateVote" ? toUpperHex(evidence.voteA.validatorAddress) : null;
}

/** Nobody is to blame for evidence about heights that this node has not, or has no more. */
function unverifiable(why: string): CairnError {
	return new CairnError("evidence-unverifiable", "operator", why);
}
