import type { Height, Round, TimeNs } from "@cairn/types";
import type { TimerId } from "../core/engine.ts";
import {
	STEP_NEW_HEIGHT,
	STEP_NEW_ROUND,
	STEP_PRECOMMIT_WAIT,
	STEP_PREVOTE_WAIT,
	STEP_PROPOSE,
	type TendermintStep,
} from "./protocol.ts";
import { type TendermintState, type Turn, timeout } from "./state.ts";

/** Timer names stand for the steps of CometBFT's `timeoutInfo`, one to one: the log of a CometBFT chain has those. */
const STEP_OF_NAME = {
	newHeight: STEP_NEW_HEIGHT,
	newRound: STEP_NEW_ROUND,
	propose: STEP_PROPOSE,
	prevote: STEP_PREVOTE_WAIT,
	precommit: STEP_PRECOMMIT_WAIT,
} as const;

export type TimerName = keyof typeof STEP_OF_NAME;

export interface TimerKey {
	readonly name: TimerName;
	readonly height: Height;
	readonly round: Round;
	readonly step: TendermintStep;
}

const NS_PER_MS = 1_000_000n;

export function timerId(name: TimerName, height: Height, round: Round): TimerId {
	return `${name}/${height}/${round}`;
}

/** The timer of a step of CometBFT's log, or null for a step that has none. */
export function timerIdOfStep(height: Height, round: Round, step: number): TimerId | null {
	for (const [name, itsStep] of Object.entries(STEP_OF_NAME)) {
		if (itsStep === step) return timerId(name as TimerName, height, round);
	}
	return null;
}

/** Reads a timer id; null for anything that is not one. */
export function parseTimerId(timer: TimerId): TimerKey | null {
	const match = /^(newHeight|newRound|propose|prevote|precommit)\/(\d{1,16})\/(\d{1,10})$/.exec(timer);
	if (match === null) return null;
	const name = match[1] as TimerName;
	return { name, height: Number(match[2]), round: Number(match[3]), step: STEP_OF_NAME[name] };
}

function nameOfStep(step: TendermintStep): TimerName {
	if (step === STEP_NEW_HEIGHT) return "newHeight";
	if (step === STEP_NEW_ROUND) return "newRound";
	if (step === STEP_PROPOSE) return "propose";
	return step === STEP_PREVOTE_WAIT ? "prevote" : "precommit";
}

/**
 * Arms the engine's one timer as Go's timeoutTicker does: a later height, round or step replaces the timer under way;
 * an earlier or the same one is ignored, even after it fired.
 */
export function arm(turn: Turn, name: TimerName, round: Round, after: number): void {
	const { state } = turn;
	const step = STEP_OF_NAME[name];
	const old = state.timer;
	if (old !== null && old.height === state.height) {
		if (round < old.round || (round === old.round && step <= old.step)) return;
	}
	if (old?.pending === true) {
		turn.out.inward({ kind: "cancelTimer", timer: timerId(nameOfStep(old.step), old.height, old.round) });
	}
	state.timer = { height: state.height, round, step, after, pending: true };
	turn.out.inward({ kind: "setTimer", timer: timerId(name, state.height, round), after });
}

/** Starts the timer under way again with its full time; the start of a height keeps its wall-clock time. */
export function rearm(turn: Turn): void {
	const { timer } = turn.state;
	if (timer === null || !timer.pending) return;
	const after = timer.step === STEP_NEW_HEIGHT ? untilStart(turn) : timer.after;
	turn.state.timer = { ...timer, after };
	turn.out.inward({ kind: "setTimer", timer: timerId(nameOfStep(timer.step), timer.height, timer.round), after });
}

/** Milliseconds from now to the start of round 0. */
export function untilStart(turn: Turn): number {
	const left = turn.state.startTime - turn.at.wall;
	return left <= 0n ? 0 : Number((left + NS_PER_MS - 1n) / NS_PER_MS);
}

export function plusMilliseconds(time: TimeNs, milliseconds: number): TimeNs {
	return time + BigInt(Math.round(milliseconds)) * NS_PER_MS;
}

/** base + delta × round, without a cap. */
export function roundTimeout(state: TendermintState, name: "propose" | "prevote" | "precommit", round: Round): number {
	return timeout(state, name) + timeout(state, `${name}Delta`) * round;
}
