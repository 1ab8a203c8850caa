import { type BlockId, type BlockKey, blockIdKey, isNilBlockId } from "@cairn/types";
import type { EngineEventName, Question, RequestId, SignSlot } from "../core/engine.ts";
import type { VoteSet } from "../parts/vote-set.ts";
import type { Tendermint, TendermintStatement, TendermintStep } from "./protocol.ts";
import {
	type Ask,
	type HeldBlock,
	type Purpose,
	type Sign,
	stepName,
	type TendermintState,
	type Turn,
} from "./state.ts";

/** Tells subscribers and gossip; `block` is the key the event is about. */
export function announce(
	turn: Turn,
	name: EngineEventName,
	block: BlockKey | null = null,
	message: object | null = null,
): void {
	const { height, round, step } = turn.state;
	turn.out.inward({ kind: "announce", event: { name, height, round, step: stepName(step), block, message } });
}

/** Moves to a step; `announceStep` follows when the transition is done (Go's `updateRoundStep`, `newStep`). */
export function setStep(turn: Turn, step: TendermintStep): void {
	turn.state.step = step;
	turn.state.stepStartedAt = turn.at;
}

export function announceStep(turn: Turn): void {
	announce(turn, "NewRoundStep");
}

/** Asks the host; the answer finds its purpose in `open`. */
export function ask(turn: Turn, question: Question<Tendermint>, purpose: Purpose): RequestId {
	const { state } = turn;
	const request = state.nextRequest++;
	const effect: Ask = { kind: "ask", request, question };
	state.open.set(request, { height: state.height, round: state.round, purpose, effect });
	turn.out.inward(effect);
	return request;
}

/**
 * Asks the signer, one statement at a time: a second one waits until the first was answered. Otherwise both answers
 * could be lost with the log's tail, and the first could never be asked for again: the guard stands above it.
 */
export function askSigner(turn: Turn, slot: SignSlot, statement: TendermintStatement, block: HeldBlock | null): void {
	const { state } = turn;
	const request = state.nextRequest++;
	const effect: Sign = { kind: "sign", request, slot, statement };
	const [height, round] = slot.position;
	state.open.set(request, { height, round, purpose: { kind: "sign", block }, effect });
	state.ownPosition = slot.position;
	signNext(turn);
}

/** Lets the next statement go to the signer, unless one is there. */
export function signNext(turn: Turn): void {
	const { state } = turn;
	if (state.signing !== null && state.open.has(state.signing)) return;
	state.signing = null;
	for (const [request, { effect }] of state.open) {
		if (effect.kind !== "sign") continue;
		state.signing = request;
		turn.out.outward(effect);
		return;
	}
}

/** True if both are ids of the same block, part-set header included. */
export function sameBlock(id: BlockId | null, other: BlockId | null): boolean {
	if (id === null || other === null) return false;
	return blockIdKey(id) === blockIdKey(other);
}

/** True if the body held is the one that this id names. */
export function holds(block: HeldBlock | null, id: BlockId): boolean {
	return block !== null && block.key === blockIdKey(id);
}

/**
 * Collects the parts of a block from now on, and asks the host for it unless its body is held.
 * @param voters those who voted for it have it; null: its proposer has it
 */
export function want(turn: Turn, id: BlockId, voters: VoteSet | null): void {
	const { state } = turn;
	state.wanted = id;
	if (holds(state.proposalBlock, id)) return;
	state.proposalBlock = null;
	const indices = voters === null ? leaderIndex(state) : (voters.bitArrayByBlockId(id)?.trueIndices() ?? []);
	const holders = indices.flatMap((index) => state.epoch.members[index] ?? []);
	turn.out.inward({ kind: "fetch", height: state.height, block: blockIdKey(id), holders });
}

function leaderIndex({ validators }: TendermintState): number[] {
	const { proposer } = validators;
	const place = proposer === null ? null : validators.getByAddress(proposer.address);
	return place === null ? [] : [place.index];
}

/** The block with +2/3 prevotes of the current round; null without one or when it is nil. */
export function currentPolka(turn: Turn): BlockId | null {
	const majority = turn.state.votes.prevotes(turn.state.round)?.majority ?? null;
	return majority === null || isNilBlockId(majority) ? null : majority;
}
