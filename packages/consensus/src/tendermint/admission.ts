import { bytesEqual, invariant } from "@cairn/kit";
import {
	isNilBlockId,
	PRECOMMIT,
	type Proposal,
	proposalSignBytes,
	type Round,
	type ValidatorIndex,
	type ValidatorSet,
	type Vote,
	voteExtensionSignBytes,
	voteSignBytes,
} from "@cairn/types";
import type { Admission, Epoch, SignatureClaim } from "../core/engine.ts";
import { STEP_COMMIT, STEP_NEW_HEIGHT, type TendermintMessage } from "./protocol.ts";
import { type TendermintState, validatorsAt } from "./state.ts";

/** Rounds of the next height worth keeping: a node that is further behind is helped by gossip. */
const MAX_EARLY_ROUND = 1;

/** Beyond it nobody asks who leads. */
const MAX_FORESEEN_ROUND = 1000;

function drop(why: string, fault = false): Admission {
	return { kind: "drop", why, fault };
}

/** A cheap look at a message before its signatures cost anything. */
export function admitMessage(state: TendermintState, peer: string, message: TendermintMessage): Admission {
	if (message.kind === "vote") return admitVote(state, peer, message.vote);
	if (message.kind === "proposal") return admitProposal(state, message.proposal);
	if (message.height !== state.height) return drop("a claim of another height");
	if (state.votes.of(message.round, message.type) === null) return drop("a claim of a round not followed");
	return { kind: "verify", epoch: state.epoch };
}

function admitProposal(state: TendermintState, proposal: Proposal): Admission {
	const { height, round } = proposal;
	const isNext = height === state.height && round === state.round + 1 && state.step !== STEP_COMMIT;
	if (isNext) return { kind: "later", until: { round } };
	if (height === state.height + 1 && round === 0) return { kind: "later", until: { height } };
	if (height !== state.height || round !== state.round) return drop("a proposal of another round");
	if (state.proposal !== null) return drop("this round has a proposal");
	return { kind: "verify", epoch: state.epoch };
}

function admitVote(state: TendermintState, peer: string, vote: Vote): Admission {
	if (vote.height === state.height + 1) {
		return vote.round <= MAX_EARLY_ROUND ? { kind: "later", until: { height: vote.height } } : drop("a vote too early");
	}
	if (vote.height + 1 === state.height) return admitLatePrecommit(state, vote);
	if (vote.height !== state.height) return drop("a vote of another height");
	if (!state.votes.accepts(vote.round, peer)) return drop("a round that this peer may not open");
	const fault = voteFault(state.validators, state.epoch.params.extensions, vote);
	if (fault !== null) return fault;
	const known = state.votes.of(vote.round, vote.type)?.examine(vote) ?? null;
	return known === null ? { kind: "verify", epoch: state.epoch } : drop(known.fault ?? "a known vote");
}

function admitLatePrecommit(state: TendermintState, vote: Vote): Admission {
	const { lastCommit, previous } = state;
	if (vote.type !== PRECOMMIT || lastCommit === null || previous === null) return drop("a vote of the last height");
	if (state.step !== STEP_NEW_HEIGHT) return drop("the time of precommits of the last height is over");
	if (vote.round !== lastCommit.round) return drop("a precommit of another round than the last commit's");
	const fault = voteFault(lastCommit.validators, lastCommit.extended, vote);
	if (fault !== null) return fault;
	const known = lastCommit.examine(vote);
	return known === null ? { kind: "verify", epoch: previous } : drop(known.fault ?? "a known vote");
}

/** What no honest peer passes on. */
function voteFault(validators: ValidatorSet, extensions: boolean, vote: Vote): Admission | null {
	const validator = validators.getByIndex(vote.validatorIndex);
	if (validator === null) return drop("a vote of an unknown validator", true);
	if (!bytesEqual(validator.address, vote.validatorAddress)) return drop("address and index of a vote differ", true);
	const hasExtension = vote.extension.length > 0 || vote.extensionSignature.length > 0;
	const wants = extensions && vote.type === PRECOMMIT && !isNilBlockId(vote.blockId);
	if (!wants && hasExtension) return drop("a vote extension where none belongs", true);
	if (wants && vote.extensionSignature.length === 0) return drop("a precommit without its extension's signature", true);
	return null;
}

/** Signatures of a message under the epoch that `admitMessage` named; none for a claim of a majority. */
export function claimsOf(
	chainId: string,
	state: TendermintState,
	message: TendermintMessage,
	epoch: Epoch,
): readonly SignatureClaim[] {
	if (message.kind === "vote") return claimsOfVote(chainId, message.vote, epoch);
	if (message.kind === "majorityClaim") return [];
	const { proposal } = message;
	const { signature } = proposal;
	return [{ index: leaderOf(state, proposal, epoch), signBytes: proposalSignBytes(chainId, proposal), signature }];
}

function claimsOfVote(chainId: string, vote: Vote, epoch: Epoch): readonly SignatureClaim[] {
	const { validatorIndex: index, signature } = vote;
	const claim = { index, signBytes: voteSignBytes(chainId, vote), signature };
	const hasExtension = epoch.params.extensions && vote.type === PRECOMMIT && !isNilBlockId(vote.blockId);
	if (!hasExtension) return [claim];
	const signBytes = voteExtensionSignBytes(chainId, vote);
	return [claim, { index, signBytes, signature: vote.extensionSignature }];
}

/**
 * Index of the leader of the proposal's round. Priorities depend on the rounds that a node went through one by one, as
 * in Go, so the leader of the current round is taken from the state; that of another round, whose proposals `step`
 * ignores, is the one that a node sees which went there at once.
 */
function leaderOf(state: TendermintState, { height, round }: Proposal, epoch: Epoch): ValidatorIndex {
	const isCurrent = height === state.height && round === state.round;
	const set = isCurrent ? state.validators : rotated(validatorsAt(epoch, height), round);
	const { proposer } = set;
	invariant(proposer !== null, "a validator set has a leader");
	const place = set.getByAddress(proposer.address);
	invariant(place !== null, "the leader is in the set");
	return place.index;
}

function rotated(set: ValidatorSet, round: Round): ValidatorSet {
	return round > 0 && round <= MAX_FORESEEN_ROUND ? set.copyIncrementProposerPriority(round) : set;
}
