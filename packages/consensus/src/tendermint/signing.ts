import { blockIdKey, blockIdsEqual, isNilBlockId, PRECOMMIT, type Proposal, type Vote } from "@cairn/types";
import type { Input, Verdict } from "../core/engine.ts";
import { positionOfVote } from "./ballot.ts";
import { completeLock, ignored, rejected, takeBlock, takeProposal } from "./proposal.ts";
import { isLeader } from "./propose.ts";
import type { Tendermint, TendermintStatement } from "./protocol.ts";
import { fetchLock } from "./recovery.ts";
import {
	comparePositions,
	type HeldBlock,
	POSITION_PROPOSAL,
	type Position,
	type TendermintState,
	type Turn,
} from "./state.ts";
import { signNext } from "./turn.ts";
import { isOwn, takeVote } from "./votes.ts";

type Signed = Extract<Input<Tendermint>, { kind: "signed" }>;

/** The signer answered: what it signed counts as seen from now on, and is sent. */
export function takeSigned(turn: Turn, { request, result }: Signed): Verdict {
	const { state } = turn;
	const open = state.open.get(request);
	if (open === undefined || open.effect.kind !== "sign") return ignored("nobody waits for this signature");
	state.open.delete(request);
	signNext(turn);
	if ("refused" in result) {
		turn.out.mark("T69");
		return ignored(`the signer refused: ${result.refused}`);
	}
	if (!isSame(open.effect.statement, result.statement)) {
		return rejected("signer-mismatch", "the signer answered with another statement than asked");
	}
	turn.out.mark("T68");
	const { statement } = result;
	if (statement.kind === "vote") {
		turn.out.outward({ kind: "send", to: { kind: "all" }, message: { kind: "vote", vote: statement.vote } });
		return takeVote(turn, statement.vote, "");
	}
	const { proposal } = statement;
	turn.out.mark("T16");
	turn.out.outward({ kind: "send", to: { kind: "all" }, message: { kind: "proposal", proposal } });
	return takeOwnProposal(turn, proposal, open.purpose.kind === "sign" ? open.purpose.block : null);
}

/** The signer may change the time and add signatures, nothing else. */
function isSame(asked: TendermintStatement, signed: TendermintStatement): boolean {
	if (asked.kind === "vote" && signed.kind === "vote") {
		const { vote } = signed;
		const isPlace = comparePositions(positionOfVote(asked.vote), positionOfVote(vote)) === 0;
		const isSigned = vote.signature.length > 0 && vote.extensionSignature.length > 0 === asked.extended;
		return isPlace && isSigned && blockIdsEqual(asked.vote.blockId, vote.blockId);
	}
	if (asked.kind !== "proposal" || signed.kind !== "proposal") return false;
	const { height, round, polRound, blockId, signature } = signed.proposal;
	const isPlace = height === asked.proposal.height && round === asked.proposal.round;
	return (
		isPlace &&
		polRound === asked.proposal.polRound &&
		signature.length > 0 &&
		blockIdsEqual(asked.proposal.blockId, blockId)
	);
}

/** The body of an own proposal is on disk: no need to fetch it. */
function takeOwnProposal(turn: Turn, proposal: Proposal, block: HeldBlock | null): Verdict {
	const { state } = turn;
	const isCurrent = proposal.height === state.height && proposal.round === state.round;
	if (isCurrent && block !== null && state.wanted === null) state.wanted = block.id;
	const verdict = takeProposal(turn, proposal);
	if (verdict.kind === "ok" && block !== null) takeBlock(turn, block.key, block.time);
	return verdict;
}

/** A proposal; one out of this node's own log, or its own that a peer brings back, was signed here. */
export function recallProposal(turn: Turn, proposal: Proposal, peer: string): Verdict {
	const { state } = turn;
	const { height, round } = proposal;
	const isMine = peer === "" || (round === state.round && isLeader(state));
	if (isMine && height === state.height) recallPosition(turn, [height, round, POSITION_PROPOSAL]);
	return takeProposal(turn, proposal);
}

/** A vote; one out of this node's own log, or its own that a peer brings back, was signed here. */
export function recallVote(turn: Turn, vote: Vote, peer: string): Verdict {
	const isForeign = vote.height !== turn.state.height || (peer !== "" && !isOwn(turn.state, vote));
	if (isForeign) return takeVote(turn, vote, peer);
	recallPosition(turn, positionOfVote(vote));
	const verdict = takeVote(turn, vote, peer);
	if (verdict.kind === "ok") recallLock(turn, vote);
	return verdict;
}

/** Nothing is asked to be signed any more at or below a position that was signed. */
function recallPosition(turn: Turn, position: Position): void {
	const { state } = turn;
	if (comparePositions(position, state.ownPosition) > 0) {
		turn.out.mark("T70");
		state.ownPosition = position;
	}
	for (const [request, { effect, purpose }] of state.open) {
		const isBelow = effect.kind === "sign" && comparePositions(effect.slot.position, position) <= 0;
		const isExtending =
			(purpose.kind === "extend" || purpose.kind === "checkOwn") &&
			comparePositions(positionOfVote(purpose.vote), position) <= 0;
		if (isBelow || isExtending) state.open.delete(request);
	}
	signNext(turn);
}

/**
 * Whoever precommitted a block was locked on it. If the replay lost the reasons, the precommit itself restores the
 * lock, unless a later polka for something else is known.
 */
function recallLock(turn: Turn, vote: Vote): void {
	const { state } = turn;
	const { type, height, round, blockId } = vote;
	if (type !== PRECOMMIT || height !== state.height || isNilBlockId(blockId)) return;
	if ((state.locked?.round ?? -1) >= round || isUnlockedAfter(state, vote)) return;
	turn.out.mark("T71");
	const key = blockIdKey(blockId);
	state.locked = { round, id: blockId, key, time: null };
	const held = [state.proposalBlock, state.valid?.block ?? null].find((block) => block?.key === key) ?? null;
	if (held === null) fetchLock(turn);
	else completeLock(turn, held);
}

function isUnlockedAfter(state: TendermintState, { round, blockId }: Vote): boolean {
	for (let each = round + 1; each <= state.round; each++) {
		const majority = state.votes.prevotes(each)?.majority ?? null;
		if (majority !== null && !blockIdsEqual(majority, blockId)) return true;
	}
	return false;
}
