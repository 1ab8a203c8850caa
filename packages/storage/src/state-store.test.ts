import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromHex, type KeyValueStore, utf8 } from "@cairn/kit";
import {
	type ChainState,
	decodeState,
	decodeValidatorSet,
	encodeState,
	genesisState,
	type Height,
	parseGenesis,
	updateConsensusParams,
	ValidatorSet,
} from "@cairn/types";
import { abci, state as stateProto, types as typesProto } from "@cairn/types/proto";
import { MemoryDisk, MemoryStore } from "@cairn/world";
import { BlockStore } from "./block-store.ts";
import { rollBack } from "./rollback.ts";
import { StateStore } from "./state-store.ts";
import { type ChainVector, loadChain, loadVector } from "./testing/vectors.ts";

const vector = loadVector<ChainVector>("chain/chain-four.json");
const final = decodeState(fromHex(vector.final_state_proto));
const chain = loadChain("chain-four");

function grown(set: ValidatorSet, extra: bigint): ValidatorSet {
	const [first] = set.validators;
	assert.ok(first !== undefined);
	return set.withUpdates([{ ...first, votingPower: first.votingPower + extra }]);
}

/** What executing empty blocks makes of a state, with changes of validators and parameters at some heights. */
async function run(
	store: StateStore,
	from: ChainState,
	last: Height,
	changes: readonly Height[] = [],
): Promise<ChainState[]> {
	const states = [from];
	await store.save(from);
	for (let height = from.initialHeight; height <= last; height++) {
		const state = states.at(-1) as ChainState;
		const isChange = changes.includes(height);
		const changed = isChange ? grown(state.nextValidators, 7n) : state.nextValidators;
		const params = typesProto.ConsensusParams.create({ block: { maxBytes: 1_000_000n + BigInt(height), maxGas: -1n } });
		const next: ChainState = {
			...state,
			lastBlockHeight: height,
			lastValidators: state.validators,
			validators: state.nextValidators,
			nextValidators: changed.copyIncrementProposerPriority(1),
			lastHeightValidatorsChanged: isChange ? height + 2 : state.lastHeightValidatorsChanged,
			consensusParams: isChange ? updateConsensusParams(state.consensusParams, params) : state.consensusParams,
			lastHeightConsensusParamsChanged: isChange ? height + 1 : state.lastHeightConsensusParamsChanged,
		};
		await store.save(next);
		states.push(next);
	}
	return states;
}

function genesis(): ChainState {
	return genesisState(parseGenesis(vector.genesis_json));
}

describe("state store", () => {
	it("has nothing at first", () => {
		const store = StateStore.open(new MemoryStore());
		assert.equal(store.load(), null);
		assert.equal(store.loadValidators(1), null);
		assert.equal(store.loadConsensusParams(1), null);
		assert.equal(store.loadFinalizeBlockResponse(1), null);
		assert.equal(store.loadLastFinalizeBlockResponse(1), null);
		assert.equal(store.loadOfflineStateSyncHeight(), null);
	});

	it("gives back a state in the bytes of the Go node", async () => {
		const kv = new MemoryStore();
		await StateStore.open(kv).bootstrap(final);
		assert.deepEqual(kv.get(utf8("stateKey")), fromHex(vector.final_state_proto));
		const loaded = StateStore.open(kv).load();
		assert.ok(loaded !== null);
		assert.deepEqual(encodeState(loaded), encodeState(final));
	});

	it("knows the validators of every height with their priorities, through all changes", async () => {
		const kv = new MemoryStore();
		const states = await run(StateStore.open(kv), genesis(), 40, [3, 4, 20]);
		const store = StateStore.open(kv);
		for (const state of states) {
			const height = state.lastBlockHeight + 1;
			for (const [at, set] of [
				[height, state.validators],
				[height + 1, state.nextValidators],
			] as const) {
				assert.deepEqual(store.loadValidators(at)?.toProto(), set.toProto(), `height ${at}`);
				assert.deepEqual(store.loadValidatorsFast(at)?.hash(), set.hash());
			}
			assert.deepEqual(store.loadConsensusParams(height), state.consensusParams, `params of height ${height}`);
		}
		assert.equal(store.loadValidators(43), null);
		assert.equal(store.loadConsensusParams(42), null);
	});

	it("writes out a validator set only where it changed, else a pointer", async () => {
		const kv = new MemoryStore();
		await run(StateStore.open(kv), genesis(), 10, [4]);
		const infoAt = (height: Height) =>
			stateProto.ValidatorsInfo.decode(kv.get(utf8(`validatorsKey:${height}`)) ?? utf8("!"));
		const whole = Array.from({ length: 12 }, (_, i) => i + 1).filter((height) => infoAt(height).validatorSet !== null);
		assert.deepEqual(whole, [1, 6]);
		assert.deepEqual([infoAt(5).lastHeightChanged, infoAt(12).lastHeightChanged], [1n, 6n]);
		const params = stateProto.ConsensusParamsInfo.decode(kv.get(utf8("consensusParamsKey:7")) ?? utf8("!"));
		assert.equal(params.lastHeightChanged, 5n);
		assert.equal(params.consensusParams.block, null);
	});

	it("writes a checkpoint every 100000 heights", async () => {
		const kv = new MemoryStore();
		const store = StateStore.open(kv);
		const start = { ...genesis(), initialHeight: 99_990, lastHeightValidatorsChanged: 99_990 };
		const states = await run(store, { ...start, lastHeightConsensusParamsChanged: 99_990 }, 100_010);
		const info = stateProto.ValidatorsInfo.decode(kv.get(utf8("validatorsKey:100000")) ?? utf8("!"));
		assert.notEqual(info.validatorSet, null);
		assert.equal(info.lastHeightChanged, 99_990n);
		await kv.write([{ key: utf8("validatorsKey:99990"), remove: true }]);
		const again = StateStore.open(kv);
		const last = states.at(-1) as ChainState;
		assert.deepEqual(again.loadValidators(100_011)?.toProto(), last.validators.toProto());
		assert.equal(again.loadValidators(99_995), null);
	});

	it("keeps the sets of a bootstrapped state in full", async () => {
		const store = StateStore.open(new MemoryStore());
		await store.bootstrap(final);
		const height = final.lastBlockHeight;
		for (const [at, set] of [
			[height, final.lastValidators],
			[height + 1, final.validators],
			[height + 2, final.nextValidators],
		] as const) {
			assert.deepEqual(store.loadValidators(at)?.toProto(), set.toProto());
		}
		assert.equal(store.loadValidators(height - 1), null);
	});

	it("is durable when it says so", async () => {
		const disk = new MemoryDisk();
		const store = StateStore.open(await disk.openStore("/state.db"));
		await store.save(genesis());
		await store.saveFinalizeBlockResponse(1, abci.ResponseFinalizeBlock.create({ appHash: utf8("hash") }));
		await store.saveOfflineStateSyncHeight(12345);
		disk.crash();
		const again = StateStore.open(await disk.openStore("/state.db"));
		assert.deepEqual(again.load()?.chainId, genesis().chainId);
		assert.deepEqual(again.loadLastFinalizeBlockResponse(1)?.appHash, utf8("hash"));
		assert.equal(again.loadOfflineStateSyncHeight(), 12345);
	});

	it("says that the database is damaged", async () => {
		const kv = new MemoryStore();
		await kv.write([{ key: utf8("stateKey"), value: utf8("garbage") }]);
		await kv.write([{ key: utf8("validatorsKey:1"), value: utf8("garbage") }]);
		const store = StateStore.open(kv);
		assert.throws(() => store.load(), { code: "store-corrupt", blame: "operator" });
		assert.throws(() => store.loadValidators(1), { code: "store-corrupt" });
	});
});

describe("state store: answers of the application", () => {
	const response = (height: number): abci.ResponseFinalizeBlock => {
		const recorded = chain[height - 1]?.vector.finalize_block_response;
		return abci.ResponseFinalizeBlock.decode(fromHex(recorded ?? ""));
	};

	it("keeps them by height and the last one apart", async () => {
		const store = StateStore.open(new MemoryStore());
		for (const height of [2, 3, 4]) await store.saveFinalizeBlockResponse(height, response(height));
		for (const height of [2, 3, 4]) assert.deepEqual(store.loadFinalizeBlockResponse(height), response(height));
		assert.deepEqual(store.loadLastFinalizeBlockResponse(4), response(4));
		assert.equal(store.loadLastFinalizeBlockResponse(3), null);
		assert.equal(store.loadFinalizeBlockResponse(5), null);
	});

	it("keeps only the last where they are discarded", async () => {
		const kv = new MemoryStore();
		const store = StateStore.open(kv, { discardResponses: true });
		await store.saveFinalizeBlockResponse(2, response(2));
		assert.throws(() => store.loadFinalizeBlockResponse(2), { code: "responses-discarded" });
		assert.deepEqual(store.loadLastFinalizeBlockResponse(2), response(2));
		assert.equal(StateStore.open(kv).loadFinalizeBlockResponse(2), null);
	});

	it("reads what CometBFT stored before 0.38", async () => {
		const kv = new MemoryStore();
		const event = (type: string): abci.Event => ({ type, attributes: [{ key: "k", value: "v", index: true }] });
		const legacy = stateProto.LegacyABCIResponses.create({
			deliverTxs: [abci.ExecTxResult.create({ code: 3, log: "no" })],
			beginBlock: { events: [event("begin")] },
			endBlock: { events: [event("end")], validatorUpdates: [], consensusParamUpdates: null },
		});
		await kv.write([{ key: utf8("abciResponsesKey:7"), value: stateProto.LegacyABCIResponses.encode(legacy) }]);
		const info = { legacyAbciResponses: legacy, height: 7n, responseFinalizeBlock: null };
		await kv.write([{ key: utf8("lastABCIResponseKey"), value: stateProto.ABCIResponsesInfo.encode(info) }]);
		const store = StateStore.open(kv);
		for (const read of [store.loadFinalizeBlockResponse(7), store.loadLastFinalizeBlockResponse(7)]) {
			assert.deepEqual(read?.txResults, legacy.deliverTxs);
			assert.deepEqual(
				read?.events.map(({ type, attributes }) => [type, attributes.at(-1)?.value]),
				[
					["begin", "BeginBlock"],
					["end", "EndBlock"],
				],
			);
		}
	});

	it("keeps an answer without app hash", async () => {
		const store = StateStore.open(new MemoryStore());
		const answer = abci.ResponseFinalizeBlock.create({ txResults: [abci.ExecTxResult.create({ data: utf8("x") })] });
		await store.saveFinalizeBlockResponse(1, answer);
		assert.deepEqual(store.loadFinalizeBlockResponse(1), answer);
	});
});

describe("state store: pruning", () => {
	async function pruned(
		from: Height,
		to: Height,
		evidence: Height,
	): Promise<{ kv: KeyValueStore; states: ChainState[] }> {
		const kv = new MemoryStore();
		const store = StateStore.open(kv);
		const states = await run(store, genesis(), 30, [3, 20]);
		for (let height = 1; height <= 30; height++) {
			await store.saveFinalizeBlockResponse(height, abci.ResponseFinalizeBlock.create({ appHash: utf8(`h${height}`) }));
		}
		await store.pruneStates(from, to, evidence);
		return { kv, states };
	}

	it("removes what is below and keeps what is above, with what that points to", async () => {
		for (const [from, to] of [
			[1, 15],
			[1, 25],
			[4, 21],
			[1, 2],
		] as const) {
			const { kv, states } = await pruned(from, to, to);
			const store = StateStore.open(kv);
			for (const state of states) {
				const height = state.lastBlockHeight + 1;
				if (height < to) continue;
				assert.deepEqual(
					store.loadValidators(height)?.toProto(),
					state.validators.toProto(),
					`${from} ${to} ${height}`,
				);
				assert.deepEqual(store.loadConsensusParams(height), state.consensusParams);
				if (height <= 30) assert.notEqual(store.loadFinalizeBlockResponse(height), null);
			}
			for (let height = from; height < to; height++) assert.equal(store.loadFinalizeBlockResponse(height), null);
			assert.notEqual(store.loadLastFinalizeBlockResponse(30), null);
		}
		// Validators changed at height 5: that record stays for 15 to point to, those around it go.
		const store = StateStore.open((await pruned(1, 15, 15)).kv);
		assert.deepEqual(
			[4, 5, 6].map((height) => store.loadValidators(height) !== null),
			[false, true, false],
		);
	});

	it("keeps validators as far back as evidence may reach", async () => {
		const { kv, states } = await pruned(1, 25, 10);
		const store = StateStore.open(kv);
		for (let height = 10; height <= 31; height++) {
			const state = states[height - 1] as ChainState;
			assert.deepEqual(store.loadValidators(height)?.toProto(), state.validators.toProto(), `height ${height}`);
		}
		assert.equal(store.loadValidators(9), null);
		assert.equal(store.loadConsensusParams(12), null);
	});

	it("refuses ranges that make no sense and heights it does not know", async () => {
		const { kv } = await pruned(1, 2, 2);
		const store = StateStore.open(kv);
		for (const [from, to] of [
			[0, 5],
			[5, 5],
			[6, 5],
			[1, 1000],
		] as const) {
			await assert.rejects(store.pruneStates(from, to, to), { code: "bad-retain-height" });
		}
	});
});

describe("rollback", () => {
	/** Stores of a node that has executed the recorded chain up to a height. */
	async function executed(upTo: Height): Promise<{ blocks: BlockStore; states: StateStore; history: ChainState[] }> {
		const blocks = BlockStore.open(new MemoryStore());
		const states = StateStore.open(new MemoryStore());
		const history: ChainState[] = [];
		let sets: ValidatorSet[] = [];
		for (const { block, parts, seenCommit, vector: recorded } of chain.slice(0, upTo)) {
			await blocks.saveBlock(block, parts, seenCommit);
			if (recorded.validator_set) sets = [decodeValidatorSet(fromHex(recorded.validator_set))];
			const { height } = block.header;
			const set = sets[0] ?? ValidatorSet.EMPTY;
			const previous = history.at(-1) ?? genesis();
			const state: ChainState = {
				...previous,
				lastBlockHeight: height,
				lastBlockId: { hash: fromHex(recorded.block_hash), partSetHeader: parts.header },
				lastBlockTime: block.header.time,
				lastValidators: set,
				validators: set.copyIncrementProposerPriority(1),
				nextValidators: set.copyIncrementProposerPriority(2),
				lastHeightValidatorsChanged: 1,
				lastResultsHash: fromHex(recorded.last_results_hash_after),
				appHash: fromHex(recorded.app_hash_after),
			};
			await states.bootstrap({ ...state, lastHeightConsensusParamsChanged: height + 1 });
			history.push({ ...state, lastHeightConsensusParamsChanged: height + 1 });
		}
		return { blocks, states, history };
	}

	it("takes the state back by one height", async () => {
		const { blocks, states, history } = await executed(3);
		const [, second] = history as [ChainState, ChainState];
		const rolled = await rollBack(blocks, states, false);
		assert.equal(rolled.lastBlockHeight, 2);
		assert.deepEqual(rolled.appHash, second.appHash);
		assert.deepEqual(rolled.lastResultsHash, second.lastResultsHash);
		assert.deepEqual(rolled.lastBlockId, second.lastBlockId);
		assert.deepEqual(rolled.lastValidators.toProto(), second.lastValidators.toProto());
		assert.equal(rolled.lastHeightConsensusParamsChanged, 3);
		assert.deepEqual(states.load()?.lastBlockHeight, 2);
		assert.equal(blocks.height, 3);
		const again = await rollBack(blocks, states, false);
		assert.equal(again.lastBlockHeight, 2, "a block that was stored but not executed is only dropped");
	});

	it("drops the block too if told", async () => {
		const { blocks, states } = await executed(3);
		await rollBack(blocks, states, true);
		assert.deepEqual([blocks.height, states.load()?.lastBlockHeight], [2, 2]);
	});

	it("says what is missing", async () => {
		const empty = { blocks: BlockStore.open(new MemoryStore()), states: StateStore.open(new MemoryStore()) };
		await assert.rejects(rollBack(empty.blocks, empty.states, false), {
			code: "cannot-roll-back",
			message: /no state found/,
		});
		const { blocks, states } = await executed(1);
		await assert.rejects(rollBack(blocks, states, false), { message: /block at height 0 not found/ });
		const ahead = await executed(4);
		await assert.rejects(rollBack(blocks, ahead.states, false), { message: /statestore height \(4\)/ });
	});
});
