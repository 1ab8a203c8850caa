import { STEP_COMMIT, STEP_NEW_HEIGHT, type TendermintRoundState } from "@cairn/consensus";
import type { Timer } from "@cairn/kit";
import { BitArray, type Height, type Round, type Vote } from "@cairn/types";
import { STATE_CHANNEL, VOTE_SET_BITS_CHANNEL } from "./channels.ts";
import type { Companion } from "./companion.ts";
import type { ConsensusContext } from "./context.ts";
import { encodeConsensusMessage } from "./messages.ts";
import type { OwnState } from "./plan.ts";

/** Votes that are told of together; more come only while nothing is sent at all. */
const MAX_WAITING_VOTES = 20_000;
/** What only spares others work may wait for this part of the time that they wait before they do it. */
const SPARING_SHARE = 0.25;

/** Where we stand, as peers were told last. */
interface Place {
	readonly height: Height;
	readonly round: Round;
	readonly step: number;
}

const NOWHERE: Place = { height: 0, round: -1, step: 0 };

/**
 * Tells peers where we stand and what we have: NewRoundStep, NewValidBlock, HasVote. At once what makes them send something;
 * what only spares them sending is gathered for a while, because most of it is out of date before it would matter.
 */
export class Announcer {
	readonly #context: ConsensusContext;
	#hasStep = false;
	#hasBlock = false;
	#votes: Vote[] = [];
	/** The precommits of the last height that we have are more than peers were told of. */
	#hasLastCommit = false;
	#told: Place = NOWHERE;
	/** The last NewValidBlock that everybody was sent. */
	#toldBlock = "";
	#lazyTimer: Timer | null = null;
	/** Peers whose queue was full when they were to hear of our step. */
	readonly #owed = new Set<Companion>();

	constructor(context: ConsensusContext) {
		this.#context = context;
	}

	/** Our step has changed. */
	step(): void {
		this.#hasStep = true;
	}

	/** We hold more of a block than peers were told, or want another one. */
	block(): void {
		this.#hasBlock = true;
	}

	vote(vote: Vote): void {
		if (this.#votes.length < MAX_WAITING_VOTES) this.#votes.push(vote);
	}

	/** Tells at once what peers wait for; the rest follows a little later. */
	flush(): void {
		if (this.#context.syncing) {
			this.#clear();
			this.#told = NOWHERE;
			return;
		}
		const own = this.#context.own();
		const { height, round } = own.round;
		const isElsewhere = height !== this.#told.height || round !== this.#told.round;
		const isWaiting = waitsForParts(own);
		if (this.#hasStep && (isElsewhere || isWaiting)) this.#tellStep(own.round);
		if ((this.#hasStep || this.#hasBlock) && isWaiting) this.#tellBlock(own);
		const isLater = this.#votes.some((vote) => vote.height < height);
		if (isLater) {
			this.#hasLastCommit = true;
			this.#votes = this.#votes.filter((vote) => vote.height >= height);
		}
		if (!this.#hasStep && !this.#hasBlock && !this.#hasLastCommit && this.#votes.length === 0) return;
		this.#lazyTimer ??= this.#context.parts.world.timers.after(
			this.#context.options.gossipSleepMs * SPARING_SHARE,
			() => {
				this.#lazyTimer = null;
				this.#tellRest();
			},
		);
	}

	#tellRest(): void {
		if (!this.#context.syncing) {
			const own = this.#context.own();
			if (this.#hasStep) this.#tellStep(own.round);
			if (this.#hasBlock && this.#sparesParts(own)) this.#tellBlock(own);
			if (this.#hasLastCommit) this.#tellLastCommit(own.round);
			for (const vote of this.#votes) this.#tellVote(own, vote);
		}
		this.#clear();
	}

	#clear(): void {
		this.#hasStep = false;
		this.#hasBlock = false;
		this.#hasLastCommit = false;
		this.#votes = [];
	}

	stop(): void {
		this.#lazyTimer?.cancel();
	}

	/** A new peer, or one whose queue was full, learns where we stand. */
	welcome(companion: Companion): void {
		if (this.#context.syncing) return;
		const own = this.#context.own();
		this.#sendState(companion, this.#stepMessage(own.round));
		const block = waitsForParts(own) ? blockMessage(own) : null;
		if (block !== null) this.#sendState(companion, block);
	}

	/** The peer's queue has room again. */
	drained(companion: Companion): void {
		if (this.#owed.delete(companion)) this.welcome(companion);
	}

	forget(companion: Companion): void {
		this.#owed.delete(companion);
	}

	#sendState(companion: Companion, bytes: Uint8Array): void {
		if (!companion.peer.send(STATE_CHANNEL, bytes)) this.#owed.add(companion);
	}

	#tellStep(own: TendermintRoundState): void {
		this.#hasStep = false;
		const { height, round, step } = own;
		if (height === this.#told.height && round === this.#told.round && step === this.#told.step) return;
		this.#told = { height, round, step };
		const bytes = this.#stepMessage(own);
		for (const companion of this.#context.companions.values()) this.#sendState(companion, bytes);
	}

	#stepMessage({ height, round, step, startTime, lastCommitRound }: TendermintRoundState): Uint8Array {
		const secondsSinceStart = (this.#context.parts.world.clock.wall() - startTime) / 1_000_000_000n;
		return encodeConsensusMessage({ kind: "newRoundStep", height, round, step, secondsSinceStart, lastCommitRound });
	}

	#tellBlock(own: OwnState): void {
		this.#hasBlock = false;
		const { height, round, step } = own.round;
		const bytes = blockMessage(own);
		if (bytes === null) return;
		const told = `${height}/${round}/${step === STEP_COMMIT} ${own.parts?.count} ${own.round.wanted?.hash.join()}`;
		if (told === this.#toldBlock) return;
		this.#toldBlock = told;
		for (const companion of this.#context.companions.values()) this.#sendState(companion, bytes);
	}

	/**
	 * True if peers should hear which parts we have. CometBFT tells so only at a polka or commit; told before, the others spare
	 * us the parts that we have. But not of a proposal with a proof of lock: who hears of the block first never asks which
	 * round that is of.
	 */
	#sparesParts({ round, parts }: OwnState): boolean {
		if (parts === null || round.wantedParts === null) return false;
		if (round.votes(round.round)?.prevotes.hasMajority === true || round.step === STEP_COMMIT) return true;
		if (round.proposal === null || round.proposal.polRound >= 0 || !parts.isComplete) return false;
		return this.#context.isForeignBlock(round.height);
	}

	/**
	 * While we wait for late precommits of the last height, peers would send us all of them. A HasVote about that height is
	 * lost on who knows that we have left it; bits of votes are not.
	 */
	#tellLastCommit({ lastCommit, step }: TendermintRoundState): void {
		const blockId = lastCommit?.majority ?? null;
		if (lastCommit === null || blockId === null || step !== STEP_NEW_HEIGHT) return;
		const { height, round, type } = lastCommit;
		const bits = lastCommit.bitArrayByBlockId(blockId) ?? lastCommit.bitArray();
		const bytes = encodeConsensusMessage({ kind: "voteSetBits", height, round, type, blockId, bits });
		for (const { peer, state } of this.#context.companions.values()) {
			if (state.height >= height) peer.send(VOTE_SET_BITS_CHANNEL, bytes);
		}
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

/** True while part of a block is missing that we know to be the right one: peers must know which parts to send. */
function waitsForParts({ round, parts, decided }: OwnState): boolean {
	if (parts === null || parts.isComplete || decided.height >= round.height) return false;
	return round.step === STEP_COMMIT || round.votes(round.round)?.prevotes.hasMajority === true;
}

function blockMessage({ round, parts, decided }: OwnState): Uint8Array | null {
	const { height, wantedParts: header, step } = round;
	if (header === null || (parts === null && decided.height < height)) return null;
	const bits = parts?.bits ?? new BitArray(header.total).not();
	const isCommit = step === STEP_COMMIT;
	return encodeConsensusMessage({ kind: "newValidBlock", height, round: round.round, header, parts: bits, isCommit });
}
