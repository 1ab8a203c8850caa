import type { DuplicateVoteEvidence, Evidence, LightClientAttackEvidence } from "@cairn/types";
import { jsonSignedHeaderOf } from "./block.ts";
import { type Json, jsonInt64, jsonListOrNull, jsonOrNull, jsonTime, jsonTyped } from "./text.ts";
import { jsonValidator } from "./validator.ts";
import { jsonVote } from "./vote.ts";

/** Names under which Go's `libs/json` knows the kinds of evidence. */
export const DUPLICATE_VOTE_TYPE = "tendermint/DuplicateVoteEvidence";
export const LIGHT_CLIENT_ATTACK_TYPE = "tendermint/LightClientAttackEvidence";

export function jsonEvidence(evidence: Evidence): Json {
	return evidence.kind === "duplicateVote"
		? jsonTyped(DUPLICATE_VOTE_TYPE, jsonDuplicateVote(evidence))
		: jsonTyped(LIGHT_CLIENT_ATTACK_TYPE, jsonLightClientAttack(evidence));
}

function jsonDuplicateVote(evidence: DuplicateVoteEvidence): Json {
	const { voteA, voteB, totalVotingPower, validatorPower, timestamp } = evidence;
	return (
		`{"vote_a":${jsonVote(voteA)},"vote_b":${jsonVote(voteB)},"TotalVotingPower":${jsonInt64(totalVotingPower)},` +
		`"ValidatorPower":${jsonInt64(validatorPower)},"Timestamp":${jsonTime(timestamp)}}`
	);
}

function jsonLightClientAttack(evidence: LightClientAttackEvidence): Json {
	const set =
		`{"validators":${jsonListOrNull(evidence.conflictingValidators, jsonValidator)},` +
		`"proposer":${jsonOrNull(evidence.conflictingProposer, jsonValidator)}}`;
	return (
		`{"ConflictingBlock":{"signed_header":${jsonSignedHeaderOf(evidence.conflictingHeader)},"validator_set":${set}},` +
		`"CommonHeight":${jsonInt64(evidence.commonHeight)},` +
		`"ByzantineValidators":${jsonListOrNull(evidence.byzantineValidators, jsonValidator)},` +
		`"TotalVotingPower":${jsonInt64(evidence.totalVotingPower)},"Timestamp":${jsonTime(evidence.timestamp)}}`
	);
}
