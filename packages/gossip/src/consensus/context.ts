import type { TendermintMessage, TendermintRoundState } from "@cairn/consensus";
import type { Logger, Metrics, World } from "@cairn/kit";
import type { ChainState, Height, Part, PartSet, PartSetHeader, Round, Vote } from "@cairn/types";
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
	/** The engine's live state. */
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
	/** Height at which parts have come from peers; 0 before the first. */
	#foreignHeight: Height = 0;
	syncing: boolean;

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

	/** Notes that a part of this height came from a peer: the block is not (only) our own. */
	partArrived(height: Height, index: number, total: number): void {
		this.#foreignHeight = height;
		this.arrivals.add(nameOfParts(height), index, total);
	}

	isForeignBlock(height: Height): boolean {
		return this.#foreignHeight === height;
	}

	proposalArrived(height: Height, round: Round): void {
		this.arrivals.add(nameOfProposal(height, round), 0, 1);
	}

	/** True while others are given time to send this vote to that peer. */
	holdsVote(companion: Companion, { height, round, type, validatorIndex }: Vote): boolean {
		if (!companion.hearsElsewhere(validatorIndex)) return false;
		return this.arrivals.has(nameOfVotes(height, round, type), validatorIndex);
	}

	holdsPart(companion: Companion, height: Height, index: number): boolean {
		return companion.hearsPartsElsewhere && this.arrivals.has(nameOfParts(height), index);
	}

	holdsProposal(companion: Companion, height: Height, round: Round): boolean {
		return companion.hearsPartsElsewhere && this.arrivals.has(nameOfProposal(height, round), 0);
	}
}

function nameOfParts(height: Height): string {
	return `parts/${height}`;
}

function nameOfProposal(height: Height, round: Round): string {
	return `proposal/${height}/${round}`;
}
