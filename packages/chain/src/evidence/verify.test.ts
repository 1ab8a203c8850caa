import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { verifySignature } from "@cairn/crypto";
import { fromHex, ValidationError } from "@cairn/kit";
import {
	commitFromProto,
	type DuplicateVoteEvidence,
	decodeValidatorSet,
	defaultConsensusParams,
	evidenceFromProto,
	headerFromProto,
	type LightClientAttackEvidence,
	type SignedHeader,
	type ValidatorSet,
	voteFromProto,
} from "@cairn/types";
import { types as pb } from "@cairn/types/proto";
import { isEvidenceExpired, verifyDuplicateVote, verifyLightClientAttack } from "./verify.ts";

interface Vectors {
	readonly duplicate_vote: readonly {
		readonly name: string;
		readonly chain_id: string;
		readonly evidence_proto: string;
		readonly validator_set_proto: string;
		readonly verify_error: string | null;
	}[];
	readonly light_client_attack: readonly {
		readonly kind: string;
		readonly evidence_proto: string;
		readonly trusted_signed_header: string;
		readonly common_validator_set: string;
	}[];
}

const file = new URL("../../../../vectors/evidence-verify.json", import.meta.url);
const VECTORS = JSON.parse(readFileSync(file, "utf8")) as Vectors;

function refusal(check: () => void): string | null {
	try {
		check();
		return null;
	} catch (error) {
		assert.ok(error instanceof ValidationError, String(error));
		return error.message;
	}
}

/** Go's VerifyDuplicateVote does not validate what it gets, so neither may the reading of it here. */
function duplicateVote(hex: string): DuplicateVoteEvidence {
	const { voteA, voteB, totalVotingPower, validatorPower, timestamp } = pb.DuplicateVoteEvidence.decode(fromHex(hex));
	return {
		kind: "duplicateVote",
		voteA: voteFromProto(voteA),
		voteB: voteFromProto(voteB),
		totalVotingPower,
		validatorPower,
		timestamp,
	};
}

test("duplicate votes: every verdict is Go's", () => {
	assert.ok(VECTORS.duplicate_vote.length > 30);
	for (const { name, chain_id, evidence_proto, validator_set_proto, verify_error } of VECTORS.duplicate_vote) {
		const validators = decodeValidatorSet(fromHex(validator_set_proto));
		const evidence = duplicateVote(evidence_proto);
		const error = refusal(() => verifyDuplicateVote(evidence, chain_id, validators, verifySignature));
		assert.equal(error === null, verify_error === null, `${name}: ${error} where Go says ${verify_error}`);
	}
});

interface Attack {
	readonly kind: string;
	readonly evidence: LightClientAttackEvidence;
	readonly common: SignedHeader;
	readonly trusted: SignedHeader;
	readonly validators: ValidatorSet;
}

function attacks(): Attack[] {
	return VECTORS.light_client_attack.map(({ kind, evidence_proto, trusted_signed_header, common_validator_set }) => {
		const value = pb.LightClientAttackEvidence.decode(fromHex(evidence_proto));
		const evidence = evidenceFromProto({ sum: { kind: "lightClientAttackEvidence", value } });
		assert.ok(evidence.kind === "lightClientAttack");
		const proto = pb.SignedHeader.decode(fromHex(trusted_signed_header));
		assert.ok(proto.header !== null && proto.commit !== null);
		const trusted = { header: headerFromProto(proto.header), commit: commitFromProto(proto.commit) };
		const isSame = evidence.commonHeight === trusted.header.height;
		const common = isSame ? trusted : { ...trusted, header: { ...trusted.header, height: evidence.commonHeight } };
		return { kind, evidence, common, trusted, validators: decodeValidatorSet(fromHex(common_validator_set)) };
	});
}

function verdict({ evidence, common, trusted, validators }: Attack): string | null {
	return refusal(() => verifyLightClientAttack(evidence, common, trusted, validators, verifySignature));
}

test("attacks on light clients of every kind are proved by +2/3 of the conflicting set, and by nothing less", () => {
	const proved = attacks().filter((attack) => verdict(attack) === null);
	assert.deepEqual(proved.map(({ kind }) => kind).sort(), ["amnesia", "equivocation", "lunatic"]);
	for (const attack of attacks())
		assert.match(verdict(attack) ?? "insufficient voting power", /insufficient voting power/);
});

test("#5638: who is accused must be exactly those who did it, with their keys and powers", () => {
	for (const attack of attacks().filter((each) => verdict(each) === null)) {
		const { byzantineValidators: accused, conflictingValidators } = attack.evidence;
		const change = (byzantineValidators: LightClientAttackEvidence["byzantineValidators"]): string | null => {
			return verdict({ ...attack, evidence: { ...attack.evidence, byzantineValidators } });
		};
		const [first, ...others] = accused;
		const stranger = conflictingValidators.find(
			({ address }) => !accused.some((each) => String(each.address) === String(address)),
		);
		if (stranger !== undefined) assert.match(change([...accused, stranger]) ?? "", /byzantine validators/);
		if (first === undefined) continue;
		assert.match(change(others) ?? "", /byzantine validators/);
		assert.match(change([...others, first]) ?? "", /unexpected validator/);
		assert.match(change([{ ...first, votingPower: first.votingPower + 1n }, ...others]) ?? "", /unexpected power/);
		const other = conflictingValidators.find(({ address }) => String(address) !== String(first.address));
		assert.ok(other !== undefined);
		assert.match(change([{ ...first, publicKey: other.publicKey }, ...others]) ?? "", /public key/);
	}
});

test("a false total power, a header that is ours, a later time and a false signature are found", () => {
	for (const attack of attacks().filter((each) => verdict(each) === null)) {
		const { evidence, trusted, common } = attack;
		const total = evidence.totalVotingPower + 1n;
		assert.match(
			verdict({ ...attack, evidence: { ...evidence, totalVotingPower: total } }) ?? "",
			/total voting power/,
		);
		const { header, commit } = evidence.conflictingHeader;
		assert.ok(verdict({ ...attack, trusted: { ...trusted, header } }) !== null, "the conflicting header is ours");
		const [signature, ...rest] = commit.signatures;
		assert.ok(signature !== undefined);
		const forged = [{ ...signature, signature: new Uint8Array(64) }, ...rest];
		const conflictingHeader = { header, commit: { ...commit, signatures: forged } };
		assert.ok(verdict({ ...attack, evidence: { ...evidence, conflictingHeader } }) !== null, "a false signature");
		const early = { ...trusted, header: { ...trusted.header, height: header.height - 1, time: header.time - 1n } };
		assert.match(
			verdict({ ...attack, trusted: early, common: { ...common } }) ?? "",
			/monotonically|correctly derived/,
		);
	}
});

test("GHSA-555p-m4v6-cqxv: evidence is too old only when both its height and its time are", () => {
	const params = { ...defaultConsensusParams().evidence, maxAgeNumBlocks: 10n, maxAgeDuration: 100n };
	const isExpired = (height: number, time: bigint): boolean => {
		return isEvidenceExpired({ height: 100, time: 1000n }, { height, time }, params);
	};
	assert.equal(isExpired(89, 899n), true);
	assert.equal(isExpired(90, 0n), false);
	assert.equal(isExpired(1, 900n), false);
});
