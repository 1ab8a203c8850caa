import { BitArray, type BlockId, type Round } from "@cairn/types";
import type { RoundVotes, TendermintRoundState } from "./protocol.ts";
import { type TendermintState, wantedParts } from "./state.ts";

/** Shows the state to gossip and RPC as Go's `cstypes.RoundState`; live, valid until the next step. */
export function roundStateOf(state: TendermintState): TendermintRoundState {
	const { lastCommit } = state;
	return {
		height: state.height,
		round: state.round,
		step: state.step,
		startTime: state.startTime,
		stepStartedAt: state.stepStartedAt,
		commitTime: state.commitTime,
		validators: state.validators,
		proposal: state.proposal,
		proposalBlock: state.proposalBlock?.key ?? null,
		wantedParts: wantedParts(state),
		wanted: state.wanted,
		lockedRound: state.locked?.round ?? -1,
		lockedBlock: state.locked?.key ?? null,
		validRound: state.valid?.round ?? -1,
		validBlock: state.valid?.block.key ?? null,
		commitRound: state.commitRound,
		lastCommit,
		lastCommitRound: lastCommit?.round ?? -1,
		lastValidators: state.lastValidators,
		triggeredTimeoutPrecommit: state.triggeredTimeoutPrecommit,
		votesRound: state.votes.round,
		votes: (round: Round): RoundVotes | null => state.votes.votes(round),
		polInfo: (): { round: Round; blockId: BlockId } | null => state.votes.polInfo(),
		get emptyBits(): BitArray {
			return new BitArray(state.validators.size);
		},
	};
}
