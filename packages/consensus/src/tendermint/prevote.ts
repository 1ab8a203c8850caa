import { invariant } from "@cairn/kit";
import { PREVOTE, type Proposal, type Round } from "@cairn/types";
import { castNil, castVote } from "./ballot.ts";
import { verdictOf, wantCheck } from "./checks.ts";
import { STEP_PREVOTE, STEP_PREVOTE_WAIT, STEP_PROPOSE } from "./protocol.ts";
import type { TendermintState, Turn } from "./state.ts";
import { arm, roundTimeout } from "./timers.ts";
import { announceStep, setStep } from "./turn.ts";

/** The proposal and its block are here, and so is the polka that it names, if any (Go's `isProposalComplete`). */
export function isProposalComplete(state: TendermintState): boolean {
	const { proposal, proposalBlock } = state;
	if (proposal === null || proposalBlock === null) return false;
	return proposal.polRound < 0 || hasPolka(state, proposal);
}

function hasPolka(state: TendermintState, { polRound }: Proposal): boolean {
	return state.votes.prevotes(polRound)?.hasMajority === true;
}

/**
 * Prevotes as soon as there is all that a prevote stands on: a complete proposal and, unless a lock decides, the
 * verdict on its block. Asks for the verdict where it is missing. True if the prevote was cast.
 */
export function prevoteIfReady(turn: Turn): boolean {
	const { state } = turn;
	if (state.step > STEP_PROPOSE) return false;
	if (state.locked === null && state.proposal !== null && state.proposalBlock !== null) {
		if (verdictOf(state, state.proposalBlock) === null) {
			wantCheck(turn, state.proposalBlock);
			return false;
		}
	}
	if (!isProposalComplete(state)) return false;
	turn.out.mark("T25");
	enterPrevote(turn);
	return true;
}

/** Prevotes in the current round with what is known now (Go's `enterPrevote` and `defaultDoPrevote`). */
export function enterPrevote(turn: Turn): void {
	const { state } = turn;
	if (state.step >= STEP_PREVOTE) return;
	const block = state.proposalBlock;
	if (state.locked !== null) {
		turn.out.mark("T27");
		castVote(turn, PREVOTE, state.locked.id);
	} else if (block === null) {
		turn.out.mark("T28");
		castNil(turn, PREVOTE);
	} else if (verdictOf(state, block) === "valid") {
		turn.out.mark("T29");
		castVote(turn, PREVOTE, block.id);
	} else {
		turn.out.mark("T30");
		castNil(turn, PREVOTE);
	}
	setStep(turn, STEP_PREVOTE);
	announceStep(turn);
}

/** More than 2/3 prevoted, not all for one thing: wait a while for the rest (Go's `enterPrevoteWait`). */
export function enterPrevoteWait(turn: Turn, round: Round): void {
	const { state } = turn;
	if (round !== state.round || state.step >= STEP_PREVOTE_WAIT) return;
	invariant(state.votes.prevotes(round)?.hasTwoThirdsAny === true, "prevote wait needs +2/3 prevotes", { round });
	turn.out.mark("T31");
	arm(turn, "prevote", round, roundTimeout(state, "prevote", round));
	setStep(turn, STEP_PREVOTE_WAIT);
	announceStep(turn);
}
