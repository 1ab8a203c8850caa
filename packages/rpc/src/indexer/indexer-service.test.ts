import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ExecutedBlock } from "@cairn/chain";
import { CairnError, type LogFields, silentLogger, utf8 } from "@cairn/kit";
import { EventIndex, type IndexedBlock, parseQuery, StateStore } from "@cairn/storage";
import { blockHash, blockToPartSet, txHash } from "@cairn/types";
import { abci } from "@cairn/types/proto";
import { MemoryStore } from "@cairn/world";
import { RecordedNode } from "../testing/recorded-node.ts";
import { recording } from "../testing/vectors.ts";
import { IndexerService, indexedBlockOf } from "./indexer-service.ts";

const { blocks: recorded } = recording("short");

function executed(height: number, txs: readonly string[] = [], type = "app"): ExecutedBlock {
	const [first] = recorded;
	assert.ok(first !== undefined);
	const block = { ...first.block, header: { ...first.block.header, height }, txs: txs.map(utf8) };
	const parts = blockToPartSet(block);
	const events = [{ type, attributes: [{ key: "height", value: String(height), index: true }] }];
	const txResults = txs.map((tx) => {
		const attributes = [{ key: "tx", value: tx, index: true }];
		return abci.ExecTxResult.create({ events: [{ type: "app", attributes }] });
	});
	return {
		block,
		blockId: { hash: blockHash(block), partSetHeader: parts.header },
		result: abci.ResponseFinalizeBlock.create({ events, txResults }),
	};
}

/** An index that answers when it is told to. */
function slowIndex() {
	const heights: number[] = [];
	const waiting: { readonly done: () => void; readonly failed: (cause: Error) => void }[] = [];
	const index = async ({ height }: IndexedBlock): Promise<void> => {
		heights.push(height);
		await new Promise<void>((done, failed) => waiting.push({ done, failed }));
	};
	return { index: { index, hasBlock: () => false }, heights, waiting };
}

const fatal = (cause: unknown): never => assert.fail(String(cause));
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the indexer", () => {
	test("makes blocks and transactions found by their events", async () => {
		const index = EventIndex.open(new MemoryStore());
		const service = new IndexerService({ index, logger: silentLogger, onFatal: fatal });
		for (let height = 1; height <= 5; height++) service.add(executed(height, [`a${height}`, `b${height}`]));
		assert.equal(service.height, 0, "it is written beside");
		await service.settled();
		assert.equal(service.height, 5);
		assert.deepEqual(await index.searchBlocks(parseQuery("app.height = 3")), [3]);
		const [found, ...others] = await index.searchTxs(parseQuery("app.tx = 'b4'"));
		assert.deepEqual([found?.height, found?.index, others.length], [4n, 1, 0]);
		assert.equal(index.loadTx(txHash(utf8("a5")))?.index, 0);
	});

	test("writes one block after the other, in order", async () => {
		const { index, heights, waiting } = slowIndex();
		const service = new IndexerService({ index, logger: silentLogger, onFatal: fatal });
		for (let height = 1; height <= 3; height++) service.add(executed(height));
		for (let height = 1; height <= 3; height++) {
			await turn();
			assert.deepEqual(
				heights,
				Array.from({ length: height }, (_, at) => at + 1),
			);
			waiting.shift()?.done();
		}
		await service.settled();
	});

	test("makes execution wait when too much waits, and drops nothing", async () => {
		const { index, heights, waiting } = slowIndex();
		const service = new IndexerService({ index, logger: silentLogger, onFatal: fatal });
		let height = 0;
		let hold: Promise<void> | undefined;
		while (hold === undefined) hold = service.add(executed(++height));
		assert.ok(height > 200 && height < 400);
		let isHeld = true;
		void hold.then(() => {
			isHeld = false;
		});
		while (isHeld) {
			waiting.shift()?.done();
			await turn();
		}
		assert.equal(heights.length, height);
		assert.equal(service.height, height);
	});

	test("goes on when an application uses a reserved key, and says so", async () => {
		const lines: (readonly [string, LogFields | undefined])[] = [];
		const logger = { ...silentLogger, error: (message: string, fields?: LogFields) => lines.push([message, fields]) };
		const index = EventIndex.open(new MemoryStore());
		const service = new IndexerService({ index, logger, onFatal: fatal });
		service.add(executed(1, [], "block"));
		service.add(executed(2));
		await service.settled();
		assert.equal(service.height, 2);
		assert.equal(lines.length, 1);
		assert.deepEqual([lines[0]?.[0], lines[0]?.[1]?.height], ["failed to index block", 1]);
		assert.deepEqual(await index.searchBlocks(parseQuery("app.height = 2")), [2]);
	});

	test("reports a disk that fails", async () => {
		const { index, waiting } = slowIndex();
		const failures: unknown[] = [];
		const service = new IndexerService({ index, logger: silentLogger, onFatal: (cause) => failures.push(cause) });
		service.add(executed(1));
		await turn();
		const failure = new CairnError("store-io", "operator", "no space left on device");
		waiting.shift()?.failed(failure);
		await service.settled();
		assert.deepEqual(failures, [failure]);
		assert.equal(service.height, 0);
	});

	test("makes up for blocks that were executed, but not indexed, before the node died", async () => {
		const { blockStore, stateStore } = await RecordedNode.at(recording("short"), 8);
		const index = EventIndex.open(new MemoryStore());
		const service = new IndexerService({ index, logger: silentLogger, onFatal: fatal });
		await service.catchUp({ blockStore, stateStore });
		assert.deepEqual(await index.searchBlocks(parseQuery("block.height > 0")), [], "an index that was just turned on");
		await index.reindexBlock(5, []);
		await service.catchUp({ blockStore, stateStore });
		assert.deepEqual(await index.searchBlocks(parseQuery("block.height > 0")), [5, 6, 7, 8]);
		assert.equal((await index.searchTxs(parseQuery("tx.height = 8"))).length, blockStore.loadBlock(8)?.txs.length);
		await service.catchUp({ blockStore, stateStore });
		assert.equal(service.height, 8);
	});

	test("does not stumble over answers that are not kept", async () => {
		const { blockStore, stateStore } = await RecordedNode.at(recording("short"), 3);
		const state = stateStore.load();
		assert.ok(state !== null);
		const discarding = StateStore.open(new MemoryStore(), { discardResponses: true });
		await discarding.save(state);
		const index = EventIndex.open(new MemoryStore());
		await index.reindexBlock(2, []);
		const service = new IndexerService({ index, logger: silentLogger, onFatal: fatal });
		await service.catchUp({ blockStore, stateStore: discarding });
		assert.equal(index.hasBlock(3), false);
	});

	test("keeps what belongs together", () => {
		const { height, events, txs } = indexedBlockOf(executed(9, ["x", "y"]));
		assert.deepEqual([height, events.length], [9, 1]);
		assert.deepEqual(
			txs.map((tx) => [tx.height, tx.index, tx.tx]),
			[
				[9n, 0, utf8("x")],
				[9n, 1, utf8("y")],
			],
		);
	});
});
