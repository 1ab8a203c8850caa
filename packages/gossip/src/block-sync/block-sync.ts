import { CairnError, type Logger, messageOf, type Timer, type World } from "@cairn/kit";
import type { ChainState, Height, SignatureVerifier, ValidatorSet } from "@cairn/types";
import { Candidate, type VerifiedBlock, verifyPair } from "./candidate.ts";
import { decodeReceivedBlock, type RawBlockResponse } from "./messages.ts";
import { BlockSyncPlan, type PlanAction } from "./plan.ts";

/** How often the plan is asked what is due, and whether consensus may take over. */
const TICK_MS = 100;
const SWITCH_MS = 1_000;
/** Blocks between two lines in the log. */
const BLOCKS_PER_REPORT = 100;

export interface BlockSyncParts {
	readonly world: Pick<World, "clock" | "timers">;
	/** Checks a signature; remembered answers make the check of a block whose commit was looked at before cheap. */
	readonly verify: SignatureVerifier;
	/** Judges a block against the state that it follows, its evidence included. @throws ValidationError */
	readonly validate: (state: ChainState, verified: VerifiedBlock) => void;
	/** Stores a verified block with its commit, executes it and gives the state after it. A rejection stops the node. */
	readonly apply: (state: ChainState, verified: VerifiedBlock) => Promise<ChainState>;
	/** Asks a peer for a block. */
	readonly request: (peer: string, height: Height) => void;
	readonly stopPeer: (peer: string, reason: string, fault: boolean) => void;
	/** True if the chain cannot go on without this node: then there is nothing to wait for. */
	readonly blocksChain: (state: ChainState) => boolean;
	/** The commit of the state's last block is known with its vote extensions. */
	readonly hasExtendedCommit: (height: Height) => boolean;
	/** Consensus takes over from this state. `hasSynced`: blocks were applied, so the consensus log says nothing about it. */
	readonly onCaughtUp: (state: ChainState, hasSynced: boolean) => void;
	/** Cannot go on: our state does not fit what +2/3 have signed, or a block could not be applied. */
	readonly onFatal: (cause: unknown) => void;
	readonly onApplied: (verified: VerifiedBlock) => void;
	readonly logger: Logger;
}

/** Fetches, verifies and applies blocks until this node has caught up (`poolRoutine` of blocksync/reactor.go). */
export class BlockSync {
	readonly #parts: BlockSyncParts;
	readonly #logger: Logger;
	readonly #plan: BlockSyncPlan<Candidate>;
	readonly #wasStateSynced: boolean;
	#state: ChainState;
	#synced = 0;
	#isApplying = false;
	#isOver = false;
	#lastReport: number;
	#rate = 0;
	#tickTimer: Timer | null = null;
	#switchTimer: Timer | null = null;

	/** @param state after the last block that this node has */
	constructor(state: ChainState, wasStateSynced: boolean, parts: BlockSyncParts) {
		this.#parts = parts;
		this.#logger = parts.logger;
		this.#state = state;
		this.#wasStateSynced = wasStateSynced;
		const start = state.lastBlockHeight === 0 ? state.initialHeight : state.lastBlockHeight + 1;
		const now = parts.world.clock.mono();
		this.#plan = new BlockSyncPlan(start, now);
		this.#lastReport = now;
	}

	get isOver(): boolean {
		return this.#isOver;
	}

	get state(): ChainState {
		return this.#state;
	}

	start(): void {
		this.#tickLater();
		this.#switchLater();
	}

	stop(): void {
		this.#isOver = true;
		this.#tickTimer?.cancel();
		this.#switchTimer?.cancel();
	}

	// ------------------------------------------------------------------------------------------------ what peers say

	peerStatus(peer: string, base: Height, height: Height): void {
		this.#plan.peerStatus(peer, base, height, this.#now());
		this.#advance();
	}

	removePeer(peer: string): void {
		this.#plan.removePeer(peer, this.#now());
		this.#advance();
	}

	noBlock(peer: string, height: Height): void {
		this.#plan.noBlock(peer, height, this.#now());
		this.#advance();
	}

	/** @throws DecodeError, ValidationError for what was not asked for, or is no block */
	block(peer: string, response: RawBlockResponse, blockProtocol: bigint): void {
		if (!this.#plan.hasAsked(peer)) throw unsolicited("a block that was not asked for");
		const candidate = new Candidate(decodeReceivedBlock(response, blockProtocol));
		const bytes = response.block?.length ?? 0;
		const verdict = this.#plan.blockReceived(peer, candidate.height, candidate, bytes, this.#now());
		if (verdict.kind === "unsolicited") throw unsolicited(verdict.why);
		this.#advance();
	}

	// ------------------------------------------------------------------------------------------------ going on

	#now(): number {
		return this.#parts.world.clock.mono();
	}

	#tickLater(): void {
		this.#tickTimer = this.#parts.world.timers.after(TICK_MS, () => {
			if (this.#isOver) return;
			this.#tickLater();
			this.#advance();
		});
	}

	#advance(): void {
		if (this.#isOver) return;
		try {
			this.#process();
			if (!this.#isOver) this.#act(this.#plan.tick(this.#now()));
		} catch (cause) {
			this.#fail(cause);
		}
	}

	#act(actions: readonly PlanAction[]): void {
		for (const action of actions) {
			if (action.kind === "request") this.#parts.request(action.peer, action.height);
			else this.#parts.stopPeer(action.peer, action.reason, action.fault);
		}
	}

	/** Verifies the next pair and starts to apply its first block; meanwhile the signatures of the pair behind are checked. */
	#process(): void {
		if (this.#isApplying) return;
		const { first, second } = this.#plan.peek();
		if (first === null || second === null) return;
		const verdict = verifyPair(this.#state, first, second, this.#parts.verify);
		if (verdict.kind === "false") {
			const { height } = verdict.which === "first" ? first : second;
			this.#logger.error("Error in validation", { height, err: verdict.reason });
			this.#act(this.#plan.blockFailed(height, verdict.reason, this.#now()));
			return;
		}
		const { verified } = verdict;
		this.#validate(verified);
		const { validators, nextValidators, chainId } = this.#state;
		this.#plan.pop(verified.block.header.time, this.#now());
		this.#isApplying = true;
		this.#parts.apply(this.#state, verified).then(
			(state) => this.#applied(state, verified),
			(cause: unknown) => this.#fail(cause),
		);
		this.#lookAhead(chainId, nextValidators.size === 0 ? validators : nextValidators);
	}

	/** More than 2/3 have signed the block: if it does not fit, it is our state that is wrong. */
	#validate(verified: VerifiedBlock): void {
		try {
			this.#parts.validate(this.#state, verified);
		} catch (cause) {
			const { height } = verified.block.header;
			const text =
				`block ${height} is signed by more than 2/3 of the validators but does not fit this node's state: ` +
				`${messageOf(cause)}. Check the clock and the application, or start again from a snapshot.`;
			throw new CairnError("state-diverged", "operator", text, { height }, cause);
		}
	}

	/** Checks signatures of the next pair while the disk and the application are busy; the verdict comes with the pair's turn. */
	#lookAhead(chainId: string, validators: ValidatorSet): void {
		const { first, second } = this.#plan.peek();
		const commit = second?.block.lastCommit ?? null;
		if (first === null || commit === null) return;
		const state = { ...this.#state, chainId, validators };
		verifyPair(state, first, second as Candidate, this.#parts.verify);
	}

	#applied(state: ChainState, verified: VerifiedBlock): void {
		this.#isApplying = false;
		this.#state = state;
		this.#synced++;
		this.#parts.onApplied(verified);
		if (this.#synced % BLOCKS_PER_REPORT === 0) this.#report();
		this.#advance();
	}

	#report(): void {
		const now = this.#now();
		this.#rate = 0.9 * this.#rate + (0.1 * BLOCKS_PER_REPORT * 1000) / Math.max(1, now - this.#lastReport);
		this.#lastReport = now;
		this.#logger.info("Block Sync Rate", {
			height: this.#plan.height,
			max_peer_height: this.#plan.maxPeerHeight,
			"blocks/s": this.#rate,
		});
	}

	#fail(cause: unknown): void {
		if (this.#isOver) return;
		this.stop();
		this.#parts.onFatal(cause);
	}

	// ------------------------------------------------------------------------------------------------ the end

	#switchLater(): void {
		this.#switchTimer = this.#parts.world.timers.after(SWITCH_MS, () => {
			if (this.#isOver) return;
			this.#switchLater();
			if (!this.#isApplying && this.#mayEnd()) this.#end();
		});
	}

	#mayEnd(): boolean {
		const { clock } = this.#parts.world;
		const state = this.#state;
		if (!this.#knowsExtensions()) {
			this.#logger.info("No extended commit yet", {
				height: this.#plan.height,
				max_peer_height: this.#plan.maxPeerHeight,
			});
			return false;
		}
		return this.#plan.isCaughtUp(clock.mono(), clock.wall()) || this.#parts.blocksChain(state);
	}

	/** With extensions, a proposer needs those of the last height: a block must have been synced unless they are stored. */
	#knowsExtensions(): boolean {
		const { lastBlockHeight, consensusParams } = this.#state;
		const enabled = consensusParams.abci.voteExtensionsEnableHeight;
		const needsNone = lastBlockHeight === 0 || enabled <= 0 || lastBlockHeight < enabled;
		return needsNone || this.#synced > 0 || this.#parts.hasExtendedCommit(lastBlockHeight);
	}

	#end(): void {
		this.#logger.info("Time to switch to consensus mode!", { height: this.#plan.height });
		this.stop();
		this.#parts.onCaughtUp(this.#state, this.#synced > 0 || this.#wasStateSynced);
	}
}

function unsolicited(why: string): CairnError {
	return new CairnError("unsolicited-block", "peer", why);
}
