import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { DecodeError, toHex, toUpperHex } from "@cairn/kit";
import { blockHash, genesisState, parseGenesis, txHash } from "@cairn/types";
import { toProtoJson } from "@cairn/types/proto";
import { realWorld } from "@cairn/world";
import { BlockStore } from "./block-store.ts";
import { EvidenceStore } from "./evidence-store.ts";
import { EventIndex } from "./index/event-index.ts";
import { parseQuery } from "./query/parse.ts";
import { StateStore } from "./state-store.ts";
import { Wal } from "./wal/wal.ts";

/**
 * `fixtures/go-home` is the data folder of a CometBFT v0.40.0 node (one validator, a second one added by a transaction,
 * vote extensions from height 4, stopped and started once), and what its RPC said about it before it stopped.
 */
const fixture = new URL("../fixtures/go-home/", import.meta.url);
const expected = JSON.parse(readFileSync(new URL("expected.json", fixture), "utf8"));
const world = realWorld();

describe("data folder of a Go node", () => {
	let data = "";
	let blocks: BlockStore;
	let states: StateStore;
	let index: EventIndex;

	before(async () => {
		data = mkdtempSync(join(tmpdir(), "cairn-go-home-"));
		cpSync(new URL("data", fixture), data, { recursive: true });
		blocks = BlockStore.open(await world.disk.openStore(`${data}/blockstore.db`));
		states = StateStore.open(await world.disk.openStore(`${data}/state.db`));
		index = EventIndex.open(await world.disk.openStore(`${data}/tx_index.db`));
	});

	after(async () => {
		for (const store of [blocks, states, index]) await store.close();
		rmSync(data, { recursive: true, force: true });
	});

	it("holds its blocks", () => {
		const state = states.load();
		assert.ok(state !== null);
		assert.equal(blocks.base, 1);
		assert.equal(blocks.height, state.lastBlockHeight);
		for (let height = 1; height <= blocks.height; height++) {
			const block = blocks.loadBlock(height);
			const meta = blocks.loadBlockMeta(height);
			assert.ok(block !== null && meta !== null);
			const hash = blockHash(block);
			assert.deepEqual(meta.blockId.hash, hash);
			assert.equal(meta.blockSize, blocks.loadBlockBytes(height)?.length);
			assert.equal(blocks.loadBlockByHash(hash)?.header.height, height);
			assert.deepEqual(blocks.loadSeenCommit(height)?.blockId.hash, hash);
			assert.equal(blocks.loadExtendedCommit(height) !== null, height >= 4);
			if (height > 1) assert.deepEqual(blocks.loadCommit(height - 1), block.lastCommit);
			if (expected.blocks[height] !== undefined) assert.equal(toUpperHex(hash), expected.blocks[height]);
		}
		for (const [height, commit] of Object.entries<{ signatures: { signature: string }[] }>(expected.commit)) {
			const found = blocks.loadCommit(Number(height));
			const signature = found?.signatures[0]?.signature ?? new Uint8Array(0);
			assert.equal(Buffer.from(signature).toString("base64"), commit.signatures[0]?.signature);
		}
	});

	it("holds its validators with their priorities and its parameters", () => {
		for (const [height, validators] of Object.entries<
			{ address: string; proposer_priority: string; voting_power: string }[]
		>(expected.validators)) {
			const set = states.loadValidators(Number(height));
			assert.deepEqual(
				set?.validators.map((each) => [
					toUpperHex(each.address),
					String(each.votingPower),
					String(each.proposerPriority),
				]),
				validators.map((each) => [each.address, each.voting_power, each.proposer_priority]),
				`height ${height}`,
			);
		}
		const params = states.loadConsensusParams(3);
		assert.equal(String(params?.block.maxBytes), expected.consensus_params.consensus_params.block.max_bytes);
		assert.equal(params?.abci.voteExtensionsEnableHeight, 4);
		const genesis = genesisState(parseGenesis(readFileSync(new URL("genesis.json", fixture), "utf8")));
		assert.equal(states.load()?.chainId, genesis.chainId);
		assert.deepEqual(states.loadValidators(1)?.toProto(), genesis.validators.toProto());
	});

	it("holds the answers of its application", () => {
		for (const [height, results] of Object.entries<{ app_hash: string; txs_results: { events: object }[] | null }>(
			expected.block_results,
		)) {
			const response = states.loadFinalizeBlockResponse(Number(height));
			assert.ok(response !== null);
			assert.equal(Buffer.from(response.appHash).toString("base64"), results.app_hash);
			const events = response.txResults.map((each) => {
				return each.events.map((event) => toProtoJson("tendermint.abci.Event", event));
			});
			const wanted = (results.txs_results ?? []).map((each) => withoutDefaults(each.events));
			assert.deepEqual(events, wanted);
		}
		assert.deepEqual(
			states.loadLastFinalizeBlockResponse(blocks.height),
			states.loadFinalizeBlockResponse(blocks.height),
		);
	});

	it("answers searches as its RPC did", async () => {
		for (const [query, hashes] of Object.entries<string[]>(expected.tx_search)) {
			const found = await index.searchTxs(parseQuery(query));
			const sorted = found.sort((a, b) => Number(a.height - b.height) || a.index - b.index);
			assert.deepEqual(
				sorted.map((each) => toUpperHex(txHash(each.tx))),
				hashes,
				query,
			);
		}
		for (const [query, heights] of Object.entries<string[]>(expected.block_search)) {
			assert.deepEqual((await index.searchBlocks(parseQuery(query))).map(String), heights, query);
		}
	});

	it("refuses queries as its RPC did", async () => {
		for (const [query, answer] of Object.entries<{ data: string } | number>(expected.bad)) {
			const search = async () => (await index.searchTxs(parseQuery(query))).length;
			if (typeof answer === "number") {
				assert.equal(await search(), answer);
				continue;
			}
			await assert.rejects(search(), (error) => {
				assert.ok(error instanceof DecodeError);
				// What follows are the words of Go's time package, and the number of a token where its name was meant.
				const same = answer.data.replace(/: parsing time .*$/, "").replace("want 6", "want AND operator");
				assert.ok(error.message.startsWith(same), `${query}: ${error.message}`);
				return true;
			});
		}
	});

	it("holds no evidence", async () => {
		const store = EvidenceStore.open(await world.disk.openStore(`${data}/evidence.db`));
		assert.deepEqual(await store.loadPending(), []);
		await store.close();
	});

	it("has a log that ends where its state does", async () => {
		const wal = await Wal.open(world, `${data}/cs.wal/wal`);
		assert.equal(wal.repair, null);
		for (let height = 0; height <= blocks.height; height++) {
			const records = await wal.recordsAfterEndHeight(height);
			assert.ok(records !== null, `height ${height}`);
			for await (const { record } of records) {
				if (record.kind !== "message" || record.message.sum?.kind !== "blockPart") continue;
				const { part } = record.message.sum.value;
				const stored = blocks.loadPart(height + 1, part.index);
				if (stored !== null) assert.equal(toHex(part.bytes), toHex(stored.bytes));
				break;
			}
		}
		assert.equal(await wal.recordsAfterEndHeight(blocks.height + 1), null);
		await wal.close();
	});
});

/** The RPC writes false and empty values, the JSON mapping of protobuf leaves them out. */
function withoutDefaults(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(withoutDefaults);
	if (typeof value !== "object" || value === null) return value;
	const entries = Object.entries(value).filter(([, each]) => each !== false && each !== "" && each !== null);
	return Object.fromEntries(entries.map(([key, each]) => [key, withoutDefaults(each)]));
}
