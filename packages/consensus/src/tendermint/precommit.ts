import { invariant } from "@cairn/kit";
import { type BlockId, blockIdKey, isNilBlockId, PRECOMMIT, type Round } from "@cairn/types";
import { castNil, castVote } from "./ballot.ts";
import { confirmInvalid, verdictOf, wantCheck } from "./checks.ts";
import { STEP_PRECOMMIT } from "./protocol.ts";
import type { HeldBlock, Turn } from "./state.ts";
import { arm, roundTimeout } from "./timers.ts";
import { announce, announceStep, holds, sameBlock, setStep, want } from "./turn.ts";

/** Forgets the lock; a polka of a later round than the lock's has to be known. */
export function unlock(turn: Turn): void {
	turn.state.locked = null;
	announce(turn, "Unlock");
}

/**
 * Precommits in the current round (Go's `enterPrecommit`): the block of a polka of this round, or nil.
 * @param waited the time to wait for prevotes is over, so an open check is not waited for
 */
export function enterPrecommit(turn: Turn, round: Round, waited: boolean): void {
	const { state } = turn;
	if (round !== state.round || state.step >= STEP_PRECOMMIT) return;
	const polka = state.votes.prevotes(round)?.majority ?? null;
	if (polka === null) {
		turn.out.mark("T39");
		castNil(turn, PRECOMMIT);
	} else {
		announce(turn, "Polka", blockIdKey(polka));
		precommitOnPolka(turn, polka, waited);
	}
	setStep(turn, STEP_PRECOMMIT);
	announceStep(turn);
}

function precommitOnPolka(turn: Turn, polka: BlockId, waited: boolean): void {
	const { state } = turn;
	if (isNilBlockId(polka)) {
		turn.out.mark("T40");
		if (state.locked !== null) unlock(turn);
		castNil(turn, PRECOMMIT);
	} else if (state.locked !== null && sameBlock(state.locked.id, polka)) {
		turn.out.mark("T41");
		state.locked = { ...state.locked, round: Math.max(state.locked.round, state.round) };
		announce(turn, "Relock", state.locked.key);
		castVote(turn, PRECOMMIT, polka);
	} else if (state.proposalBlock !== null && holds(state.proposalBlock, polka)) {
		precommitHeld(turn, state.proposalBlock, waited);
	} else {
		precommitUnknown(turn, polka);
	}
}

/** The block of the polka is here: lock it, unless its validity is not known yet. */
function precommitHeld(turn: Turn, block: HeldBlock, waited: boolean): void {
	const verdict = verdictOf(turn.state, block);
	if (verdict === "valid" || verdict === "appRejected") {
		lock(turn, block);
	} else if (waited && verdict === null) {
		precommitUnknown(turn, block.id);
	} else {
		turn.out.mark("T43");
		turn.state.owed = block;
		if (verdict === "invalid") confirmInvalid(turn, block);
		else wantCheck(turn, block);
		arm(turn, "prevote", turn.state.round, roundTimeout(turn.state, "prevote", turn.state.round));
	}
}

function lock(turn: Turn, block: HeldBlock): void {
	const { state } = turn;
	turn.out.mark("T42");
	state.locked = { round: state.round, id: block.id, key: block.key, time: block.time };
	announce(turn, "Lock", block.key);
	castVote(turn, PRECOMMIT, block.id);
}

/** A polka for a block that is not here, or not known to be valid: its prevotes unlock, and nil is precommitted. */
function precommitUnknown(turn: Turn, polka: BlockId): void {
	const { state } = turn;
	turn.out.mark("T44");
	unlock(turn);
	if (!sameBlock(state.wanted, polka)) want(turn, polka, state.votes.prevotes(state.round));
	castNil(turn, PRECOMMIT);
}

/** The check that a precommit waited for was answered. */
export function payOwed(turn: Turn): void {
	const { state } = turn;
	const block = state.owed;
	if (block === null) return;
	const verdict = verdictOf(state, block);
	if (verdict === "invalid") {
		// Asked for the prevote, answered now: what has a polka is asked about once more.
		confirmInvalid(turn, block);
	} else if (verdict !== null) {
		turn.out.mark("T45");
		state.owed = null;
		lock(turn, block);
	}
}

/** The time to wait for that check is over, or there will be no answer. */
export function dropOwed(turn: Turn): void {
	const block = turn.state.owed;
	if (block === null || turn.state.step !== STEP_PRECOMMIT) return;
	turn.out.mark("T46");
	turn.state.owed = null;
	precommitUnknown(turn, block.id);
}

/** More than 2/3 precommitted, not all for one block: wait a while for the rest (Go's `enterPrecommitWait`). */
export function enterPrecommitWait(turn: Turn, round: Round): void {
	const { state } = turn;
	if (round !== state.round || state.triggeredTimeoutPrecommit) return;
	invariant(state.votes.precommits(round)?.hasTwoThirdsAny === true, "precommit wait needs +2/3 precommits", { round });
	turn.out.mark("T48");
	arm(turn, "precommit", round, roundTimeout(state, "precommit", round));
	state.triggeredTimeoutPrecommit = true;
	announceStep(turn);
}
