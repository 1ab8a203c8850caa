import assert from "node:assert/strict";
import { test } from "node:test";
import {
	areVoteExtensionsEnabled,
	consensusParamsFromProto,
	consensusParamsHash,
	consensusParamsToProto,
	defaultConsensusParams,
	maxBlockBytes,
	updateConsensusParams,
	validateConsensusParams,
} from "./index.ts";
import { types as pb } from "./proto/index.ts";
import { errorOf } from "./support.test.ts";

const params = defaultConsensusParams();

test("the default block is 55,600,190 bytes: 21 MiB and the commit of 10,000 ML-DSA-65 signatures", () => {
	assert.equal(params.block.maxBytes, 55_600_190n);
	validateConsensusParams(params);
	assert.equal(maxBlockBytes(params), 55_600_190);
	assert.equal(maxBlockBytes({ ...params, block: { maxBytes: -1n, maxGas: -1n } }), 104_857_600);
});

test("an update replaces the groups that it has and leaves the others and the original alone", () => {
	const update = pb.ConsensusParams.create({
		block: { maxBytes: 1000n, maxGas: 5n },
		version: { app: 9n },
		abci: { voteExtensionsEnableHeight: 12n },
		authority: { authority: "gov" },
	});
	const updated = updateConsensusParams(params, update);
	assert.deepEqual(updated, {
		...params,
		block: { maxBytes: 1000n, maxGas: 5n },
		version: { app: 9n },
		abci: { voteExtensionsEnableHeight: 12 },
		authority: "gov",
	});
	assert.deepEqual(params, defaultConsensusParams());
	assert.notDeepEqual(consensusParamsHash(updated), consensusParamsHash(params));
	assert.equal(updateConsensusParams(params, null), params);
	const others = pb.ConsensusParams.create({
		evidence: { maxAgeNumBlocks: 1n, maxAgeDuration: 2n, maxBytes: 3n },
		validator: { pubKeyTypes: ["secp256k1"] },
	});
	const second = updateConsensusParams(updated, others);
	assert.deepEqual(second.evidence, { maxAgeNumBlocks: 1n, maxAgeDuration: 2n, maxBytes: 3n });
	assert.deepEqual(second.validator.pubKeyTypes, ["secp256k1"]);
	assert.deepEqual(consensusParamsHash(second), consensusParamsHash(updated), "only the block's limits are hashed");
});

test("extensions begin at their height, and never for height 0", () => {
	const at = (height: number) => ({ ...params, abci: { voteExtensionsEnableHeight: height } });
	assert.deepEqual(
		[1, 4, 5, 6].map((height) => areVoteExtensionsEnabled(at(5), height)),
		[false, false, true, true],
	);
	assert.equal(areVoteExtensionsEnabled(at(0), 100), false);
});

test("parameters without a group that CometBFT needs cannot be read", () => {
	const proto = consensusParamsToProto(params);
	assert.deepEqual(consensusParamsFromProto(proto), params);
	for (const group of ["block", "evidence", "validator", "version"]) {
		assert.ok(
			errorOf(() => consensusParamsFromProto({ ...proto, [group]: null })),
			group,
		);
	}
	assert.deepEqual(consensusParamsFromProto({ ...proto, abci: null, authority: null }), params);
	const far = { ...proto, abci: { voteExtensionsEnableHeight: 2n ** 60n } };
	assert.equal(errorOf(() => consensusParamsFromProto(far))?.code, "decode");
});
