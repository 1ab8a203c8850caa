import { EMPTY_BYTES } from "@cairn/kit";
import {
	type BitArray,
	GO_ZERO_TIME,
	type Height,
	type PartSetHeader,
	PREVOTE,
	type Proposal,
	partSetHeadersEqual,
	type Round,
	type TimeNs,
	type ValidatorIndex,
	type VoteType,
} from "@cairn/types";
import { KnownBits } from "./known-bits.ts";
import type { NewRoundStep, NewValidBlock, ProposalPol, VoteSetBits } from "./messages.ts";

export const NO_PARTS: PartSetHeader = { total: 0, hash: EMPTY_BYTES };
/** More seconds than any node has run; CometBFT lets the sum overflow. */
const MAX_SECONDS = 10_000_000_000n;

/**
 * What we know of a peer's round state, so that it is sent all that it lacks and nothing that it has (`PeerState` of
 * consensus/reactor.go, whose rules of when what is forgotten these are). Pure.
 */
export class PeerRoundState {
	/** 0 until the peer has told. */
	height: Height = 0;
	round: Round = -1;
	step = 0;
	startTime: TimeNs = GO_ZERO_TIME;
	/** It has the proposal of its round. */
	hasProposal = false;
	/** We only sent it the proposal, and take that for delivered. */
	#isProposalAssumed = false;
	header: PartSetHeader = NO_PARTS;
	/** Null while we do not know which block it collects. */
	parts: KnownBits | null = null;
	/** It told that it has not all of those parts, and knows that they are the right ones. */
	isWaitingForParts = false;
	/** Proof-of-lock round of its proposal; -1 if none. */
	polRound: Round = -1;
	pol: KnownBits | null = null;
	prevotes: KnownBits | null = null;
	precommits: KnownBits | null = null;
	lastCommitRound: Round = -1;
	lastCommit: KnownBits | null = null;
	/** A round for which we have +2/3 precommits of its height; -1 if none. */
	catchUpRound: Round = -1;
	catchUp: KnownBits | null = null;

	/** False if the message is old or repeats what is known; then nothing has changed. */
	applyStep(message: NewRoundStep, now: TimeNs): boolean {
		const { height, round, step } = message;
		if (!this.#isBefore(height, round, step)) return false;
		const before = { height: this.height, round: this.round, precommits: this.precommits };
		this.height = height;
		this.round = round;
		this.step = step;
		this.startTime = now - clamp(message.secondsSinceStart) * 1_000_000_000n;
		if (before.height !== height || before.round !== round) this.#forgetRound();
		if (before.height === height && before.round !== round && round === this.catchUpRound) {
			this.precommits = this.catchUp;
		}
		if (before.height !== height) {
			const isShift = before.height + 1 === height && before.round === message.lastCommitRound;
			this.lastCommitRound = message.lastCommitRound;
			this.lastCommit = isShift ? before.precommits : null;
			this.catchUpRound = -1;
			this.catchUp = null;
		}
		return true;
	}

	#isBefore(height: Height, round: Round, step: number): boolean {
		if (this.height !== height) return this.height < height;
		return this.round === round ? this.step < step : this.round < round;
	}

	#forgetRound(): void {
		this.hasProposal = false;
		this.header = NO_PARTS;
		this.parts = null;
		this.isWaitingForParts = false;
		this.polRound = -1;
		this.pol = null;
		this.prevotes = null;
		this.precommits = null;
	}

	/** False if it is about another height or round. */
	applyValidBlock({ height, round, header, parts, isCommit }: NewValidBlock): boolean {
		if (this.height !== height || (this.round !== round && !isCommit)) return false;
		// Parts of a block that it collected already were not lost.
		if (this.collects(header)) this.parts?.confirm(parts);
		else this.parts = KnownBits.told(parts);
		this.header = header;
		this.isWaitingForParts = !parts.isFull();
		return true;
	}

	/** True if it told of a proof of lock that it was asked about. */
	applyPol({ height, polRound, bits }: ProposalPol): boolean {
		if (this.height !== height || this.polRound !== polRound) return false;
		this.pol = KnownBits.told(bits);
		return true;
	}

	/** @param ours the votes for that block that we have; null where we do not know: then the peer's word is all there is */
	applyVoteSetBits({ height, round, type, bits }: VoteSetBits, ours: BitArray | null): void {
		this.votesOf(height, round, type)?.replace(bits, ours);
	}

	/**
	 * It has the proposal of its round now. False if it is of another round.
	 * @param isAssumed we sent it; false: it came from there
	 */
	setProposal({ height, round, blockId, polRound }: Proposal, isAssumed: boolean): boolean {
		if (this.height !== height || this.round !== round) return false;
		if (!isAssumed) this.#isProposalAssumed = false;
		if (this.hasProposal) return true;
		this.hasProposal = true;
		this.#isProposalAssumed = isAssumed;
		this.polRound = polRound;
		this.pol = null;
		// A valid block that the peer announced tells better what it collects.
		if (this.parts !== null) return true;
		this.header = blockId.partSetHeader;
		this.parts = new KnownBits(blockId.partSetHeader.total);
		return true;
	}

	/** It collects the parts of this block from now on, unless we know of another. */
	initParts(header: PartSetHeader): void {
		if (this.parts !== null) return;
		this.header = header;
		this.parts = new KnownBits(header.total);
	}

	collects(header: PartSetHeader | null): boolean {
		return header !== null && this.parts !== null && partSetHeadersEqual(this.header, header);
	}

	/** It has that part: it sent it to us. */
	tellPart(height: Height, round: Round, index: number): void {
		if (this.height === height && this.round === round) this.parts?.tell(index);
	}

	/** What it has of the votes of one round; null where that is nothing worth knowing. */
	votesOf(height: Height, round: Round, type: VoteType): KnownBits | null {
		const isPrevote = type === PREVOTE;
		if (this.height === height) {
			if (this.round === round) return isPrevote ? this.prevotes : this.precommits;
			if (this.catchUpRound === round) return isPrevote ? null : this.catchUp;
			if (this.polRound === round) return isPrevote ? this.pol : null;
			return null;
		}
		if (this.height === height + 1 && this.lastCommitRound === round) return isPrevote ? null : this.lastCommit;
		return null;
	}

	tellVote(height: Height, round: Round, type: VoteType, index: ValidatorIndex): void {
		this.votesOf(height, round, type)?.tell(index);
	}

	/** Makes room for the votes of a height of so many validators, where the peer stands at it or just above. */
	ensureVotes(height: Height, size: number): void {
		if (size === 0) return;
		if (this.height === height) {
			this.prevotes ??= new KnownBits(size);
			this.precommits ??= new KnownBits(size);
			this.catchUp ??= new KnownBits(size);
			this.pol ??= new KnownBits(size);
		} else if (this.height === height + 1) {
			this.lastCommit ??= new KnownBits(size);
		}
	}

	/** We have +2/3 precommits of this round, of the peer's height. */
	ensureCatchUp(height: Height, round: Round, size: number): void {
		if (this.height !== height || this.catchUpRound === round) return;
		this.catchUpRound = round;
		this.catchUp = round === this.round ? this.precommits : new KnownBits(size);
	}

	/** Takes nothing for delivered any more that the peer has not told of. */
	forgetAssumed(): void {
		for (const known of [this.parts, this.pol, this.prevotes, this.precommits, this.lastCommit, this.catchUp]) {
			known?.forget();
		}
		if (this.#isProposalAssumed) this.hasProposal = false;
	}
}

function clamp(seconds: bigint): bigint {
	if (seconds > MAX_SECONDS) return MAX_SECONDS;
	return seconds < -MAX_SECONDS ? -MAX_SECONDS : seconds;
}
