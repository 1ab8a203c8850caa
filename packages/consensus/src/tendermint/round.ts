import { invariant } from "@cairn/kit";
import type { Height, Round } from "@cairn/types";
import type { Verdict } from "../core/engine.ts";
import { ignored, OK } from "./proposal.ts";
import { enterPropose } from "./propose.ts";
import { STEP_COMMIT, STEP_NEW_HEIGHT, STEP_NEW_ROUND } from "./protocol.ts";
import { type Turn, timeout } from "./state.ts";
import { arm } from "./timers.ts";
import { announce, setStep } from "./turn.ts";

/**
 * Starts a round, round 0 from the wait after the last commit (Go's `enterNewRound`). A decided height starts no
 * further round: unlike Go, which may leave its commit step there and forget the block it waits for.
 */
export function enterNewRound(turn: Turn, round: Round): void {
	const { state } = turn;
	if (state.step === STEP_COMMIT || round < state.round) return;
	if (round === state.round && state.step !== STEP_NEW_HEIGHT) return;
	turn.out.mark("T6");
	if (round > state.round) {
		state.validators = state.validators.copyIncrementProposerPriority(round - state.round);
	}
	state.round = round;
	setStep(turn, STEP_NEW_ROUND);
	state.owed = null;
	if (round > 0) {
		turn.out.mark("T7");
		state.proposal = null;
		state.proposalBlock = null;
		state.wanted = null;
	}
	state.votes.setRound(Math.max(state.votes.round, round + 1));
	state.triggeredTimeoutPrecommit = false;
	announce(turn, "NewRound");
	if (waitsForWork(turn)) {
		turn.out.mark("T8");
		const interval = timeout(state, "createEmptyBlocksInterval");
		if (interval > 0) arm(turn, "newRound", round, interval);
	} else {
		enterPropose(turn, round);
	}
}

/** Round 0 waits for transactions where empty blocks are not wanted, unless the last block asks for a proof block. */
function waitsForWork({ state }: Turn): boolean {
	const patient = state.epoch.params.waitForWork || timeout(state, "createEmptyBlocksInterval") > 0;
	return patient && state.round === 0 && !state.proofDue && state.workHeight < state.height;
}

/**
 * Transactions wait (Go's `handleTxsAvailable`). While the last commit is waited for, or the block of this height is being
 * applied and they wait for the next one, they are only remembered.
 */
export function takeWork(turn: Turn, height: Height): Verdict {
	const { state } = turn;
	if (height !== state.height && height !== state.height + 1) return ignored("work for another height");
	state.workHeight = Math.max(state.workHeight, height);
	if (height !== state.height) return OK;
	if (state.round !== 0 || state.step !== STEP_NEW_ROUND) return OK;
	turn.out.mark("T9");
	enterPropose(turn, 0);
	return OK;
}

/** The time between two blocks without transactions is over, or the log says so. */
export function endWaitForWork(turn: Turn): void {
	const { state } = turn;
	invariant(state.step <= STEP_NEW_ROUND, "only round 0 waits for work");
	// Go's own log may hold this timer without the one that starts the round.
	state.workHeight = state.height;
	enterNewRound(turn, state.round);
	enterPropose(turn, state.round);
}
