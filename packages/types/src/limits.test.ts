import assert from "node:assert/strict";
import { test } from "node:test";
import * as limits from "./limits.ts";
import { errorOf, loadVector } from "./support.test.ts";

const vectors = loadVector("limits.json");

test("constants are those of v0.40.0", () => {
	const ours: Record<string, number | string> = {
		BlockPartSizeBytes: limits.BLOCK_PART_SIZE_BYTES,
		MaxBlockPartsCount: limits.MAX_BLOCK_PARTS_COUNT,
		MaxBlockSizeBytes: limits.MAX_BLOCK_SIZE_BYTES,
		MaxChainIDLen: limits.MAX_CHAIN_ID_LENGTH,
		MaxCommitOverheadBytes: limits.MAX_COMMIT_OVERHEAD_BYTES,
		MaxCommitSigBytes: limits.MAX_COMMIT_SIG_BYTES,
		MaxHeaderBytes: limits.MAX_HEADER_BYTES,
		MaxOverheadForBlock: limits.MAX_OVERHEAD_FOR_BLOCK,
		MaxSignatureSize: limits.MAX_SIGNATURE_SIZE,
		MaxTotalVotingPower: String(limits.MAX_TOTAL_VOTING_POWER),
		MaxVoteExtensionSize: limits.MAX_VOTE_EXTENSION_SIZE,
		MaxVotesCount: limits.MAX_VOTES_COUNT,
		PriorityWindowSizeFactor: Number(limits.PRIORITY_WINDOW_SIZE_FACTOR),
	};
	assert.deepEqual(ours, vectors.constants);
});

test("room for data and commits is Go's for every number of validators", () => {
	for (const { validators, max_commit_bytes: commitBytes, ...rooms } of vectors.by_validators) {
		assert.equal(String(limits.maxCommitBytes(validators)), commitBytes);
		for (const [name, room] of Object.entries<{ error: string | null; value: string }>(rooms)) {
			const maxBytes = Number(name.split("@")[1]);
			// These vectors were made with 0 bytes of evidence.
			const error = errorOf(() => limits.maxDataBytes(maxBytes, 0, validators));
			assert.equal(error !== null, room.error !== null, `${name} ${validators}`);
			if (error === null) assert.equal(String(limits.maxDataBytes(maxBytes, 0, validators)), room.value);
			else assert.equal(error.code, "block-too-small");
		}
	}
	assert.equal(limits.maxDataBytes(1_000_000, 500, 4), limits.maxDataBytes(1_000_000, 0, 4) - 500);
});

test("proposals with too many parts for the greatest block are told as Go tells them", () => {
	for (const { parts, max_bytes: maxBytes, error } of vectors.proposal_validate_block_size) {
		assert.equal(limits.hasTooManyParts(parts, Number(maxBytes)), error !== null, `${parts} of ${maxBytes}`);
	}
});
