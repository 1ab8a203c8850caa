import {
	type BlockKey,
	blockIdFromKey,
	blockIdKey,
	hasTooManyParts,
	type Proposal,
	partSetHeadersEqual,
	type TimeNs,
} from "@cairn/types";
import type { Verdict } from "../core/engine.ts";
import { tryFinalize } from "./commit.ts";
import { enterPrecommit, payOwed } from "./precommit.ts";
import { isProposalComplete, prevoteIfReady } from "./prevote.ts";
import { STEP_COMMIT, STEP_PRECOMMIT, STEP_PREVOTE } from "./protocol.ts";
import type { HeldBlock, Turn } from "./state.ts";
import { announce, currentPolka, holds, sameBlock, want } from "./turn.ts";

export const OK: Verdict = { kind: "ok" };

export function ignored(why: string): Verdict {
	return { kind: "ignored", why };
}

export function rejected(code: string, why: string): Verdict {
	return { kind: "rejected", code, why };
}

/**
 * Takes the first proposal of this height and round whose signature, the leader's, was verified (Go's
 * `defaultSetProposal`). Others are ignored without blame, as in Go.
 */
export function takeProposal(turn: Turn, proposal: Proposal): Verdict {
	const { state } = turn;
	if (state.proposal !== null) return ignored("this round has a proposal");
	if (proposal.height !== state.height || proposal.round !== state.round) return ignored("proposal of another round");
	if (proposal.polRound < -1 || (proposal.polRound >= 0 && proposal.polRound >= proposal.round)) {
		turn.out.mark("T18");
		return rejected("invalid-proposal-pol-round", "the POL round of the proposal is not below its round");
	}
	if (hasTooManyParts(proposal.blockId.partSetHeader.total, state.epoch.params.maxBlockBytes ?? -1)) {
		turn.out.mark("T18");
		return rejected("proposal-too-many-parts", "the proposed block is larger than the chain allows");
	}
	turn.out.mark("T17");
	state.proposal = proposal;
	// Parts may be collected already: in the commit step, or for a polka of this round that came first.
	if (state.wanted === null) {
		turn.out.mark("T19");
		want(turn, proposal.blockId, null);
	}
	if (state.proposalBlock !== null) proceed(turn);
	return OK;
}

/** The body of a block is complete on disk. Only the block wanted now counts (Go's `addProposalBlockPart`). */
export function takeBlock(turn: Turn, key: BlockKey, time: TimeNs): Verdict {
	const { state } = turn;
	const block: HeldBlock = { id: blockIdFromKey(key), key, time };
	completeLock(turn, block);
	if (state.wanted === null || !partSetHeadersEqual(state.wanted.partSetHeader, block.id.partSetHeader)) {
		return ignored("this block is not wanted");
	}
	if (state.proposalBlock !== null) return ignored("the block is here already");
	turn.out.mark("T20");
	state.proposalBlock = block;
	announce(turn, "CompleteProposal", key);
	updateValid(turn, block);
	proceed(turn);
	return OK;
}

/**
 * The body of a lock that was restored without it. Who locked a block had seen its polka in that round, so it is the
 * valid value too: else this node would go on prevoting it and never propose it, and nobody else could decide either.
 */
export function completeLock(turn: Turn, block: HeldBlock): void {
	const { state } = turn;
	const { locked } = state;
	if (locked === null || locked.time !== null || locked.key !== block.key) return;
	state.locked = { ...locked, time: block.time };
	if ((state.valid?.round ?? -1) < locked.round) state.valid = { round: locked.round, block };
}

function updateValid(turn: Turn, block: HeldBlock): void {
	const { state } = turn;
	const polka = currentPolka(turn);
	if (polka === null || !holds(block, polka) || (state.valid !== null && state.valid.round >= state.round)) return;
	turn.out.mark("T21");
	state.valid = { round: state.round, block };
}

/** Goes on where a block, or the verdict on one, was missing (Go's `handleCompleteProposal`). */
export function proceed(turn: Turn): void {
	const { state } = turn;
	payOwed(turn);
	if (state.step === STEP_COMMIT) {
		tryFinalize(turn);
	} else {
		prevoteIfReady(turn);
		precommitIfPolka(turn);
	}
}

/** A polka of this round for nil, or for whatever once the proposal is complete, ends the time of prevotes. */
export function precommitIfPolka(turn: Turn): boolean {
	const { state } = turn;
	if (state.step < STEP_PREVOTE || state.step >= STEP_PRECOMMIT) return false;
	const majority = state.votes.prevotes(state.round)?.majority ?? null;
	if (majority === null || (blockIdKey(majority) !== "" && !isProposalComplete(state))) return false;
	turn.out.mark("T36");
	enterPrecommit(turn, state.round, false);
	return true;
}

/** The id to fetch again when the host gave up, or null when it does not matter. */
export function isWanted(turn: Turn, key: BlockKey): boolean {
	const { wanted, proposalBlock } = turn.state;
	return wanted !== null && proposalBlock === null && sameBlock(wanted, blockIdFromKey(key));
}
