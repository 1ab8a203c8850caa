import { verifyDuplicateVote } from "@cairn/chain";
import { verifySignature } from "@cairn/crypto";
import {
	byzantineValidatorsOf,
	type DuplicateVoteEvidence,
	decodeEvidence,
	decodeValidatorSet,
	encodeEvidence,
	evidenceAbciMisbehavior,
	evidenceBytes,
	evidenceHash,
	isConflictingHeaderInvalid,
	signedHeaderFromProto,
	validateEvidence,
	voteFromProto,
} from "@cairn/types";
import { abci, fromProtoJson, type Json, types } from "@cairn/types/proto";
import { type Checker, fail } from "../checker.ts";
import { hex, same, sameBytes, sameError } from "../expectation.ts";

interface DuplicateVoteCase {
	readonly bytes: string;
	readonly chain_id: string;
	/** The inner message, without the wrapper that tells its kind. */
	readonly evidence_proto: string;
	readonly hash: string;
	readonly validator_set_proto: string;
	readonly validate_basic_error: string | null;
	readonly verify_error: string | null;
}

/** Evidence of which nothing but the votes has been validated: it is verified whether it is well-formed or not. */
function duplicateVoteOf(bytes: Uint8Array): DuplicateVoteEvidence {
	const { voteA, voteB, totalVotingPower, validatorPower, timestamp } = types.DuplicateVoteEvidence.decode(bytes);
	return {
		kind: "duplicateVote",
		voteA: voteFromProto(voteA),
		voteB: voteFromProto(voteB),
		totalVotingPower,
		validatorPower,
		timestamp,
	};
}

function checkDuplicateVote(each: DuplicateVoteCase): void {
	const evidence = duplicateVoteOf(hex(each.evidence_proto));
	sameBytes("bytes", evidenceBytes(evidence), each.bytes);
	sameBytes("evidence_proto", evidenceBytes(evidence), each.evidence_proto);
	sameBytes("hash", evidenceHash(evidence), each.hash);
	sameError("validate_basic_error", each.validate_basic_error, () => validateEvidence(evidence));
	sameError("decoding", each.validate_basic_error, () => decodeEvidence(encodeEvidence(evidence)));
	const validators = decodeValidatorSet(hex(each.validator_set_proto));
	sameError("verify_error", each.verify_error, () =>
		verifyDuplicateVote(evidence, each.chain_id, validators, verifySignature),
	);
}

interface AttackCase {
	readonly kind: string;
	readonly evidence_proto: string;
	readonly hash: string;
	readonly common_validator_set: string;
	readonly trusted_signed_header: string;
	readonly conflicting_header_is_invalid: boolean;
	readonly byzantine_validator_addresses: readonly string[];
	readonly abci_misbehavior: readonly Json[];
}

function checkAttack(each: AttackCase): void {
	const value = types.LightClientAttackEvidence.decode(hex(each.evidence_proto));
	const wrapped = types.Evidence.encode({ sum: { kind: "lightClientAttackEvidence", value } });
	const evidence = decodeEvidence(wrapped);
	if (evidence.kind !== "lightClientAttack") fail(`decoded as ${evidence.kind}`);
	sameBytes("evidence_proto", evidenceBytes(evidence), each.evidence_proto);
	sameBytes("hash", evidenceHash(evidence), each.hash);
	const common = decodeValidatorSet(hex(each.common_validator_set));
	const trusted = signedHeaderFromProto(types.SignedHeader.decode(hex(each.trusted_signed_header)));
	const isInvalid = isConflictingHeaderInvalid(evidence, trusted.header);
	same("conflicting_header_is_invalid", isInvalid, each.conflicting_header_is_invalid);
	const byzantine = byzantineValidatorsOf(evidence, common, trusted);
	same(
		"byzantine_validator_addresses",
		byzantine.map(({ address }) => address),
		each.byzantine_validator_addresses.map(hex),
	);
	const misbehavior = each.abci_misbehavior.map((json) => fromProtoJson("tendermint.abci.Misbehavior", json));
	const encode = (item: unknown) => abci.Misbehavior.encode(item as abci.Misbehavior);
	same("abci_misbehavior", evidenceAbciMisbehavior(evidence).map(encode), misbehavior.map(encode));
}

export const checkEvidenceVerify: Checker = async (file, tally) => {
	const content = file.content as {
		readonly duplicate_vote: readonly DuplicateVoteCase[];
		readonly light_client_attack: readonly AttackCase[];
	};
	await tally.checkEach("duplicate_vote", content.duplicate_vote, checkDuplicateVote);
	await tally.checkEach("light_client_attack", content.light_client_attack, checkAttack);
};
