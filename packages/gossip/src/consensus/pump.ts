import { STEP_COMMIT, STEP_PROPOSE } from "@cairn/consensus";
import type { Vote } from "@cairn/types";
import { DATA_CHANNEL, VOTE_CHANNEL } from "./channels.ts";
import type { Companion } from "./companion.ts";
import type { ConsensusContext } from "./context.ts";
import { partMessage, proposalMessage, voteMessage } from "./encodings.ts";
import { encodeConsensusMessage } from "./messages.ts";
import { lacksProposal, missingVotes, type OwnState, partsFor, voteSourcesFor } from "./plan.ts";

/** Sends each peer what it lacks, until there is nothing more or its queues are full. */
export class Pump {
	readonly #context: ConsensusContext;

	constructor(context: ConsensusContext) {
		this.#context = context;
	}

	all(): void {
		if (this.#context.syncing || this.#context.companions.size === 0) return;
		const own = this.#context.own();
		for (const companion of this.#context.companions.values()) this.#pump(companion, own);
	}

	one(companion: Companion): void {
		if (!this.#context.syncing) this.#pump(companion, this.#context.own());
	}

	#pump(companion: Companion, own: OwnState): void {
		if (companion.state.height === 0) return;
		this.#sendProposal(companion, own);
		this.#sendParts(companion, own);
		this.#sendVotes(companion, own);
	}

	/** The proposal and, where it has one, which votes of its proof of lock are here. */
	#sendProposal(companion: Companion, own: OwnState): void {
		const { peer, state } = companion;
		const { height, round, proposal } = own.round;
		if (proposal === null || !lacksProposal(own, state)) return;
		if (this.#context.holdsProposal(companion, height, round)) return;
		if (!peer.send(DATA_CHANNEL, proposalMessage(proposal))) return;
		state.setProposal(proposal, true);
		const { polRound } = proposal;
		const pol = polRound < 0 ? null : own.round.votes(polRound);
		if (pol === null) return;
		const bits = pol.prevotes.bitArray();
		peer.send(DATA_CHANNEL, encodeConsensusMessage({ kind: "proposalPol", height, polRound, bits }));
	}

	#sendParts(companion: Companion, own: OwnState): void {
		const { peer, state } = companion;
		const source = partsFor(own, state);
		if (source === null) return;
		for (const index of rotated(source.missing.trueIndices(), peer.id)) {
			if (this.#context.holdsPart(companion, state.height, index)) continue;
			if (!peer.canSend(DATA_CHANNEL)) return;
			const part = source.get(index);
			if (part === null) continue;
			if (!peer.send(DATA_CHANNEL, partMessage(part, state.height, state.round))) return;
			state.parts?.assume(index);
			this.#learnFromPart(own, companion);
		}
	}

	/** A peer that still waits for the block when its turn has come has no other way to it. */
	#learnFromPart({ round }: OwnState, companion: Companion): void {
		const { height, step } = companion.state;
		const isRecent = height === round.height || height + 1 === round.height;
		const isWaiting = step <= STEP_PROPOSE || step === STEP_COMMIT || companion.state.isWaitingForParts;
		if (!this.#context.mayLearn || !isRecent || !isWaiting || !this.#context.isForeignBlock(height)) return;
		this.#context.learnBlock(companion, height, true);
	}

	#sendVotes(companion: Companion, own: OwnState): void {
		for (const source of voteSourcesFor(own, companion.state)) {
			const missing = missingVotes(source, companion.state);
			if (missing === null) continue;
			for (const index of missing.trueIndices()) {
				const vote = source.getByIndex(index);
				if (vote === null || this.#context.holdsVote(companion, vote)) continue;
				if (!this.#sendVote(companion, vote, source.size)) return;
			}
		}
	}

	#sendVote(companion: Companion, vote: Vote, size: number): boolean {
		const { peer, state } = companion;
		if (!peer.send(VOTE_CHANNEL, voteMessage(vote))) return false;
		state.votesOf(vote.height, vote.round, vote.type)?.assume(vote.validatorIndex);
		companion.tell(vote, size);
		if (this.#context.mayLearn) companion.learn("votes", vote.validatorIndex, size, true);
		return true;
	}
}

/** Different peers get parts in different order, so that they can help each other. */
function rotated(indices: readonly number[], id: string): readonly number[] {
	if (indices.length < 2) return indices;
	const offset = Number.parseInt(id.slice(0, 8), 16);
	const start = Number.isNaN(offset) ? 0 : offset % indices.length;
	return [...indices.slice(start), ...indices.slice(0, start)];
}
