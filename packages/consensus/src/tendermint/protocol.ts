import type {
	BitArray,
	BlockId,
	BlockKey,
	Commit,
	DuplicateVoteEvidence,
	ExtendedCommit,
	Height,
	PartSetHeader,
	Proposal,
	Round,
	TimeNs,
	ValidatorSet,
	Vote,
	VoteType,
} from "@cairn/types";
import type { Protocol } from "../core/engine.ts";
import type { VoteSet } from "../parts/vote-set.ts";

/** What enters the Tendermint engine from peers (and, with origin peer "", from this node's own log). */
export type TendermintMessage =
	| { readonly kind: "proposal"; readonly proposal: Proposal }
	| { readonly kind: "vote"; readonly vote: Vote }
	/** VoteSetMaj23: a peer claims to have seen +2/3 of these votes for this block id. Carries no signature. */
	| {
			readonly kind: "majorityClaim";
			readonly height: Height;
			readonly round: Round;
			readonly type: VoteType;
			readonly blockId: BlockId;
	  };

/** What the signer is asked to sign; `signed` brings it back as signed (signature filled, perhaps an older time). */
export type TendermintStatement =
	| { readonly kind: "proposal"; readonly proposal: Proposal }
	| { readonly kind: "vote"; readonly vote: Vote; readonly extended: boolean };

/** The seen commit; with vote extensions enabled the extended commit too. */
export interface TendermintCertificate {
	readonly commit: Commit;
	readonly extended: ExtendedCommit | null;
}

/** CometBFT's RoundStepType. */
export const STEP_NEW_HEIGHT = 1;
export const STEP_NEW_ROUND = 2;
export const STEP_PROPOSE = 3;
export const STEP_PREVOTE = 4;
export const STEP_PREVOTE_WAIT = 5;
export const STEP_PRECOMMIT = 6;
export const STEP_PRECOMMIT_WAIT = 7;
export const STEP_COMMIT = 8;
export type TendermintStep = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** Both vote sets of one round. */
export interface RoundVotes {
	readonly prevotes: VoteSet;
	readonly precommits: VoteSet;
}

/** What gossip, RPC (`dump_consensus_state`) and logs read: Go's `cstypes.RoundState`. Valid until the next step. */
export interface TendermintRoundState {
	readonly height: Height;
	readonly round: Round;
	readonly step: TendermintStep;
	readonly startTime: TimeNs;
	/** Wall time and mono time at which the current step began. */
	readonly stepStartedAt: { readonly mono: number; readonly wall: TimeNs };
	/** Wall time at which +2/3 precommits were found; null before. */
	readonly commitTime: TimeNs | null;
	readonly validators: ValidatorSet;
	readonly proposal: Proposal | null;
	/** The block body of `proposal` (or of the part set wanted) is complete here. */
	readonly proposalBlock: BlockKey | null;
	/** Part-set header whose parts are wanted or held now (Go's ProposalBlockParts header); null when none. */
	readonly wantedParts: PartSetHeader | null;
	/** The block that `wantedParts` belongs to. */
	readonly wanted: BlockId | null;
	readonly lockedRound: Round;
	readonly lockedBlock: BlockKey | null;
	readonly validRound: Round;
	readonly validBlock: BlockKey | null;
	/** -1 unless in the commit step. */
	readonly commitRound: Round;
	/** Precommits of height-1 that were seen; null at the initial height. */
	readonly lastCommit: VoteSet | null;
	readonly lastCommitRound: Round;
	readonly lastValidators: ValidatorSet | null;
	readonly triggeredTimeoutPrecommit: boolean;
	/** Highest round for which votes are tracked contiguously. */
	readonly votesRound: Round;
	votes(round: Round): RoundVotes | null;
	/** POL of the highest round at or below the current one: Go's HeightVoteSet.POLInfo. */
	polInfo(): { readonly round: Round; readonly blockId: BlockId } | null;
	/** As many bits as there are validators, all zero. */
	readonly emptyBits: BitArray;
}

export interface TendermintSnapshot {
	readonly bytes: Uint8Array;
}

export interface Tendermint extends Protocol {
	message: TendermintMessage;
	statement: TendermintStatement;
	certificate: TendermintCertificate;
	node: object;
	evidence: { readonly voteA: Vote; readonly voteB: Vote } | DuplicateVoteEvidence;
	snapshot: TendermintSnapshot;
	gossip: TendermintRoundState;
}
