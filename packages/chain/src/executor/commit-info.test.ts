import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { publicKeyOf } from "@cairn/crypto";
import { CairnError, InvariantError, utf8 } from "@cairn/kit";
import {
	ABSENT_COMMIT_SIG,
	ABSENT_EXTENDED_COMMIT_SIG,
	BLOCK_ID_FLAG_COMMIT,
	BLOCK_ID_FLAG_NIL,
	type Commit,
	defaultConsensusParams,
	EMPTY_COMMIT,
	type ExtendedCommit,
	type ExtendedCommitSig,
	genesisState,
	makeBlock,
	NIL_BLOCK_ID,
	newBlock,
	newValidator,
	ValidatorSet,
} from "@cairn/types";
import { testGenesis, testKey } from "../testing/test-chain.ts";
import { extendedCommitInfo, lastCommitInfo, voteExtensionsEnabled } from "./commit-info.ts";

const SET = ValidatorSet.create([0, 1, 2].map((name) => newValidator(publicKeyOf(testKey(name)), BigInt(30 - name))));
const params = (from: number) => ({ ...defaultConsensusParams(), abci: { voteExtensionsEnableHeight: from } });

function signatureOf(index: number, extension: string, flag: 2 | 3 = BLOCK_ID_FLAG_COMMIT): ExtendedCommitSig {
	return {
		blockIdFlag: flag,
		validatorAddress: SET.validators[index]?.address ?? new Uint8Array(0),
		timestamp: 1n,
		signature: new Uint8Array(64),
		extension: utf8(extension),
		extensionSignature: extension === "" ? new Uint8Array(0) : new Uint8Array(64),
	};
}

function extended(signatures: readonly ExtendedCommitSig[], height = 5): ExtendedCommit {
	return { height, round: 2, blockId: NIL_BLOCK_ID, signatures };
}

describe("commit info for the application", () => {
	it("names every validator of the set, with power and what it did", () => {
		const signatures = [signatureOf(0, ""), ABSENT_COMMIT_SIG, signatureOf(2, "", BLOCK_ID_FLAG_NIL)];
		const commit: Commit = { height: 5, round: 2, blockId: NIL_BLOCK_ID, signatures };
		const state = genesisState(testGenesis([testKey(0)]));
		const first = makeBlock(
			state,
			1,
			[],
			EMPTY_COMMIT,
			[],
			state.validators.validators[0]?.address ?? new Uint8Array(0),
		);
		const block = newBlock({ ...first.header, height: 6 }, [], commit, []);
		const info = lastCommitInfo(block, SET, 1);
		assert.equal(info.round, 2);
		assert.deepEqual(
			info.votes.map(({ validator, blockIdFlag }) => [validator.power, blockIdFlag]),
			[
				[30n, 2],
				[29n, 1],
				[28n, 3],
			],
		);
		assert.deepEqual(
			info.votes.map(({ validator }) => validator.address),
			SET.validators.map(({ address }) => address),
		);
		assert.deepEqual(lastCommitInfo(first, null, 1), { round: 0, votes: [] });
		const short = newBlock({ ...first.header, height: 6 }, [], { ...commit, signatures: signatures.slice(1) }, []);
		assert.throws(() => lastCommitInfo(short, SET, 1), InvariantError);
	});

	it("carries extensions where the height has them", () => {
		const signatures = [signatureOf(0, "a"), ABSENT_EXTENDED_COMMIT_SIG, signatureOf(2, "", BLOCK_ID_FLAG_NIL)];
		const info = extendedCommitInfo(extended(signatures), SET, 1, params(5));
		assert.deepEqual(
			info.votes.map(({ voteExtension, blockIdFlag }) => [Buffer.from(voteExtension).toString(), blockIdFlag]),
			[
				["a", 2],
				["", 1],
				["", 3],
			],
		);
	});

	it("refuses a vote for the block without its extension's signature, only where extensions are on", () => {
		const bare = extended([signatureOf(0, "a"), signatureOf(1, ""), signatureOf(2, "c")]);
		assert.throws(
			() => extendedCommitInfo(bare, SET, 1, params(5)),
			(error) => error instanceof CairnError && error.code === "missing-extension",
		);
		assert.equal(extendedCommitInfo(bare, SET, 1, params(6)).votes.length, 3);
		assert.equal(extendedCommitInfo(bare, SET, 1, params(0)).votes.length, 3);
	});

	it("is empty before the first height, and never of another set", () => {
		assert.deepEqual(extendedCommitInfo(extended([], 0), null, 1, params(0)), { round: 0, votes: [] });
		const foreign = extended([signatureOf(1, "a"), signatureOf(0, "b"), signatureOf(2, "c")]);
		assert.throws(() => extendedCommitInfo(foreign, SET, 1, params(1)), InvariantError);
		assert.throws(() => extendedCommitInfo(extended([signatureOf(0, "a")]), SET, 1, params(1)), InvariantError);
	});

	it("has extensions from the height on that the params name", () => {
		assert.deepEqual(
			[4, 5, 6].map((height) => voteExtensionsEnabled(params(5), height)),
			[false, true, true],
		);
		assert.equal(voteExtensionsEnabled(params(0), 1), false);
	});
});
