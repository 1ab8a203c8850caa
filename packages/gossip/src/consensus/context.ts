import { STEP_COMMIT, type TendermintMessage, type TendermintRoundState } from "@cairn/consensus";
import type { Logger, Metrics, World } from "@cairn/kit";
import type { ChainState, Height, Part, PartSet, PartSetHeader, Round, ValidatorIndex, Vote } from "@cairn/types";
import { Arrivals } from "./arrivals.ts";
import { type Companion, nameOfVotes } from "./companion.ts";
import type { OwnState } from "./plan.ts";
import { type BlockReader, StoredBlocks } from "./stored-blocks.ts";

/** What peers send that concerns the height being decided; the node verifies it and gives it to the engine. */
export type PeerMessage =
	| { readonly kind: "engine"; readonly peer: string; readonly message: TendermintMessage }
	| {
			readonly kind: "part";
			readonly peer: string;
			readonly height: Height;
			readonly round: Round;
			readonly part: Part;
	  };

export interface ConsensusGossipOptions {
	/** The first height of the chain. */
	readonly initialHeight: Height;
	/** `consensus.peer_gossip_sleep_duration`: at most so long others are given time to pass on what they too have. */
	readonly gossipSleepMs: number;
	/** `consensus.peer_query_maj23_sleep_duration`: how often peers are asked about majorities. */
	readonly queryMaj23SleepMs: number;
	/** Start with ignoring what is sent for the height being decided (Go's WaitSync). */
	readonly syncing: boolean;
}

export interface ConsensusGossipParts {
	/** The engine's live state; asked for only while not syncing. */
	readonly roundState: () => TendermintRoundState;
	/** A turn of the engine is under way: its state may stand on what is not on disk yet, so nothing of it is sent. */
	readonly busy: () => boolean;
	/** Parts of the blocks of the height being decided. */
	readonly assembler: { parts(header: PartSetHeader): PartSet | null };
	readonly blockStore: BlockReader;
	/** State after the last executed block. */
	readonly chainState: () => ChainState;
	/** Takes a decoded message further; it may be judged and stepped before this returns. */
	readonly submit: (message: PeerMessage) => void;
	readonly world: Pick<World, "clock" | "timers">;
	readonly logger: Logger;
	readonly metrics: Metrics;
}

/** What the parts of consensus gossip share. */
export class ConsensusContext {
	readonly options: ConsensusGossipOptions;
	readonly parts: ConsensusGossipParts;
	readonly companions = new Map<string, Companion>();
	readonly arrivals: Arrivals = new Arrivals();
	readonly #decided: StoredBlocks;
	/** The last two heights at which parts have come from peers; 0 before the first. */
	#foreignHeights: readonly [Height, Height] = [0, 0];
	#proposer: Proposer = { height: 0, round: -1, index: 0, size: 0 };
	#lastProposer: Proposer = this.#proposer;
	syncing: boolean;
	/** False while this node itself is late, so that nobody is taken to need what was merely slow to be confirmed. */
	mayLearn = true;

	constructor(options: ConsensusGossipOptions, parts: ConsensusGossipParts) {
		this.options = options;
		this.parts = parts;
		this.syncing = options.syncing;
		this.#decided = new StoredBlocks(parts.blockStore, (height) => {
			const enabled = parts.chainState().consensusParams.abci.voteExtensionsEnableHeight;
			return enabled > 0 && height >= enabled;
		});
	}

	own(): OwnState {
		const round = this.parts.roundState();
		const { wantedParts } = round;
		const parts = wantedParts === null ? null : this.parts.assembler.parts(wantedParts);
		return { round, parts, decided: this.#decided };
	}

	/** Notes that a part of our height came from a peer: the block is not (only) our own. */
	partArrived(height: Height, index: number, total: number): void {
		if (this.#foreignHeights[0] !== height) this.#foreignHeights = [height, this.#foreignHeights[0]];
		this.arrivals.add(nameOfParts(height), index, total);
	}

	isForeignBlock(height: Height): boolean {
		return this.#foreignHeights.includes(height);
	}

	proposalArrived(height: Height, round: Round): void {
		this.arrivals.add(nameOfProposal(height, round), 0, 1);
	}

	/** True while others are given time to send this vote to that peer. */
	holdsVote(companion: Companion, { height, round, type, validatorIndex }: Vote): boolean {
		if (companion.needs("votes", validatorIndex, height)) return false;
		return this.arrivals.has(nameOfVotes(height, round, type), validatorIndex);
	}

	holdsPart(companion: Companion, height: Height, index: number): boolean {
		const { isWaitingForParts, step } = companion.state;
		if (isWaitingForParts || step === STEP_COMMIT) return false;
		return this.arrivals.has(nameOfParts(height), index) && !this.#needsBlock(companion, height);
	}

	holdsProposal(companion: Companion, height: Height, round: Round): boolean {
		return this.arrivals.has(nameOfProposal(height, round), 0) && !this.#needsBlock(companion, height);
	}

	/** Notes whether a peer had to wait for us to pass on the block of our round, or of the height before. */
	learnBlock(companion: Companion, height: Height, needsUs: boolean): void {
		const { index, size } = this.#proposerOf(height);
		companion.learn("blocks", index, size, needsUs);
	}

	#needsBlock(companion: Companion, height: Height): boolean {
		return companion.needs("blocks", this.#proposerOf(height).index, height);
	}

	#proposerOf(height: Height): Proposer {
		const current = this.#currentProposer();
		return current.height === height ? current : this.#lastProposer;
	}

	#currentProposer(): Proposer {
		const { height, round, validators } = this.parts.roundState();
		if (height !== this.#proposer.height || round !== this.#proposer.round) {
			if (height !== this.#proposer.height) this.#lastProposer = this.#proposer;
			const address = validators.proposer?.address;
			const index = address === undefined ? 0 : (validators.getByAddress(address)?.index ?? 0);
			this.#proposer = { height, round, index, size: validators.size };
		}
		return this.#proposer;
	}
}

/** Who proposes in a round. */
interface Proposer {
	readonly height: Height;
	readonly round: Round;
	readonly index: ValidatorIndex;
	/** Number of validators. */
	readonly size: number;
}

function nameOfParts(height: Height): string {
	return `parts/${height}`;
}

function nameOfProposal(height: Height, round: Round): string {
	return `proposal/${height}/${round}`;
}
