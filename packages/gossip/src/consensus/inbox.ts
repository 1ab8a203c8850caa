import type { TendermintRoundState, VoteSet } from "@cairn/consensus";
import { ValidationError } from "@cairn/kit";
import {
	BitArray,
	blockIdsEqual,
	type Height,
	type Part,
	PREVOTE,
	type Proposal,
	type Round,
	type Vote,
	type VoteType,
	validateProposalBlockSize,
} from "@cairn/types";
import { DATA_CHANNEL, STATE_CHANNEL, VOTE_CHANNEL, VOTE_SET_BITS_CHANNEL } from "./channels.ts";
import { type Companion, nameOfVotes } from "./companion.ts";
import type { ConsensusContext } from "./context.ts";
import {
	type ConsensusMessage,
	decodeConsensusMessage,
	encodeConsensusMessage,
	type HasVote,
	type NewRoundStep,
	type NewValidBlock,
	type VoteSetBits,
	type VoteSetMajority,
	validateStepHeight,
} from "./messages.ts";
import type { OwnState } from "./plan.ts";

/** What a message changed, for the caller to act on. */
export type Consequence =
	/** Nothing to send that could not be sent before. */
	| "none"
	/** The peer has moved, or told that it lacks something: look what it lacks. */
	| "look"
	/** A part may have come in: everybody may lack it. */
	| "part";

/** Takes messages of consensus: learns what the sender has, and hands on what concerns the engine. */
export class Inbox {
	readonly #context: ConsensusContext;

	constructor(context: ConsensusContext) {
		this.#context = context;
	}

	/** @throws DecodeError, ValidationError what only a faulty peer sends */
	receive(companion: Companion, channelId: number, bytes: Uint8Array): Consequence {
		const message = decodeConsensusMessage(bytes);
		if (channelId === STATE_CHANNEL) return this.#state(companion, message);
		// While blocks are synced, what is sent for the height being decided is of no use.
		if (this.#context.syncing) return "none";
		if (channelId === DATA_CHANNEL) return this.#data(companion, message);
		if (channelId === VOTE_CHANNEL && message.kind === "vote") this.#vote(companion, message.vote);
		if (channelId === VOTE_SET_BITS_CHANNEL && message.kind === "voteSetBits") {
			this.#voteSetBits(companion, message);
			return "look";
		}
		return "none";
	}

	/** A kind of message that does not belong on its channel is ignored, as in Go: room for soft upgrades. */
	#state(companion: Companion, message: ConsensusMessage): Consequence {
		switch (message.kind) {
			case "newRoundStep":
				return this.#step(companion, message);
			case "newValidBlock":
				return this.#validBlock(companion, message);
			case "hasVote":
				this.#hasVote(companion, message);
				return "none";
			case "voteSetMaj23":
				this.#majority(companion, message);
				return "none";
			default:
				return "none";
		}
	}

	#data(companion: Companion, message: ConsensusMessage): Consequence {
		switch (message.kind) {
			case "proposal":
				this.#proposal(companion, message.proposal);
				return "none";
			case "proposalPol":
				return companion.state.applyPol(message) ? "look" : "none";
			case "part":
				this.#part(companion, message.height, message.round, message.part);
				return "part";
			default:
				return "none";
		}
	}

	#step(companion: Companion, message: NewRoundStep): Consequence {
		const { options, parts } = this.#context;
		validateStepHeight(message, options.initialHeight);
		if (!companion.state.applyStep(message, parts.world.clock.wall())) return "none";
		companion.movedAt = parts.world.clock.mono();
		return "look";
	}

	#validBlock(companion: Companion, message: NewValidBlock): Consequence {
		const { state } = companion;
		const { height } = message;
		const before = state.collects(message.header) ? state.parts : null;
		if (!state.applyValidBlock(message)) return "none";
		if (this.#context.syncing || this.#context.parts.roundState().height !== height) return "look";
		const isNews = message.parts.trueIndices().some((index) => before?.get(index) !== true);
		if (isNews) this.#context.learnBlock(companion, height, false);
		return "look";
	}

	#hasVote(companion: Companion, { height, round, type, index }: HasVote): void {
		const { state } = companion;
		if (state.height !== height) return;
		const known = state.votesOf(height, round, type);
		if (known?.get(index) === false) companion.learn("votes", index, known.size, false);
		known?.tell(index);
	}

	/** Notes the claim and answers with the votes for that block that are here. */
	#majority({ peer }: Companion, { height, round, type, blockId }: VoteSetMajority): void {
		const { roundState, submit } = this.#context.parts;
		if (this.#context.syncing || roundState().height !== height) return;
		const claimed = votesOf(roundState(), round, type)?.peerMajorities.get(peer.id);
		if (claimed !== undefined && !blockIdsEqual(claimed, blockId)) {
			throw new ValidationError("a second claim of a majority, for another block", { height, round });
		}
		submit({
			kind: "engine",
			peer: peer.id,
			message: { kind: "majorityClaim", height, round, type, blockId },
		});
		// The claim may have been the last thing missing to decide the height.
		const own = roundState();
		if (own.height !== height) return;
		const votes = votesOf(own, round, type);
		const bits = votes?.bitArrayByBlockId(blockId) ?? new BitArray(votes?.size ?? 0);
		const answer = encodeConsensusMessage({ kind: "voteSetBits", height, round, type, blockId, bits });
		peer.send(VOTE_SET_BITS_CHANNEL, answer);
	}

	/** The answer to a claim of ours, or what a peer tells of its last commit by itself. */
	#voteSetBits(companion: Companion, message: VoteSetBits): void {
		const { height, round, type, blockId, bits } = message;
		const own = this.#context.parts.roundState();
		const votes = own.height === height ? votesOf(own, round, type) : undefined;
		const ours = votes?.bitArrayByBlockId(blockId) ?? null;
		// At our own height, bits of a block that we do not follow say nothing about the votes that we could send.
		if (own.height === height && ours === null) return;
		if (height + 1 >= own.height) {
			companion.state.ensureVotes(own.height - 1, own.lastCommit?.size ?? 0);
			const known = companion.state.votesOf(height, round, type);
			for (const index of known?.missing(known.bits().or(bits)).trueIndices() ?? []) {
				companion.learn("votes", index, known?.size ?? 0, false);
			}
		}
		companion.state.applyVoteSetBits(message, ours);
	}

	#proposal(companion: Companion, proposal: Proposal): void {
		const { chainState, roundState, submit } = this.#context.parts;
		validateProposalBlockSize(proposal, Number(chainState().consensusParams.block.maxBytes));
		const { state } = companion;
		const { height, round } = proposal;
		const own = roundState();
		if (own.height === height && own.round === round) {
			if (!state.hasProposal) this.#context.learnBlock(companion, height, false);
			this.#context.proposalArrived(height, round);
		}
		state.setProposal(proposal, false);
		submit({ kind: "engine", peer: companion.peer.id, message: { kind: "proposal", proposal } });
	}

	#part(companion: Companion, height: Height, round: Round, part: Part): void {
		const { state, peer } = companion;
		const { index } = part;
		const own = this.#context.own();
		const wanted = own.round.wantedParts;
		const isNews = state.parts?.get(index) !== true;
		state.tellPart(height, round, index);
		if (own.round.height === height && wanted !== null) {
			if (isNews) this.#context.learnBlock(companion, height, false);
			if (own.parts !== null && !own.parts.hasPart(index)) companion.parts++;
			this.#context.partArrived(height, index, wanted.total);
		}
		this.#context.parts.submit({ kind: "part", peer: peer.id, height, round, part });
	}

	#vote(companion: Companion, vote: Vote): void {
		const { state, peer } = companion;
		const own = this.#context.own();
		const { validators, lastCommit } = own.round;
		state.ensureVotes(own.round.height, validators.size);
		state.ensureVotes(own.round.height - 1, lastCommit?.size ?? 0);
		this.#learnFromVote(companion, vote, own);
		this.#context.parts.submit({ kind: "engine", peer: peer.id, message: { kind: "vote", vote } });
	}

	#learnFromVote(companion: Companion, vote: Vote, { round: own }: OwnState): void {
		const { height, round, type, validatorIndex: index } = vote;
		const known = companion.state.votesOf(height, round, type);
		const wasKnown = known?.get(index) === true && !known.isAssumed(index);
		known?.tell(index);
		const set = height === own.height ? votesOf(own, round, type) : lateVotesOf(own, vote);
		if (set === undefined || index >= set.size) return;
		if (!wasKnown) companion.learn("votes", index, set.size, false);
		if (set.getByIndex(index) === null) {
			companion.votes++;
			this.#context.arrivals.add(nameOfVotes(height, round, type), index, set.size);
		}
		companion.tell(vote, set.size);
	}
}

function votesOf(own: TendermintRoundState, round: Round, type: VoteType): VoteSet | undefined {
	const votes = own.votes(round);
	return type === PREVOTE ? votes?.prevotes : votes?.precommits;
}

/** The precommits of the last height, if the vote is one. */
function lateVotesOf({ lastCommit }: TendermintRoundState, { height, round, type }: Vote): VoteSet | undefined {
	if (lastCommit === null || lastCommit.height !== height) return undefined;
	return lastCommit.round === round && lastCommit.type === type ? lastCommit : undefined;
}
