import { InvariantError } from "@cairn/kit";
import type { BlockKey } from "@cairn/types";
import type { Answer } from "../core/engine.ts";
import type { Tendermint } from "./protocol.ts";
import type { Check, HeldBlock, TendermintState, Turn } from "./state.ts";
import { ask } from "./turn.ts";

export type CheckVerdict = Extract<Answer<Tendermint>, { kind: "checked" }>["verdict"];

/**
 * What stands about a block: `valid` and `appRejected` for the whole height; `invalid` only for the round it was said
 * in, because the clock decides too (a block may be ahead of it by `block_time_tolerance`, no more).
 */
export function verdictOf(state: TendermintState, block: HeldBlock): CheckVerdict | null {
	const check = state.checks.get(block.key);
	if (check === undefined || check.verdict === null) return null;
	return check.verdict === "invalid" && check.round !== state.round ? null : check.verdict;
}

/** Asks for the validity of a block unless that is known, under way, or was given up in this round. */
export function wantCheck(turn: Turn, block: HeldBlock): void {
	const check = turn.state.checks.get(block.key);
	if (check !== undefined) {
		if (check.request !== null || check.round === turn.state.round) return;
		if (verdictOf(turn.state, block) !== null) return;
	}
	askCheck(turn, block, false);
}

/** Asks once more about a block found invalid that has a polka now. */
export function confirmInvalid(turn: Turn, block: HeldBlock): void {
	askCheck(turn, block, true);
}

function askCheck(turn: Turn, block: HeldBlock, confirming: boolean): void {
	const { state } = turn;
	turn.out.mark("T22");
	const { height, round, tip } = state;
	const anchor = { height: tip.height, block: tip.block };
	const question = { kind: "check", height, round, block: block.key, parent: tip.block, anchor } as const;
	const request = ask(turn, question, { kind: "check" });
	state.checks.set(block.key, { verdict: null, round, request, confirming });
}

/** Takes an answer; true if it is one to act on. @throws InvariantError when a block with a polka stays invalid */
export function takeVerdict(turn: Turn, key: BlockKey, verdict: CheckVerdict): boolean {
	const check = turn.state.checks.get(key);
	if (check === undefined) return false;
	turn.out.mark("T23");
	if (verdict === "invalid" && check.confirming) {
		turn.out.mark("T47");
		const { height, round } = turn.state;
		throw new InvariantError("+2/3 prevoted an invalid block", { height, round, block: key });
	}
	const known: Check = { verdict, round: turn.state.round, request: null, confirming: false };
	turn.state.checks.set(key, known);
	return true;
}

/** The question could not be answered: not asked again in this round, and the block does not count as valid in it. */
export function giveUpCheck(turn: Turn, key: BlockKey): void {
	turn.out.mark("T24");
	turn.state.checks.set(key, { verdict: null, round: turn.state.round, request: null, confirming: false });
}
