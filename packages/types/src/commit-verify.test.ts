import assert from "node:assert/strict";
import { test } from "node:test";
import { type PrivateKey, privateKeyFromSeed, publicKeyOf, sign } from "@cairn/crypto";
import { EMPTY_BYTES, fromHex } from "@cairn/kit";
import {
	type BlockId,
	type Commit,
	type CommitSig,
	commitClaims,
	commitLightClaims,
	commitVoteSignBytes,
	decodeCommit,
	decodeValidatorSet,
	type ExtendedCommit,
	extendedCommitToCommit,
	extendedCommitToVote,
	NotEnoughVotingPowerError,
	newValidator,
	type ValidatorSet,
	ValidatorSet as Validators,
	verifyCommit,
	verifyCommitLight,
	verifyCommitLightAllSignatures,
	verifyCommitLightTrusting,
	verifyCommitLightTrustingAllSignatures,
	verifyExtendedCommit,
	verifyVote,
	verifyVoteAndExtension,
	voteExtensionSignBytes,
} from "./index.ts";
import { blockIdOf, errorOf, loadVector, verify } from "./support.test.ts";

type Call = (chainId: string, set: ValidatorSet, blockId: BlockId, height: number, commit: Commit) => void;

function trusting(numerator: bigint, denominator: bigint): Call {
	return (chainId, set, _blockId, _height, commit) =>
		verifyCommitLightTrusting(chainId, set, commit, { numerator, denominator }, verify);
}

const CALLS: Readonly<Record<string, Call>> = {
	verify_commit: (...each) => verifyCommit(...each, verify),
	verify_commit_light: (...each) => verifyCommitLight(...each, verify),
	verify_commit_light_all: (...each) => verifyCommitLightAllSignatures(...each, verify),
	verify_light_trusting_1_1: trusting(1n, 1n),
	verify_light_trusting_1_3: trusting(1n, 3n),
	verify_light_trusting_2_3: trusting(2n, 3n),
	verify_trusting_all_1_3: (chainId, set, _blockId, _height, commit) =>
		verifyCommitLightTrustingAllSignatures(chainId, set, commit, { numerator: 1n, denominator: 3n }, verify),
};

test("verdicts on commits are Go's, and missing power is told from other faults as Go tells it", () => {
	const classes = new Map<string, number>();
	for (const group of loadVector("commit-verify.json").groups) {
		for (const each of group.cases) {
			const label = `${group.n} validators, ${each.name}`;
			if (each.commit_validate_basic_error !== null) {
				assert.ok(
					errorOf(() => decodeCommit(fromHex(each.commit))),
					label,
				);
				continue;
			}
			const commit = decodeCommit(fromHex(each.commit));
			const set = decodeValidatorSet(fromHex(each.validator_set_proto ?? group.validator_set_proto));
			for (const [name, call] of Object.entries(CALLS)) {
				const { class: expected } = each[name];
				const error = errorOf(() => call(each.chain_id, set, blockIdOf(each.block_id), Number(each.height), commit));
				assert.equal(error === null, expected === "ok", `${label}: ${name}: ${error?.message}`);
				const isPower = error instanceof NotEnoughVotingPowerError;
				assert.equal(isPower, expected === "not_enough_power", `${label}: ${name}: ${error?.message}`);
				classes.set(expected, (classes.get(expected) ?? 0) + 1);
			}
			const args = [each.chain_id, set, blockIdOf(each.block_id), Number(each.height), commit] as const;
			for (const [claimsOf, name] of [
				[commitClaims, "verify_commit"],
				[commitLightClaims, "verify_commit_light"],
			] as const) {
				let isGood = false;
				errorOf(() => {
					isGood = claimsOf(...args).every((claim) => verify(claim.publicKey, claim.message, claim.signature));
				});
				assert.equal(isGood, each[name].class === "ok", `${label}: claims of ${name}`);
			}
		}
	}
	for (const name of ["ok", "not_enough_power", "wrong_signature", "address_mismatch", "double_vote"]) {
		assert.ok((classes.get(name) ?? 0) > 0, name);
	}
});

const CHAIN = "extended";
const KEYS = [1, 2, 3, 4].map((n) => privateKeyFromSeed("ed25519", new Uint8Array(32).fill(n)));
const SET = Validators.create(KEYS.map((key) => newValidator(publicKeyOf(key), 10n)));
const BLOCK = blockIdOf({ hash: "ab".repeat(32), part_set_header: { total: 1, hash: "cd".repeat(32) } });

function keyOf(index: number): PrivateKey {
	const { address } = SET.validators[index] ?? { address: EMPTY_BYTES };
	const key = KEYS.find((each) => newValidator(publicKeyOf(each), 1n).address.every((byte, i) => byte === address[i]));
	assert.ok(key);
	return key;
}

/** A commit of all four, each with a signed extension. */
function extendedCommit(): ExtendedCommit {
	const unsigned: ExtendedCommit = {
		height: 5,
		round: 1,
		blockId: BLOCK,
		signatures: SET.validators.map(({ address }, i) => ({
			blockIdFlag: 2,
			validatorAddress: address,
			timestamp: 1_700_000_000_000_000_000n + BigInt(i),
			signature: EMPTY_BYTES,
			extension: Uint8Array.of(i),
			extensionSignature: EMPTY_BYTES,
		})),
	};
	const plain = extendedCommitToCommit(unsigned);
	return {
		...unsigned,
		signatures: unsigned.signatures.map((sig, i) => ({
			...sig,
			signature: sign(keyOf(i), commitVoteSignBytes(CHAIN, plain, i)),
			extensionSignature: sign(keyOf(i), voteExtensionSignBytes(CHAIN, extendedCommitToVote(unsigned, i))),
		})),
	};
}

test("an extended commit needs every extension of a vote for the block signed", () => {
	const commit = extendedCommit();
	verifyExtendedCommit(CHAIN, SET, BLOCK, 5, commit, verify);
	const [first, ...rest] = commit.signatures;
	assert.ok(first);
	const tampered = { ...first, extension: Uint8Array.of(99) };
	assert.ok(
		errorOf(() => verifyExtendedCommit(CHAIN, SET, BLOCK, 5, { ...commit, signatures: [tampered, ...rest] }, verify)),
	);
	const bare = { ...first, extension: EMPTY_BYTES, extensionSignature: EMPTY_BYTES };
	assert.ok(
		errorOf(() => verifyExtendedCommit(CHAIN, SET, BLOCK, 5, { ...commit, signatures: [bare, ...rest] }, verify)),
	);
});

test("a vote and its extension are verified under the key of its validator", () => {
	const vote = extendedCommitToVote(extendedCommit(), 2);
	const key = publicKeyOf(keyOf(2));
	verifyVoteAndExtension(CHAIN, vote, key, verify);
	assert.ok(errorOf(() => verifyVote("other chain", vote, key, verify)));
	assert.ok(
		errorOf(() => verifyVote(CHAIN, vote, publicKeyOf(keyOf(1)), verify)),
		"another validator's key",
	);
	assert.ok(errorOf(() => verifyVote(CHAIN, { ...vote, round: 2 }, key, verify)));
	verifyVote(CHAIN, { ...vote, extension: Uint8Array.of(1) }, key, verify);
	assert.ok(errorOf(() => verifyVoteAndExtension(CHAIN, { ...vote, extension: Uint8Array.of(1) }, key, verify)));
	assert.ok(errorOf(() => verifyVoteAndExtension(CHAIN, { ...vote, extensionSignature: EMPTY_BYTES }, key, verify)));
});

test("a light check stops at enough power; bad signatures beyond it are not looked at", () => {
	const commit = extendedCommitToCommit(extendedCommit());
	const signatures = commit.signatures.map(
		(sig, i): CommitSig => (i === 3 ? { ...sig, signature: new Uint8Array(64) } : sig),
	);
	let verified = 0;
	const counting: typeof verify = (...each) => {
		verified++;
		return verify(...each);
	};
	verifyCommitLight(CHAIN, SET, BLOCK, 5, { ...commit, signatures }, counting);
	assert.equal(verified, 3);
	assert.ok(errorOf(() => verifyCommit(CHAIN, SET, BLOCK, 5, { ...commit, signatures }, verify)));
	assert.ok(errorOf(() => verifyCommitLightAllSignatures(CHAIN, SET, BLOCK, 5, { ...commit, signatures }, verify)));
});

test("missing power is found before a signature is verified", () => {
	const commit = extendedCommitToCommit(extendedCommit());
	const absent: CommitSig = { blockIdFlag: 1, validatorAddress: EMPTY_BYTES, timestamp: 0n, signature: EMPTY_BYTES };
	const signatures = commit.signatures.map((sig, i) =>
		i < 2 ? sig : { ...absent, timestamp: -62135596800_000000000n },
	);
	const never = (): boolean => assert.fail("verified");
	const error = errorOf(() => verifyCommit(CHAIN, SET, BLOCK, 5, { ...commit, signatures }, never));
	assert.ok(error instanceof NotEnoughVotingPowerError);
	assert.deepEqual([error.got, error.needed], [20n, 26n]);
});

test("trust levels without denominator or beyond 64 bits are refused", () => {
	const commit = extendedCommitToCommit(extendedCommit());
	for (const level of [
		{ numerator: 1n, denominator: 0n },
		{ numerator: 2n ** 62n, denominator: 2n ** 62n },
	]) {
		assert.ok(errorOf(() => verifyCommitLightTrusting(CHAIN, SET, commit, level, verify)));
	}
});
