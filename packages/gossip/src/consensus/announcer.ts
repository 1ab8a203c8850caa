import { STEP_COMMIT, type TendermintRoundState } from "@cairn/consensus";
import { BitArray, type Vote } from "@cairn/types";
import { STATE_CHANNEL } from "./channels.ts";
import type { Companion } from "./companion.ts";
import type { ConsensusContext } from "./context.ts";
import { encodeConsensusMessage } from "./messages.ts";
import type { OwnState } from "./plan.ts";

/** Votes that are told of together; more come only while nothing is sent at all. */
const MAX_WAITING_VOTES = 20_000;

/** Tells peers where we stand and what we have: NewRoundStep, NewValidBlock, HasVote. */
export class Announcer {
	readonly #context: ConsensusContext;
	#hasStep = false;
	#hasValidBlock = false;
	#hasCompleteBlock = false;
	#votes: Vote[] = [];
	/** Peers whose queue was full when they were to hear of our step. */
	readonly #owed = new Set<Companion>();

	constructor(context: ConsensusContext) {
		this.#context = context;
	}

	step(): void {
		this.#hasStep = true;
	}

	validBlock(): void {
		this.#hasValidBlock = true;
	}

	completeBlock(): void {
		this.#hasCompleteBlock = true;
	}

	vote(vote: Vote): void {
		if (this.#votes.length < MAX_WAITING_VOTES) this.#votes.push(vote);
	}

	/** Tells everybody what has happened since the last call; several steps of one turn are one message. */
	flush(): void {
		const votes = this.#votes;
		const isStep = this.#hasStep;
		const isValid = this.#hasValidBlock;
		const isComplete = this.#hasCompleteBlock;
		this.#votes = [];
		this.#hasStep = false;
		this.#hasValidBlock = false;
		this.#hasCompleteBlock = false;
		if (this.#context.syncing || this.#context.companions.size === 0) return;
		const own = this.#context.own();
		if (isStep) this.#broadcastStep(own.round);
		if (isValid || (isStep && waitsForParts(own)) || (isComplete && this.#sparesParts(own))) this.#broadcastBlock(own);
		for (const vote of votes) this.#tellVote(own, vote);
	}

	/** A new peer learns where we stand. */
	welcome(companion: Companion): void {
		if (!this.#context.syncing) this.#greet(companion);
	}

	/** The peer's queue has room again. */
	drained(companion: Companion): void {
		if (this.#owed.delete(companion)) this.welcome(companion);
	}

	forget(companion: Companion): void {
		this.#owed.delete(companion);
	}

	#greet(companion: Companion): void {
		const own = this.#context.own();
		this.#sendState(companion, this.#stepMessage(own.round));
		const block = waitsForParts(own) ? blockMessage(own) : null;
		if (block !== null) this.#sendState(companion, block);
	}

	#sendState(companion: Companion, bytes: Uint8Array): void {
		if (!companion.peer.send(STATE_CHANNEL, bytes)) this.#owed.add(companion);
	}

	#broadcastStep(round: TendermintRoundState): void {
		const bytes = this.#stepMessage(round);
		for (const companion of this.#context.companions.values()) this.#sendState(companion, bytes);
	}

	#stepMessage({ height, round, step, startTime, lastCommitRound }: TendermintRoundState): Uint8Array {
		const secondsSinceStart = (this.#context.parts.world.clock.wall() - startTime) / 1_000_000_000n;
		return encodeConsensusMessage({
			kind: "newRoundStep",
			height,
			round,
			step,
			secondsSinceStart,
			lastCommitRound,
		});
	}

	#broadcastBlock(own: OwnState): void {
		const bytes = blockMessage(own);
		if (bytes === null) return;
		for (const companion of this.#context.companions.values()) this.#sendState(companion, bytes);
	}

	/**
	 * True if peers should hear that we have the whole block. CometBFT tells so only at a polka; told before, the others
	 * spare us the parts that we have. Not with a proof of lock: who is told of the block first never asks which round it is of.
	 */
	#sparesParts({ round, parts }: OwnState): boolean {
		if (round.proposal === null || round.proposal.polRound >= 0 || parts?.isComplete !== true) return false;
		return this.#context.isForeignBlock(round.height);
	}

	/** Peers who lack the vote get the vote itself, and so know; the others are told unless they know already. */
	#tellVote({ round: own }: OwnState, vote: Vote): void {
		const { height, round, type, validatorIndex: index } = vote;
		if (height !== own.height) return;
		const size = own.validators.size;
		let bytes: Uint8Array | null = null;
		for (const companion of this.#context.companions.values()) {
			const { state, peer } = companion;
			if (state.height < height || companion.wasTold(vote)) continue;
			const lacks = state.votesOf(height, round, type)?.get(index) === false;
			if (lacks && !this.#context.holdsVote(companion, vote)) continue;
			bytes ??= encodeConsensusMessage({ kind: "hasVote", height, round, type, index });
			if (peer.send(STATE_CHANNEL, bytes)) companion.tell(vote, size);
		}
	}
}

/** True in the commit step without the whole block: peers must know which parts to send, whenever they came. */
function waitsForParts({ round, parts, decided }: OwnState): boolean {
	return round.step === STEP_COMMIT && decided.height < round.height && parts !== null && !parts.isComplete;
}

function blockMessage({ round, parts, decided }: OwnState): Uint8Array | null {
	const { height, wantedParts: header, step } = round;
	if (header === null || (parts === null && decided.height < height)) return null;
	const bits = parts?.bits ?? new BitArray(header.total).not();
	const isCommit = step === STEP_COMMIT;
	return encodeConsensusMessage({ kind: "newValidBlock", height, round: round.round, header, parts: bits, isCommit });
}
