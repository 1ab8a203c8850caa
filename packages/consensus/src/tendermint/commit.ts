import { invariant } from "@cairn/kit";
import { type BlockId, blockIdKey, isNilBlockId, type Round } from "@cairn/types";
import type { VoteSet } from "../parts/vote-set.ts";
import { STEP_COMMIT, type TendermintCertificate } from "./protocol.ts";
import type { Decided, TendermintState, Turn } from "./state.ts";
import { announce, announceStep, holds, sameBlock, setStep, want } from "./turn.ts";

/** +2/3 precommits for a block, of whatever round: it is decided (Go's `enterCommit`). */
export function enterCommit(turn: Turn, commitRound: Round): void {
	const { state } = turn;
	if (state.step >= STEP_COMMIT) return;
	const precommits = state.votes.precommits(commitRound);
	const decided = precommits?.majority ?? null;
	invariant(decided !== null && precommits !== null, "a commit needs +2/3 precommits", { commitRound });
	turn.out.mark("T51");
	takeDecidedBlock(turn, decided, precommits);
	setStep(turn, STEP_COMMIT);
	state.commitRound = commitRound;
	state.commitTime = turn.at.wall;
	announceStep(turn);
	tryFinalize(turn);
}

/** The lock's body serves if it is the one decided; another body is let go and the right one fetched. */
function takeDecidedBlock(turn: Turn, decided: BlockId, precommits: VoteSet): void {
	const { state } = turn;
	const { locked } = state;
	if (locked !== null && locked.time !== null && sameBlock(locked.id, decided)) {
		state.proposalBlock = { id: locked.id, key: locked.key, time: locked.time };
		state.wanted = locked.id;
	}
	if (holds(state.proposalBlock, decided)) return;
	turn.out.mark("T52");
	const isNew = !sameBlock(state.wanted, decided);
	want(turn, decided, precommits);
	if (isNew) announce(turn, "ValidBlock", blockIdKey(decided));
}

/** Commits when +2/3 precommits and the block are here (Go's `tryFinalizeCommit`); the executor validates it again. */
export function tryFinalize(turn: Turn): void {
	const { state } = turn;
	if (state.step !== STEP_COMMIT || state.committing !== null) return;
	const precommits = state.votes.precommits(state.commitRound);
	const decided = precommits?.majority ?? null;
	if (precommits === null || decided === null || isNilBlockId(decided)) return;
	const block = state.proposalBlock;
	if (block === null || !holds(block, decided)) return;
	turn.out.mark("T53");
	emitCommit(turn, { height: state.height, block: block.key, time: block.time }, certify(state, precommits));
}

function certify(state: TendermintState, precommits: VoteSet): TendermintCertificate {
	const extended = state.epoch.params.extensions ? precommits.makeExtendedCommit() : null;
	return { commit: precommits.makeCommit(), extended };
}

export function emitCommit(turn: Turn, decided: Decided, certificate: TendermintCertificate): void {
	const { state } = turn;
	const { height, block } = decided;
	invariant(block !== null, "a decided height has a block", { height });
	state.committing = decided;
	state.certificate = certificate;
	turn.out.outward({ kind: "commit", height, block, certificate });
}
