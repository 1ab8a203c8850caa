import {
	addressOf,
	generatePrivateKey,
	type KeyType,
	type PrivateKey,
	type PublicKey,
	publicKeyOf,
	SEED_SIZE,
	sign,
} from "@cairn/crypto";
import { CairnError, type Disk, EMPTY_BYTES, type Random, toUpperHex, unreachable, ValidationError } from "@cairn/kit";
import {
	isNilBlockId,
	PRECOMMIT,
	PREVOTE,
	type Proposal,
	proposalSignBytes,
	type TimeNs,
	type Vote,
	voteExtensionSignBytes,
	voteSignBytes,
} from "@cairn/types";
import { advance, EMPTY_GUARD, type GuardState, judge, type LaneState, type SignSlot } from "./guard.ts";
import type { Signer } from "./signer.ts";
import {
	CHAIN_LANE,
	PROPOSAL_STATEMENT,
	proposalSlot,
	type StatementKind,
	VOTE_STATEMENT,
	voteSlot,
} from "./statement.ts";
import { formatKeyFile, formatStateFile, parseKeyFile, parseStateFile } from "./validator-files.ts";

/** Where a validator keeps its key and what it signed last; both directories must exist. */
export interface ValidatorPaths {
	/** CometBFT's `priv_validator_key_file`. */
	readonly keyFile: string;
	/** CometBFT's `priv_validator_state_file`. */
	readonly stateFile: string;
}

/** The part of the disk that a signer needs. */
export type SignerDisk = Pick<Disk, "read" | "writeAtomic">;

const STEP_NAMES = ["nothing", "a proposal", "a prevote", "a precommit"];

/**
 * A validator's key in a file, with CometBFT's file formats and rules (privval/file.go), so that either
 * implementation can continue what the other signed. Requests are served one after the other: a position is durable,
 * file and directory, before the next request is looked at and before its signature leaves.
 */
export class FileSigner implements Signer {
	readonly publicKey: PublicKey;
	readonly address: Uint8Array;
	readonly #disk: SignerDisk;
	readonly #paths: ValidatorPaths;
	readonly #key: PrivateKey;
	#guard: GuardState;
	#queue: Promise<unknown> = Promise.resolve();

	private constructor(disk: SignerDisk, paths: ValidatorPaths, key: PrivateKey, guard: GuardState) {
		this.publicKey = publicKeyOf(key);
		this.address = addressOf(this.publicKey);
		this.#disk = disk;
		this.#paths = paths;
		this.#key = key;
		this.#guard = guard;
	}

	/**
	 * Opens both files. A missing state file is an error: guessing "nothing signed yet" would invite a double signature.
	 * @throws CairnError `signer-key-file`, `signer-state-file` naming file, field and what is right
	 */
	static async load(disk: SignerDisk, paths: ValidatorPaths): Promise<FileSigner> {
		const key = await disk.read(paths.keyFile);
		if (key === undefined) {
			throw new CairnError(
				"signer-key-file",
				"operator",
				`${paths.keyFile}: there is no such file. Restore it or run init.`,
				{
					path: paths.keyFile,
				},
			);
		}
		const state = await disk.read(paths.stateFile);
		if (state === undefined) {
			throw new CairnError(
				"signer-state-file",
				"operator",
				`${paths.stateFile}: there is no such file, though there is a key. Restore the newest copy; only if this ` +
					`key has never signed on any machine create it with {"height": "0", "round": 0, "step": 0}.`,
				{ path: paths.stateFile },
			);
		}
		const privateKey = parseKeyFile(key, paths.keyFile);
		return new FileSigner(disk, paths, privateKey, parseStateFile(state, paths.stateFile));
	}

	/** Writes both files for a key that has never signed, replacing what is there. */
	static async create(disk: SignerDisk, paths: ValidatorPaths, key: PrivateKey): Promise<FileSigner> {
		// The key comes last: where it exists, its state exists.
		await disk.writeAtomic(paths.stateFile, formatStateFile(EMPTY_GUARD));
		await disk.writeAtomic(paths.keyFile, formatKeyFile(key));
		return new FileSigner(disk, paths, key, EMPTY_GUARD);
	}

	/**
	 * Opens both files, or makes a new key where there is none.
	 * @throws CairnError as `load`; `signer-state-file` if the key is gone but the state says that it has signed
	 */
	static async loadOrGenerate(
		disk: SignerDisk,
		paths: ValidatorPaths,
		random: Random,
		type: KeyType = "ed25519",
	): Promise<FileSigner> {
		if ((await disk.read(paths.keyFile)) !== undefined) return FileSigner.load(disk, paths);
		const state = await disk.read(paths.stateFile);
		if (state !== undefined && parseStateFile(state, paths.stateFile).size > 0) {
			throw new CairnError(
				"signer-state-file",
				"operator",
				`${paths.keyFile} is missing, but ${paths.stateFile} says that its key has signed. Restore the key; for a ` +
					"new validator move the state file away first.",
				{ path: paths.stateFile },
			);
		}
		return FileSigner.create(disk, paths, generatePrivateKey(type, random.bytes(SEED_SIZE)));
	}

	/** What was signed last; undefined before the first signature. For `status`, `doctor` and tests. */
	get lastSigned(): LaneState | undefined {
		return this.#guard.get(CHAIN_LANE);
	}

	signVote(chainId: string, vote: Vote, signExtension: boolean): Promise<Vote> {
		return this.#inTurn(async () => {
			const extensionSignature = this.#signExtension(chainId, vote, signExtension);
			const { signature, timestamp } = await this.#signOnce(
				voteSlot(vote),
				voteSignBytes(chainId, vote),
				VOTE_STATEMENT,
			);
			return { ...vote, signature, timestamp: timestamp ?? vote.timestamp, extensionSignature };
		});
	}

	signProposal(chainId: string, proposal: Proposal): Promise<Proposal> {
		return this.#inTurn(async () => {
			const signBytes = proposalSignBytes(chainId, proposal);
			const { signature, timestamp } = await this.#signOnce(proposalSlot(proposal), signBytes, PROPOSAL_STATEMENT);
			return { ...proposal, signature, timestamp: timestamp ?? proposal.timestamp };
		});
	}

	/**
	 * Forgets what was signed (`unsafe-reset-all`). Only for a chain that starts anew: on a living one it invites the
	 * double signature that the guard is for.
	 */
	reset(): Promise<void> {
		return this.#inTurn(async () => {
			await this.#disk.writeAtomic(this.#paths.stateFile, formatStateFile(EMPTY_GUARD));
			this.#guard = EMPTY_GUARD;
		});
	}

	/** Runs after everything asked before; a failed request does not hold up the next. */
	#inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
		const result = this.#queue.then(work);
		this.#queue = result.catch(() => undefined);
		return result;
	}

	/** `timestamp` only where an older signature was found, with the time that it covers. */
	async #signOnce(
		slot: SignSlot,
		signBytes: Uint8Array,
		kind: StatementKind,
	): Promise<{ signature: Uint8Array; timestamp?: TimeNs }> {
		const verdict = judge(this.#guard, slot, signBytes, kind.differOnlyInTime);
		switch (verdict.kind) {
			case "refuse":
				throw this.#refusal(slot, verdict.reason);
			case "repeat":
				return { signature: verdict.signature, timestamp: kind.timeOf(verdict.signBytes) };
			case "sign": {
				const signature = sign(this.#key, signBytes);
				const next = advance(this.#guard, slot, signBytes, signature);
				// If this fails the signature never leaves, so the position may still be used for another statement.
				await this.#disk.writeAtomic(this.#paths.stateFile, formatStateFile(next));
				this.#guard = next;
				return { signature };
			}
			default:
				return unreachable(verdict);
		}
	}

	#signExtension(chainId: string, vote: Vote, wanted: boolean): Uint8Array {
		if (vote.type !== PREVOTE && vote.type !== PRECOMMIT) {
			throw new ValidationError(`cannot sign a vote of type ${String(vote.type)}`);
		}
		const mayExtend = vote.type === PRECOMMIT && !isNilBlockId(vote.blockId);
		if (vote.extension.length > 0 && !(mayExtend && wanted)) {
			throw new ValidationError(
				"unexpected vote extension: only precommits for a block carry one, where it is enabled",
			);
		}
		return mayExtend && wanted ? sign(this.#key, voteExtensionSignBytes(chainId, vote)) : EMPTY_BYTES;
	}

	#refusal(slot: SignSlot, reason: string): CairnError {
		const [height, round, step] = slot.position;
		const last = this.lastSigned?.position;
		const what = STEP_NAMES[step] ?? `step ${step}`;
		return new CairnError(
			"double-sign-guard",
			"operator",
			`refused to sign ${what} at height ${height} round ${round}: ${reason}. If this repeats, make sure that ` +
				`${this.#paths.stateFile} was not replaced and that no second machine runs with this key.`,
			{ address: toUpperHex(this.address), wanted: slot.position, last },
		);
	}
}
