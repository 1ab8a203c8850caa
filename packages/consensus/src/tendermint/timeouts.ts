import type { TimerId, Verdict } from "../core/engine.ts";
import { dropOwed, enterPrecommit } from "./precommit.ts";
import { enterPrevote } from "./prevote.ts";
import { ignored, OK } from "./proposal.ts";
import { STEP_COMMIT, STEP_PRECOMMIT } from "./protocol.ts";
import { endWaitForWork, enterNewRound } from "./round.ts";
import type { Turn } from "./state.ts";
import { parseTimerId, type TimerKey } from "./timers.ts";
import { announce } from "./turn.ts";

/** A timer fired (Go's `handleTimeout`). Only one of the current height, and not of a step behind, counts. */
export function takeTimer(turn: Turn, timer: TimerId): Verdict {
	const { state } = turn;
	const key = parseTimerId(timer);
	if (key === null) return ignored("not a timer of this engine");
	const armed = state.timer;
	if (armed !== null && armed.height === key.height && armed.round === key.round && armed.step === key.step) {
		state.timer = { ...armed, pending: false };
	}
	if (key.height !== state.height || state.step === STEP_COMMIT) return ignored("the timer is of another time");
	// Only a log whose claims of peers are lost can hold a timer of a round ahead: it was reached.
	if (key.round > state.round) enterNewRound(turn, key.round);
	if (key.round < state.round) return ignored("the timer is of an earlier round");
	if (key.name === "prevote" && state.step === STEP_PRECOMMIT && state.owed !== null) {
		dropOwed(turn);
		return OK;
	}
	if (key.step < state.step) return ignored("the timer is of an earlier step");
	fire(turn, key);
	return OK;
}

function fire(turn: Turn, { name, round }: TimerKey): void {
	switch (name) {
		case "newHeight":
			enterNewRound(turn, 0);
			break;
		case "newRound":
			endWaitForWork(turn);
			break;
		case "propose":
			turn.out.mark("T26");
			announce(turn, "TimeoutPropose");
			enterPrevote(turn);
			break;
		case "prevote":
			turn.out.mark("T37");
			announce(turn, "TimeoutWait");
			enterPrecommit(turn, round, true);
			break;
		case "precommit":
			turn.out.mark("T49");
			announce(turn, "TimeoutWait");
			enterPrecommit(turn, round, true);
			dropOwed(turn);
			enterNewRound(turn, round + 1);
			break;
	}
}
