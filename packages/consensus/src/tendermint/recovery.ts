import type { BlockKey } from "@cairn/types";
import type { Epoch, Verdict } from "../core/engine.ts";
import { mergeEpochs } from "./height.ts";
import { ignored, isWanted, OK } from "./proposal.ts";
import { STEP_COMMIT } from "./protocol.ts";
import { findEpoch, type Turn } from "./state.ts";
import { rearm } from "./timers.ts";
import { signNext, want } from "./turn.ts";

/**
 * The log was replayed and the world is here again: whatever is still open is asked for once more. The effects that the
 * replay emitted went nowhere.
 */
export function resume(turn: Turn, epochs: readonly Epoch[]): Verdict {
	const { state } = turn;
	turn.out.mark("T72");
	state.epochs = mergeEpochs(state.epochs, epochs).filter(({ last }) => last === null || last >= state.height);
	// The configuration may be another one than before the restart.
	state.epoch = findEpoch(state.epochs, state.height) ?? state.epoch;
	rearm(turn);
	for (const { effect } of state.open.values()) if (effect.kind === "ask") turn.out.inward(effect);
	state.signing = null;
	signNext(turn);
	if (state.wanted !== null && state.proposalBlock === null) fetchAgain(turn);
	if (state.locked !== null && state.locked.time === null) fetchLock(turn);
	if (state.committing !== null && state.committing.block !== null && state.certificate !== null) {
		const { height, block } = state.committing;
		turn.out.outward({ kind: "commit", height, block, certificate: state.certificate });
	}
	return OK;
}

/** A fetch was given up. What is decided or locked is needed all the same; anything else is left to the timers. */
export function takeMissing(turn: Turn, block: BlockKey): Verdict {
	const { locked, step } = turn.state;
	const isLock = locked !== null && locked.time === null && locked.key === block;
	const isDecided = step === STEP_COMMIT && isWanted(turn, block);
	if (!isLock && !isDecided) return ignored("this block is not needed");
	turn.out.mark("T73");
	if (isDecided) fetchAgain(turn);
	else fetchLock(turn);
	return OK;
}

/** The body of a lock that was restored without it is fetched beside the block that is wanted. */
export function fetchLock({ state, out }: Turn): void {
	const { height, locked, epoch } = state;
	if (locked === null) return;
	const bits = state.votes.precommits(locked.round)?.bitArrayByBlockId(locked.id)?.trueIndices() ?? [];
	out.inward({
		kind: "fetch",
		height,
		block: locked.key,
		holders: bits.flatMap((index) => epoch.members[index] ?? []),
	});
}

function fetchAgain(turn: Turn): void {
	const { state } = turn;
	const { wanted } = state;
	if (wanted === null) return;
	const sets = state.votes.votes(state.commitRound >= 0 ? state.commitRound : state.round);
	const voters = sets?.precommits.bitArrayByBlockId(wanted) === null ? sets.prevotes : (sets?.precommits ?? null);
	want(turn, wanted, voters);
}

/** Timeouts changed at run time: they act from the next timer on, and outlive epochs. */
export function tune(turn: Turn, timeouts: Readonly<Record<string, number>>): Verdict {
	turn.out.mark("T74");
	turn.state.tuned = { ...turn.state.tuned, ...timeouts };
	return OK;
}
