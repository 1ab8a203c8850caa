import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY_BYTES } from "@cairn/kit";
import {
	ABSENT_EXTENDED_COMMIT_SIG,
	commitToExtendedCommit,
	commitToVote,
	type ExtendedCommit,
	type ExtendedCommitSig,
	ensureExtensions,
	extendedCommitBits,
	extendedCommitToCommit,
	extendedCommitToVote,
	extendedCommitVotes,
	hasNeededExtension,
	NIL_BLOCK_ID,
	validateCommit,
	validateExtendedCommit,
	voteToCommitSig,
	voteToExtendedCommitSig,
} from "./index.ts";
import { blockIdOf, errorOf } from "./support.test.ts";

const FOR_BLOCK: ExtendedCommitSig = {
	blockIdFlag: 2,
	validatorAddress: new Uint8Array(20).fill(1),
	timestamp: 5n,
	signature: new Uint8Array(64),
	extension: Uint8Array.of(7),
	extensionSignature: new Uint8Array(64),
};
const FOR_NIL: ExtendedCommitSig = {
	...FOR_BLOCK,
	blockIdFlag: 3,
	extension: EMPTY_BYTES,
	extensionSignature: EMPTY_BYTES,
};

function commitOf(...signatures: ExtendedCommitSig[]): ExtendedCommit {
	const blockId = blockIdOf({ hash: "aa".repeat(32), part_set_header: { total: 1, hash: "bb".repeat(32) } });
	return { height: 3, round: 1, blockId, signatures };
}

test("entries become votes and votes become entries", () => {
	const commit = commitOf(FOR_BLOCK, ABSENT_EXTENDED_COMMIT_SIG, FOR_NIL);
	const votes = extendedCommitVotes(commit);
	assert.deepEqual(votes.map(voteToExtendedCommitSig), commit.signatures);
	assert.equal(votes[1], null);
	assert.deepEqual(votes[0]?.blockId, commit.blockId);
	assert.deepEqual(votes[2]?.blockId, NIL_BLOCK_ID);
	assert.equal(votes[2]?.validatorIndex, 2);
	assert.equal(extendedCommitBits(commit).toString(), "x_x");
	const plain = extendedCommitToCommit(commit);
	validateCommit(plain);
	assert.deepEqual(votes.map(voteToCommitSig), plain.signatures);
	assert.deepEqual(commitToVote(plain, 0), { ...votes[0], extension: EMPTY_BYTES, extensionSignature: EMPTY_BYTES });
	assert.deepEqual(extendedCommitToCommit(commitToExtendedCommit(plain)), plain);
	assert.throws(() => extendedCommitToVote(commit, 3));
	assert.throws(() => commitToVote(plain, 3));
});

test("a vote with half a block id has no entry in a commit", () => {
	const vote = extendedCommitToVote(commitOf(FOR_BLOCK), 0);
	const half = { ...vote, blockId: { ...vote.blockId, hash: EMPTY_BYTES } };
	assert.throws(() => voteToCommitSig(half));
});

test("where extensions are on, votes for the block need a signed one, and no other has any", () => {
	ensureExtensions(commitOf(FOR_BLOCK, FOR_NIL, ABSENT_EXTENDED_COMMIT_SIG), true);
	ensureExtensions(commitOf({ ...FOR_BLOCK, extension: EMPTY_BYTES }), true);
	ensureExtensions(commitOf({ ...FOR_NIL, blockIdFlag: 2 }), false);
	assert.ok(errorOf(() => ensureExtensions(commitOf({ ...FOR_BLOCK, extensionSignature: EMPTY_BYTES }), true)));
	assert.ok(errorOf(() => ensureExtensions(commitOf({ ...FOR_NIL, extensionSignature: Uint8Array.of(1) }), true)));
	assert.ok(errorOf(() => ensureExtensions(commitOf({ ...FOR_NIL, extension: Uint8Array.of(1) }), true)));
	assert.ok(errorOf(() => ensureExtensions(commitOf(FOR_BLOCK), false)));
	const vote = extendedCommitToVote(commitOf(FOR_BLOCK), 0);
	assert.ok(hasNeededExtension(vote));
	assert.ok(!hasNeededExtension({ ...vote, extensionSignature: EMPTY_BYTES }));
	assert.ok(hasNeededExtension({ ...vote, type: 1, extensionSignature: EMPTY_BYTES }));
	assert.ok(hasNeededExtension({ ...vote, blockId: NIL_BLOCK_ID, extensionSignature: EMPTY_BYTES }));
});

test("bounds of an extended commit", () => {
	const good = commitOf(FOR_BLOCK, FOR_NIL);
	validateExtendedCommit(good);
	validateExtendedCommit({ ...commitOf(), height: 0, blockId: NIL_BLOCK_ID });
	for (const bad of [
		{ ...good, height: -1 },
		{ ...good, round: -1 },
		{ ...good, blockId: NIL_BLOCK_ID },
		commitOf(),
		commitOf({ ...FOR_BLOCK, extension: new Uint8Array(1_048_577) }),
		commitOf({ ...FOR_BLOCK, extensionSignature: new Uint8Array(3310) }),
		commitOf({ ...FOR_BLOCK, signature: EMPTY_BYTES }),
		commitOf({ ...FOR_BLOCK, signature: new Uint8Array(3310) }),
		commitOf({ ...FOR_BLOCK, validatorAddress: new Uint8Array(19) }),
		commitOf({ ...FOR_NIL, extension: Uint8Array.of(1) }),
		commitOf({ ...ABSENT_EXTENDED_COMMIT_SIG, timestamp: 0n }),
		commitOf({ ...ABSENT_EXTENDED_COMMIT_SIG, signature: Uint8Array.of(1) }),
		commitOf({ ...ABSENT_EXTENDED_COMMIT_SIG, validatorAddress: new Uint8Array(20) }),
	]) {
		assert.ok(errorOf(() => validateExtendedCommit(bad)));
	}
});
