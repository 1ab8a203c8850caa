import assert from "node:assert/strict";
import { test } from "node:test";
import { privateKeyFromSeed, publicKeyOf, sign } from "@cairn/crypto";
import { EMPTY_BYTES, fromHex, toHex } from "@cairn/kit";
import fc from "fast-check";
import { canonicalProposal, canonicalVote, canonicalVoteExtension } from "./canonical.ts";
import {
	type Commit,
	commitToVote,
	commitVoteSignBytes,
	NIL_BLOCK_ID,
	proposalSignBytes,
	type Vote,
	voteExtensionSignBytes,
	voteSignBytes,
} from "./index.ts";
import { encodeDelimited, types as pb } from "./proto/index.ts";
import { blockIdOf, loadVector, type Parsed, timeOf } from "./support.test.ts";

interface Case {
	readonly kind: "vote" | "vote_extension" | "proposal";
	readonly name: string;
	readonly chain_id: string;
	/** Three kinds of statement share it. */
	readonly fields: Parsed;
	readonly sign_bytes: string;
	readonly seed: string;
	readonly signature: string;
	readonly pub_key: string;
}

const cases: Case[] = loadVector("sign-bytes.json").cases;

/** A number where it is a safe integer, as the domain types have it. */
function height(text: string): number | bigint {
	return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text);
}

function signBytes({ kind, chain_id: chainId, fields }: Case): Uint8Array {
	const at = height(fields.height);
	if (kind === "vote_extension") return canonicalVoteExtension(chainId, at, fields.round, fromHex(fields.extension));
	const blockId = blockIdOf(fields.block_id);
	const time = timeOf(fields.timestamp);
	if (kind === "vote") return canonicalVote(chainId, fields.type, at, fields.round, blockId, time);
	return canonicalProposal(chainId, at, fields.round, fields.pol_round, blockId, time);
}

test("sign bytes are Go's, out-of-range values included", () => {
	assert.ok(cases.length > 200);
	for (const each of cases) assert.equal(toHex(signBytes(each)), each.sign_bytes, each.name);
});

test("signatures over sign bytes are Go's", () => {
	for (const each of cases) {
		const key = privateKeyFromSeed("ed25519", fromHex(each.seed));
		assert.equal(toHex(publicKeyOf(key).bytes), each.pub_key);
		assert.equal(toHex(sign(key, signBytes(each))), each.signature, each.name);
	}
});

test("sign bytes of domain types are those of their fields", () => {
	for (const each of cases.filter(({ fields }) => Number.isSafeInteger(Number(fields.height)))) {
		const { kind, chain_id: chainId, fields } = each;
		const common = {
			height: Number(fields.height),
			round: fields.round,
			blockId: blockIdOf(fields.block_id),
			timestamp: fields.timestamp === undefined ? 0n : timeOf(fields.timestamp),
			signature: EMPTY_BYTES,
		};
		if (kind === "proposal") {
			const proposal = { ...common, polRound: fields.pol_round };
			assert.equal(toHex(proposalSignBytes(chainId, proposal)), each.sign_bytes);
			continue;
		}
		const vote: Vote = {
			...common,
			type: fields.type ?? 2,
			validatorAddress: EMPTY_BYTES,
			validatorIndex: 0,
			extension: fromHex(fields.extension ?? ""),
			extensionSignature: EMPTY_BYTES,
		};
		const bytes = kind === "vote" ? voteSignBytes(chainId, vote) : voteExtensionSignBytes(chainId, vote);
		assert.equal(toHex(bytes), each.sign_bytes);
	}
});

const int64 = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const time = fc.bigInt(-62135596800_000000000n, 253402300799_999999999n);
const hash = fc.oneof(fc.constant(EMPTY_BYTES), fc.uint8Array({ minLength: 32, maxLength: 32 }));
const blockId = fc.record({
	hash,
	partSetHeader: fc.record({ total: fc.nat(2 ** 31 - 1), hash }),
});

test("hand-written sign bytes are what the generated codec makes of the same message", () => {
	fc.assert(
		fc.property(fc.string({ unit: "grapheme" }), fc.nat(64), int64, int32, blockId, time, int32, (...values) => {
			const [chainId, type, at, round, id, timestamp, polRound] = values;
			const isNil = id.hash.length === 0 && id.partSetHeader.total === 0 && id.partSetHeader.hash.length === 0;
			const canonical = { height: at, round: BigInt(round), blockId: isNil ? null : id, timestamp, chainId };
			assert.deepEqual(
				canonicalVote(chainId, type, at, round, id, timestamp),
				encodeDelimited(pb.CanonicalVote.encode({ ...canonical, type })),
			);
			assert.deepEqual(
				canonicalProposal(chainId, at, round, polRound, id, timestamp),
				encodeDelimited(pb.CanonicalProposal.encode({ ...canonical, type: 32, polRound: BigInt(polRound) })),
			);
		}),
		{ numRuns: 500 },
	);
});

test("extensions of any length are signed as the generated codec writes them", () => {
	for (const length of [0, 1, 127, 128, 5000, 70_000]) {
		const extension = new Uint8Array(length).fill(7);
		assert.deepEqual(
			canonicalVoteExtension("chain", 5, 1, extension),
			encodeDelimited(pb.CanonicalVoteExtension.encode({ extension, height: 5n, round: 1n, chainId: "chain" })),
		);
	}
});

test("sign bytes of a commit's entries are those of the votes that they stand for", () => {
	const committed = blockIdOf({ hash: "11".repeat(32), part_set_header: { total: 3, hash: "22".repeat(32) } });
	const sig = { validatorAddress: new Uint8Array(20), timestamp: 1_700_000_000_000_000_001n, signature: EMPTY_BYTES };
	const commit: Commit = {
		height: 7,
		round: 2,
		blockId: committed,
		signatures: [
			{ ...sig, blockIdFlag: 2 },
			{ ...sig, blockIdFlag: 3 },
		],
	};
	assert.deepEqual(commitVoteSignBytes("c", commit, 0), voteSignBytes("c", commitToVote(commit, 0)));
	assert.deepEqual(commitVoteSignBytes("c", commit, 1), voteSignBytes("c", commitToVote(commit, 1)));
	assert.deepEqual(commitToVote(commit, 0).blockId, committed);
	assert.deepEqual(commitToVote(commit, 1).blockId, NIL_BLOCK_ID);
});
