import { bytesEqual } from "@cairn/kit";
import { blockIdKey, isNilBlockId, PRECOMMIT, PREVOTE, type Vote } from "@cairn/types";
import type { Epoch, Verdict } from "../core/engine.ts";
import type { VoteOutcome, VoteSet } from "../parts/vote-set.ts";
import { enterCommit } from "./commit.ts";
import { skipTimeoutCommit } from "./height.ts";
import { enterPrecommit, enterPrecommitWait, unlock } from "./precommit.ts";
import { enterPrevoteWait, prevoteIfReady } from "./prevote.ts";
import { ignored, OK, precommitIfPolka, rejected } from "./proposal.ts";
import { STEP_COMMIT, STEP_NEW_HEIGHT, STEP_PREVOTE } from "./protocol.ts";
import { enterNewRound } from "./round.ts";
import type { TendermintState, Turn } from "./state.ts";
import { announce, ask, holds, sameBlock, want } from "./turn.ts";

/** Votes whose extension is being checked at the same time; beyond it a vote waits for gossip to bring it again. */
const MAX_EXTENSION_CHECKS_PER_VALIDATOR = 4;

/** True for a vote that bears this node's own key. */
export function isOwn({ epoch, validators }: TendermintState, vote: Vote): boolean {
	const own = epoch.self === null ? null : validators.getByIndex(epoch.self);
	return own !== null && bytesEqual(own.address, vote.validatorAddress);
}

/**
 * Takes a vote whose signatures were verified (Go's `addVote`).
 * @param peer who brought it; "" for this node itself
 */
export function takeVote(turn: Turn, vote: Vote, peer: string): Verdict {
	const { state } = turn;
	if (vote.height + 1 === state.height && vote.type === PRECOMMIT) return takeLatePrecommit(turn, vote);
	if (vote.height !== state.height) return ignored("vote of another height");
	if (!state.epoch.params.extensions) {
		const present = vote.extension.length > 0 || vote.extensionSignature.length > 0;
		if (present) return rejected("unexpected-extension", "a vote extension where none are enabled");
	} else if (vote.type === PRECOMMIT && !isNilBlockId(vote.blockId) && peer !== "" && !isOwn(state, vote)) {
		return checkExtension(turn, vote, peer);
	}
	return countVote(turn, vote, peer);
}

/** Precommits of the last height still count while this one waits for its start. */
function takeLatePrecommit(turn: Turn, vote: Vote): Verdict {
	const { state } = turn;
	if (state.step !== STEP_NEW_HEIGHT || state.lastCommit === null)
		return ignored("precommit came after the commit timeout");
	if (vote.round !== state.lastCommit.round) return ignored("precommit of another round than the last commit's");
	const outcome = state.lastCommit.add(vote);
	if (!outcome.added) return refuse(turn, vote, outcome, state.previous);
	turn.out.mark("T60");
	announce(turn, "Vote", blockIdKey(vote.blockId), { kind: "vote", vote });
	skipTimeoutCommit(turn);
	return OK;
}

/** A peer's precommit for a block waits here until the application accepted its extension. */
function checkExtension(turn: Turn, vote: Vote, peer: string): Verdict {
	const { state } = turn;
	const outcome = state.votes.of(vote.round, PRECOMMIT)?.examine(vote) ?? null;
	if (outcome !== null) return refuse(turn, vote, outcome, state.epoch);
	const validator = state.epoch.members[vote.validatorIndex];
	const known = state.validators.getByIndex(vote.validatorIndex);
	if (validator === undefined || known === null) return rejected("invalid-validator-index", "no such validator");
	if (!bytesEqual(known.address, vote.validatorAddress))
		return rejected("invalid-validator-address", "another validator");
	if (vote.extensionSignature.length === 0)
		return rejected("missing-extension-signature", "an unsigned vote extension");
	if (!state.votes.accepts(vote.round, peer)) return ignored("a round that this peer may not open");
	let checks = 0;
	for (const { purpose } of state.open.values()) {
		if (purpose.kind !== "checkPeer" || purpose.vote.validatorIndex !== vote.validatorIndex) continue;
		if (bytesEqual(purpose.vote.signature, vote.signature)) return ignored("this vote is being checked");
		checks++;
	}
	if (checks >= MAX_EXTENSION_CHECKS_PER_VALIDATOR)
		return ignored("too many votes of this validator are being checked");
	turn.out.mark("T61");
	const { height, round, validatorAddress: address, extension } = vote;
	const block = blockIdKey(vote.blockId);
	const question = { kind: "checkExtension", height, round, block, validator, address, extension } as const;
	ask(turn, question, { kind: "checkPeer", vote, peer });
	return OK;
}

/** Counts a vote of this height and goes where it leads. */
export function countVote(turn: Turn, vote: Vote, peer: string): Verdict {
	const { state } = turn;
	const outcome = state.votes.add(vote, peer);
	if (outcome === null) return ignored("a round that this peer may not open");
	if (!outcome.added) return refuse(turn, vote, outcome, state.epoch);
	turn.out.mark("T56");
	if (outcome.conflict !== null) accuse(turn, outcome.conflict, vote, state.epoch);
	announce(turn, "Vote", blockIdKey(vote.blockId), { kind: "vote", vote });
	if (state.step !== STEP_COMMIT) {
		if (vote.type === PREVOTE) onPrevote(turn, vote);
		else onPrecommit(turn, vote);
	}
	return OK;
}

function refuse(turn: Turn, vote: Vote, { fault, conflict }: VoteOutcome, epoch: Epoch | null): Verdict {
	if (fault === null) {
		turn.out.mark("T57");
		return ignored("known vote");
	}
	if (fault === "non-deterministic-signature") return ignored("known vote with another signature");
	if (conflict === null) return rejected(fault, `vote refused: ${fault}`);
	return accuse(turn, conflict, vote, epoch);
}

/** Two votes of one validator for one position: evidence, unless they are this node's own. */
function accuse(turn: Turn, voteA: Vote, voteB: Vote, epoch: Epoch | null): Verdict {
	if (isOwn(turn.state, voteB)) {
		turn.out.mark("T59");
		return rejected("own-conflicting-votes", "conflicting votes of this node itself: is its key in use elsewhere?");
	}
	turn.out.mark("T58");
	turn.out.inward({ kind: "accuse", epoch: epoch?.number ?? 0, evidence: { voteA, voteB } });
	return ignored("conflicting votes");
}

function onPrevote(turn: Turn, { round }: Vote): void {
	const { state } = turn;
	const prevotes = state.votes.prevotes(round);
	if (prevotes === null) return;
	if (prevotes.majority !== null) onPolka(turn, prevotes);
	if (state.round < round) {
		if (!prevotes.hasTwoThirdsAny) return;
		turn.out.mark("T35");
		enterNewRound(turn, round);
	} else if (state.round === round && state.step >= STEP_PREVOTE) {
		if (!precommitIfPolka(turn) && prevotes.hasTwoThirdsAny) enterPrevoteWait(turn, round);
	} else if (state.proposal !== null && state.proposal.polRound === round) {
		turn.out.mark("T38");
		prevoteIfReady(turn);
	}
}

/** +2/3 prevotes for a block or nil: may unlock, and makes a block of this round the valid value. */
function onPolka(turn: Turn, prevotes: VoteSet): void {
	const { state } = turn;
	const { majority, round } = prevotes;
	if (majority === null) return;
	const { locked } = state;
	if (locked !== null && locked.round < round && round <= state.round && !sameBlock(locked.id, majority)) {
		turn.out.mark("T32");
		unlock(turn);
	}
	if (isNilBlockId(majority) || round !== state.round || (state.valid !== null && state.valid.round >= round)) return;
	if (state.proposalBlock !== null && holds(state.proposalBlock, majority)) {
		turn.out.mark("T33");
		state.valid = { round, block: state.proposalBlock };
	} else {
		turn.out.mark("T34");
		const isCollecting = state.proposalBlock === null && sameBlock(state.wanted, majority);
		if (!isCollecting) want(turn, majority, prevotes);
	}
	announce(turn, "ValidBlock", blockIdKey(majority));
}

function onPrecommit(turn: Turn, { round }: Vote): void {
	const { state } = turn;
	const precommits = state.votes.precommits(round);
	if (precommits === null) return;
	if (precommits.majority !== null) {
		enterNewRound(turn, round);
		enterPrecommit(turn, round, false);
		if (isNilBlockId(precommits.majority)) enterPrecommitWait(turn, round);
		else enterCommit(turn, round);
	} else if (state.round <= round && precommits.hasTwoThirdsAny) {
		if (state.round < round) turn.out.mark("T50");
		enterNewRound(turn, round);
		enterPrecommitWait(turn, round);
	}
}
