import assert from "node:assert/strict";
import { test } from "node:test";
import { fromHex, toHex } from "@cairn/kit";
import {
	byzantineValidatorsOf,
	compareBlockIds,
	decodeEvidence,
	decodeValidatorSet,
	type Evidence,
	encodeEvidence,
	evidenceAbciMisbehavior,
	evidenceBytes,
	evidenceFromProto,
	evidenceHash,
	evidenceHeight,
	evidenceTime,
	isConflictingHeaderInvalid,
	newDuplicateVoteEvidence,
	signedHeaderFromProto,
	validateEvidence,
} from "./index.ts";
import { abci, types as pb, toProtoJson } from "./proto/index.ts";
import { errorOf, loadVector } from "./support.test.ts";

const vectors = loadVector("evidence-verify.json");

function duplicateVote(hex: string): Evidence {
	return evidenceFromProto({
		sum: { kind: "duplicateVoteEvidence", value: pb.DuplicateVoteEvidence.decode(fromHex(hex)) },
	});
}

function lightClientAttack(hex: string): Evidence {
	return evidenceFromProto({
		sum: { kind: "lightClientAttackEvidence", value: pb.LightClientAttackEvidence.decode(fromHex(hex)) },
	});
}

test("duplicate votes: structure, bytes and hash are Go's", () => {
	for (const vector of vectors.duplicate_vote) {
		const error = errorOf(() => duplicateVote(vector.evidence_proto));
		assert.equal(error === null, vector.validate_basic_error === null, `${vector.name}: ${error?.message}`);
		if (error !== null) continue;
		const evidence = duplicateVote(vector.evidence_proto);
		assert.equal(toHex(evidenceBytes(evidence)), vector.bytes, vector.name);
		assert.equal(toHex(evidenceHash(evidence)), vector.hash, vector.name);
		assert.deepEqual(decodeEvidence(encodeEvidence(evidence)), evidence);
	}
});

test("two votes make the same evidence in either order, with the powers of the set", () => {
	for (const vector of vectors.duplicate_vote.filter(({ name }: { name: string }) => name.startsWith("ok"))) {
		const evidence = duplicateVote(vector.evidence_proto);
		assert.ok(evidence.kind === "duplicateVote");
		const set = decodeValidatorSet(fromHex(vector.validator_set_proto));
		const { voteA, voteB, timestamp } = evidence;
		assert.ok(compareBlockIds(voteA.blockId, voteB.blockId) < 0);
		assert.deepEqual(newDuplicateVoteEvidence(voteA, voteB, timestamp, set), evidence);
		assert.deepEqual(newDuplicateVoteEvidence(voteB, voteA, timestamp, set), evidence);
		assert.equal(evidenceHeight(evidence), voteA.height);
		assert.equal(evidenceTime(evidence), timestamp);
		const [misbehavior, ...others] = evidenceAbciMisbehavior(evidence);
		assert.equal(others.length, 0);
		assert.deepEqual(misbehavior, {
			type: abci.MisbehaviorType.DUPLICATE_VOTE,
			validator: { address: voteA.validatorAddress, power: evidence.validatorPower },
			height: BigInt(voteA.height),
			time: timestamp,
			totalVotingPower: set.totalPower,
		});
		const stranger = { ...voteA, validatorAddress: new Uint8Array(20) };
		assert.ok(errorOf(() => newDuplicateVoteEvidence(stranger, voteB, timestamp, set)));
	}
});

test("light client attacks: kind, culprits, hash and what the application is told are Go's", () => {
	const kinds = new Set<string>();
	for (const vector of vectors.light_client_attack) {
		const evidence = lightClientAttack(vector.evidence_proto);
		assert.ok(evidence.kind === "lightClientAttack");
		assert.equal(toHex(evidenceHash(evidence)), vector.hash, vector.kind);
		assert.equal(toHex(evidenceBytes(evidence)), vector.evidence_proto);
		const trusted = signedHeaderFromProto(pb.SignedHeader.decode(fromHex(vector.trusted_signed_header)));
		assert.equal(isConflictingHeaderInvalid(evidence, trusted.header), vector.conflicting_header_is_invalid);
		const common = decodeValidatorSet(fromHex(vector.common_validator_set));
		const culprits = byzantineValidatorsOf(evidence, common, trusted);
		assert.deepEqual(
			culprits.map(({ address }) => toHex(address)),
			vector.byzantine_validator_addresses,
		);
		const told = evidenceAbciMisbehavior(evidence).map((each) => toProtoJson("tendermint.abci.Misbehavior", each));
		assert.deepEqual(told, vector.abci_misbehavior ?? [], vector.kind);
		assert.deepEqual(decodeEvidence(encodeEvidence(evidence)), evidence);
		kinds.add(vector.kind);
	}
	assert.deepEqual([...kinds].sort(), ["amnesia", "equivocation", "lunatic"]);
});

test("the hash of a light client attack ignores the last byte of the block hash", () => {
	const evidence = lightClientAttack(vectors.light_client_attack[0].evidence_proto);
	assert.ok(evidence.kind === "lightClientAttack");
	const later = { ...evidence, commonHeight: evidence.commonHeight + 1 };
	assert.notDeepEqual(evidenceHash(later), evidenceHash(evidence));
	const fewer = { ...evidence, byzantineValidators: [] };
	assert.deepEqual(evidenceHash(fewer), evidenceHash(evidence), "who is accused is not in the hash");
});

test("inconsistent light client attacks are refused", () => {
	const evidence = lightClientAttack(vectors.light_client_attack[0].evidence_proto);
	assert.ok(evidence.kind === "lightClientAttack");
	validateEvidence(evidence);
	const [, ...fewer] = evidence.conflictingValidators;
	const { header, commit } = evidence.conflictingHeader;
	for (const broken of [
		{ ...evidence, totalVotingPower: 0n },
		{ ...evidence, commonHeight: 0 },
		{ ...evidence, commonHeight: header.height + 1 },
		{ ...evidence, conflictingValidators: fewer },
		{ ...evidence, conflictingValidators: [] },
		{ ...evidence, conflictingProposer: null },
		{ ...evidence, conflictingHeader: { header: { ...header, appHash: Uint8Array.of(1) }, commit } },
		{ ...evidence, conflictingHeader: { header, commit: { ...commit, height: commit.height + 1 } } },
		{ ...evidence, conflictingHeader: { header: { ...header, version: { block: 1011n, app: 0n } }, commit } },
	]) {
		assert.ok(errorOf(() => validateEvidence(broken)));
	}
});
