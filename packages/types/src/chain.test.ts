import assert from "node:assert/strict";
import { test } from "node:test";
import { fromHex, toHex } from "@cairn/kit";
import {
	type Block,
	blockHash,
	blockSize,
	blockToPartSet,
	type ChainState,
	decodeBlock,
	decodeBlockMeta,
	decodeCommit,
	decodeExtendedCommit,
	decodeState,
	decodeValidatorSet,
	EMPTY_COMMIT,
	encodeBlock,
	encodeBlockMeta,
	encodeCommit,
	encodeExtendedCommit,
	encodeState,
	encodeValidatorSet,
	extendedCommitToCommit,
	genesisState,
	headerHash,
	lastResultsHash,
	makeBlock,
	newBlockMeta,
	newValidator,
	PartSet,
	parseGenesis,
	publicKeyFromProto,
	updateConsensusParams,
	validateBlockAgainstState,
	verifyCommit,
	verifyExtendedCommit,
} from "./index.ts";
import { abci, fromProtoJson, type Json, readDelimited } from "./proto/index.ts";
import { errorOf, loadVector, readVector, verify } from "./support.test.ts";

interface HeightVector {
	readonly height: string;
	readonly block_hash: string;
	readonly block_offset: number;
	readonly block_size: number;
	readonly part_set_header: { readonly total: number; readonly hash: string };
	readonly seen_commit: string;
	readonly extended_commit?: string;
	readonly validator_set?: string;
	readonly app_hash_after: string;
	readonly last_results_hash_after: string;
	readonly validator_updates: readonly { readonly json: Json }[] | null;
	readonly finalize_block_response?: string;
}

const NAMES = ["chain-single", "chain-four", "chain-short"];

/** The bytes of every block of a chain, and what the real node says of it. */
function blocksOf(name: string): { bytes: Uint8Array; vector: HeightVector }[] {
	const file = readVector(`chain/${name}.blocks.bin`);
	const heights: HeightVector[] = loadVector(`chain/${name}.json`).heights;
	return heights.map((vector) => {
		const found = readDelimited(file, vector.block_offset, file.length);
		assert.ok(found);
		assert.equal(found.message.length, vector.block_size);
		return { bytes: found.message, vector };
	});
}

for (const name of NAMES) {
	test(`${name}: every block has the hash, parts and bytes of the real node`, () => {
		for (const { bytes, vector } of blocksOf(name)) {
			const block = decodeBlock(bytes);
			assert.equal(toHex(blockHash(block)), vector.block_hash);
			assert.deepEqual(encodeBlock(block), new Uint8Array(bytes));
			assert.equal(blockSize(block), bytes.length);
			const parts = blockToPartSet(block);
			assert.deepEqual({ total: parts.total, hash: toHex(parts.header.hash) }, vector.part_set_header);
			const collected = PartSet.fromHeader(parts.header);
			for (let i = parts.total - 1; i >= 0; i--) {
				const part = parts.getPart(i);
				assert.ok(part);
				collected.addPart(part);
			}
			assert.equal(toHex(blockHash(decodeBlock(collected.bytes()))), vector.block_hash);
			const meta = newBlockMeta(block, parts);
			assert.equal(meta.blockSize, bytes.length);
			assert.deepEqual(decodeBlockMeta(encodeBlockMeta(meta)), meta);
		}
	});

	test(`${name}: every commit verifies under the validators of its height`, () => {
		const { chain_id: chainId } = loadVector(`chain/${name}.json`);
		let set = "";
		for (const { bytes, vector } of blocksOf(name)) {
			set = vector.validator_set ?? set;
			const validators = decodeValidatorSet(fromHex(set));
			assert.equal(toHex(encodeValidatorSet(validators)), set);
			const { header } = decodeBlock(bytes);
			assert.equal(toHex(validators.hash()), toHex(header.validatorsHash));
			const commit = decodeCommit(fromHex(vector.seen_commit));
			assert.equal(toHex(encodeCommit(commit)), vector.seen_commit);
			verifyCommit(chainId, validators, commit.blockId, header.height, commit, verify);
			assert.deepEqual(commit.blockId.hash, headerHash(header));
			if (vector.extended_commit === undefined || vector.extended_commit === null) continue;
			const extended = decodeExtendedCommit(fromHex(vector.extended_commit));
			assert.equal(toHex(encodeExtendedCommit(extended)), vector.extended_commit);
			assert.deepEqual(extendedCommitToCommit(extended), commit);
			if (extended.signatures.some(({ extensionSignature }) => extensionSignature.length > 0)) {
				verifyExtendedCommit(chainId, validators, commit.blockId, header.height, extended, verify);
			}
		}
	});

	test(`${name}: the chain follows from its genesis, block by block, to the state of the real node`, () => {
		const vector = loadVector(`chain/${name}.json`);
		let state = genesisState(parseGenesis(vector.genesis_json));
		state = {
			...state,
			appHash: fromHex(vector.init_chain_app_hash),
			lastResultsHash: lastResultsHash([]),
			version: { ...state.version, consensus: { ...state.version.consensus, app: 1n } },
		};
		for (const each of blocksOf(name)) {
			const block = decodeBlock(each.bytes);
			const { header, txs, evidence, lastCommit } = block;
			validateBlockAgainstState(state, block, header.time, 60_000_000_000n, verify);
			const made = makeBlock(state, header.height, txs, lastCommit ?? EMPTY_COMMIT, evidence, header.proposerAddress);
			assert.deepEqual(encodeBlock(made), new Uint8Array(each.bytes));
			assert.deepEqual(decodeState(encodeState(state)), state);
			state = nextState(state, block, each.vector);
		}
		assert.equal(toHex(encodeState(state)), vector.final_state_proto);
	});
}

/** What executing the block makes of the state (`updateState` of `state/execution.go`). */
function nextState(state: ChainState, block: Block, vector: HeightVector): ChainState {
	const { height, time } = block.header;
	const updates = (vector.validator_updates ?? []).map(({ json }) => {
		const { pubKey, power } = fromProtoJson("tendermint.abci.ValidatorUpdate", json) as abci.ValidatorUpdate;
		return newValidator(publicKeyFromProto(pubKey), power);
	});
	const response = vector.finalize_block_response;
	const changes = response ? abci.ResponseFinalizeBlock.decode(fromHex(response)).consensusParamUpdates : null;
	const consensusParams = updateConsensusParams(state.consensusParams, changes);
	return {
		...state,
		lastBlockHeight: height,
		lastBlockId: {
			hash: blockHash(block),
			partSetHeader: { total: vector.part_set_header.total, hash: fromHex(vector.part_set_header.hash) },
		},
		lastBlockTime: time,
		nextValidators: state.nextValidators.withUpdates(updates).copyIncrementProposerPriority(1),
		validators: state.nextValidators,
		lastValidators: state.validators,
		lastHeightValidatorsChanged: updates.length > 0 ? height + 2 : state.lastHeightValidatorsChanged,
		consensusParams,
		lastResultsHash: fromHex(vector.last_results_hash_after),
		appHash: fromHex(vector.app_hash_after),
	};
}

test("a block that breaks one rule of the state is refused", () => {
	const [first, second] = blocksOf("chain-single");
	assert.ok(first && second);
	const vector = loadVector("chain/chain-single.json");
	const start = genesisState(parseGenesis(vector.genesis_json));
	const genesis: ChainState = {
		...start,
		appHash: fromHex(vector.init_chain_app_hash),
		lastResultsHash: lastResultsHash([]),
		version: { ...start.version, consensus: { block: 11n, app: 1n } },
	};
	const state = nextState(genesis, decodeBlock(first.bytes), first.vector);
	const block = decodeBlock(second.bytes);
	const now = block.header.time;
	const judge = (change: Partial<Block["header"]>, tolerance = 0n): string | undefined => {
		const changed = { ...block, header: { ...block.header, ...change } };
		return errorOf(() => validateBlockAgainstState(state, changed, now, tolerance, verify))?.message;
	};
	assert.equal(judge({}), undefined);
	const other = new Uint8Array(32).fill(1);
	assert.match(judge({ version: { block: 11n, app: 2n } }) ?? "", /version/);
	assert.match(judge({ version: { block: 1011n, app: 1n } }) ?? "", /protocol/);
	assert.match(judge({ chainId: "other" }) ?? "", /chain id/);
	assert.match(judge({ height: 3 }) ?? "", /height/);
	assert.match(judge({ lastBlockId: { ...block.header.lastBlockId, hash: other } }) ?? "", /last block id/);
	assert.match(judge({ appHash: other }) ?? "", /app hash/);
	assert.match(judge({ consensusHash: other }) ?? "", /consensus hash/);
	assert.match(judge({ lastResultsHash: other }) ?? "", /last results hash/);
	assert.match(judge({ validatorsHash: other }) ?? "", /validators hash/);
	assert.match(judge({ nextValidatorsHash: other }) ?? "", /next validators hash/);
	assert.match(judge({ lastCommitHash: other }) ?? "", /last commit hash/);
	assert.match(judge({ dataHash: other }) ?? "", /data hash/);
	assert.match(judge({ evidenceHash: other }) ?? "", /evidence hash/);
	assert.match(judge({ proposerAddress: new Uint8Array(20) }) ?? "", /proposer/);
	assert.match(judge({ time: now + 1n }) ?? "", /expected/);
	assert.match(judge({ time: state.lastBlockTime }) ?? "", /not after/);
	assert.equal(judge({}, 1n), undefined, "the clock and a nanosecond before the bound");
	const early = errorOf(() => validateBlockAgainstState(state, block, now - 60n, 60n, verify));
	assert.match(early?.message ?? "", /future/);
	const unsigned = () => false;
	assert.match(errorOf(() => validateBlockAgainstState(state, block, now, 0n, unsigned))?.message ?? "", /signature/);
	validateBlockAgainstState(state, block, now, 0n, unsigned, { isLastCommitVerified: true });
	const strict = {
		...state,
		consensusParams: { ...state.consensusParams, evidence: { ...state.consensusParams.evidence, maxBytes: -1n } },
	};
	assert.match(errorOf(() => validateBlockAgainstState(strict, block, now, 0n, verify))?.message ?? "", /evidence/);
});
