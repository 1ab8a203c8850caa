import { invariant } from "@cairn/kit";
import {
	type BlockId,
	type Height,
	PRECOMMIT,
	PREVOTE,
	type Round,
	type ValidatorSet,
	type Vote,
	type VoteType,
} from "@cairn/types";
import { type VoteOutcome, VoteSet } from "./vote-set.ts";

/** Both vote sets of one round. */
export interface RoundVoteSets {
	readonly prevotes: VoteSet;
	readonly precommits: VoteSet;
}

/** Rounds ahead that one peer may open: one of its last commit, one of the commit it helps us with (Go's rule). */
const CATCH_UP_ROUNDS_PER_PEER = 2;
/** Rounds ahead altogether; Go has no such bound, and a peer costs nothing to invent. */
const MAX_CATCH_UP_ROUNDS = 512;

/**
 * The votes of all rounds of one height (consensus/types/height_vote_set.go): every round up to `round`, and beyond it
 * those few that peers opened by sending votes of them.
 */
export class HeightVoteSet {
	readonly height: Height;
	readonly validators: ValidatorSet;
	readonly extended: boolean;
	readonly #rounds = new Map<Round, RoundVoteSets>();
	readonly #catchUp = new Map<string, Round[]>();
	#round: Round = 0;
	#opened = 0;

	constructor(height: Height, validators: ValidatorSet, extended: boolean) {
		this.height = height;
		this.validators = validators;
		this.extended = extended;
		this.#addRound(0);
	}

	/** Every round from 0 to this one is followed. */
	get round(): Round {
		return this.#round;
	}

	/** Follows all rounds up to `round`. */
	setRound(round: Round): void {
		invariant(round >= this.#round, "rounds only grow", { from: this.#round, to: round });
		for (let each = this.#round + 1; each <= round; each++) {
			if (!this.#rounds.has(each)) this.#addRound(each);
		}
		this.#round = round;
	}

	#addRound(round: Round): void {
		this.#rounds.set(round, {
			prevotes: new VoteSet(this.height, round, PREVOTE, this.validators),
			precommits: new VoteSet(this.height, round, PRECOMMIT, this.validators, this.extended),
		});
	}

	/** The sets of a round that is followed, else null. */
	votes(round: Round): RoundVoteSets | null {
		return this.#rounds.get(round) ?? null;
	}

	prevotes(round: Round): VoteSet | null {
		return this.#rounds.get(round)?.prevotes ?? null;
	}

	precommits(round: Round): VoteSet | null {
		return this.#rounds.get(round)?.precommits ?? null;
	}

	of(round: Round, type: VoteType): VoteSet | null {
		return type === PREVOTE ? this.prevotes(round) : this.precommits(round);
	}

	/** Rounds followed, ascending. */
	rounds(): Round[] {
		return [...this.#rounds.keys()].sort((a, b) => a - b);
	}

	/** True if a vote of that round from that peer would be taken. */
	accepts(round: Round, peer: string): boolean {
		if (this.#rounds.has(round)) return true;
		if (this.#opened >= MAX_CATCH_UP_ROUNDS) return false;
		return (this.#catchUp.get(peer)?.length ?? 0) < CATCH_UP_ROUNDS_PER_PEER;
	}

	/** Adds a verified vote; null when the peer has used up the rounds that it may open. */
	add(vote: Vote, peer: string): VoteOutcome | null {
		if (!this.accepts(vote.round, peer)) return null;
		let set = this.of(vote.round, vote.type);
		if (set === null) {
			this.#addRound(vote.round);
			this.#opened++;
			this.#catchUp.set(peer, [...(this.#catchUp.get(peer) ?? []), vote.round]);
			set = this.of(vote.round, vote.type);
			invariant(set !== null, "the round was opened");
		}
		return set.add(vote);
	}

	/** False if that peer claimed another block for the same round and type before. A round not followed is ignored. */
	setPeerMajority(round: Round, type: VoteType, peer: string, blockId: BlockId): boolean {
		return this.of(round, type)?.setPeerMajority(peer, blockId) ?? true;
	}

	/** The highest round up to `round` with +2/3 prevotes for one block or nil. */
	polInfo(): { readonly round: Round; readonly blockId: BlockId } | null {
		for (let round = this.#round; round >= 0; round--) {
			const blockId = this.#rounds.get(round)?.prevotes.majority ?? null;
			if (blockId !== null) return { round, blockId };
		}
		return null;
	}

	/** Peers and the rounds that each opened. */
	catchUpRounds(): readonly (readonly [string, readonly Round[]])[] {
		return [...this.#catchUp].map(([peer, rounds]) => [peer, [...rounds]] as const);
	}

	/** Puts back rounds and catch-up allowances; the votes follow through each set's `restoreContent`. */
	restoreRounds(
		round: Round,
		followed: readonly Round[],
		catchUp: readonly (readonly [string, readonly Round[]])[],
	): void {
		this.setRound(round);
		for (const each of followed) if (!this.#rounds.has(each)) this.#addRound(each);
		for (const [peer, rounds] of catchUp) {
			this.#catchUp.set(peer, [...rounds]);
			this.#opened += rounds.length;
		}
	}
}
