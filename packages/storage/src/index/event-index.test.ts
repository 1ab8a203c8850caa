import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CairnError, toHex, utf8 } from "@cairn/kit";
import { txHash } from "@cairn/types";
import { abci } from "@cairn/types/proto";
import { MemoryStore } from "@cairn/world";
import { parseQuery } from "../query/parse.ts";
import { EventIndex } from "./event-index.ts";
import { encodeOrdered } from "./ordered-code.ts";

type Attributes = readonly (readonly [key: string, value: string, index?: boolean])[];

function event(type: string, attributes: Attributes): abci.Event {
	return { type, attributes: attributes.map(([key, value, index = true]) => ({ key, value, index })) };
}

function tx(text: string, height: number, index: number, events: readonly abci.Event[], code = 0): abci.TxResult {
	const result = abci.ExecTxResult.create({ code, events });
	return { height: BigInt(height), index, tx: utf8(text), result };
}

async function textsOf(index: EventIndex, query: string): Promise<string[]> {
	const found = await index.searchTxs(parseQuery(query));
	return found.map((each) => new TextDecoder().decode(each.tx)).sort();
}

describe("transaction index", () => {
	async function indexed(...txs: abci.TxResult[]): Promise<EventIndex> {
		const index = EventIndex.open(new MemoryStore());
		for (const each of txs) await index.index({ height: Number(each.height), events: [], txs: [each] });
		return index;
	}

	it("finds by hash, height and events, within one event", async () => {
		const index = await indexed(
			tx("one", 1, 0, [
				event("account", [
					["number", "1"],
					["owner", "Ivan"],
				]),
				event("account", [
					["number", "2"],
					["owner", "Igor"],
				]),
				event("", [["not_allowed", "Vlad"]]),
				event("hidden", [["key", "x", false]]),
				event("size", [
					["km", "100.25"],
					["big", "10000000000000000000"],
					["word", "a/b"],
					["", "none"],
				]),
			]),
			tx("two", 2, 0, [
				event("account", [
					["number", "3"],
					["owner", "Ivan"],
				]),
			]),
			tx("ten", 10, 1, [event("account", [["number", "-7"]])]),
		);
		const hash = toHex(txHash(utf8("one"))).toUpperCase();
		const cases: readonly (readonly [string, readonly string[]])[] = [
			[`tx.hash = '${hash}'`, ["one"]],
			[`tx.hash = '${hash.toLowerCase()}' AND account.number = 99`, ["one"]],
			[`tx.hash = '${"0".repeat(64)}'`, []],
			["tx.height = 1", ["one"]],
			["tx.height = '2'", ["two"]],
			["tx.height = 3", []],
			["tx.height > 1", ["ten", "two"]],
			["tx.height >= 1 AND tx.height < 10", ["one", "two"]],
			["tx.height <= 1.5", ["one"]],
			["tx.height = 1 AND tx.height = 2", ["one"]],
			["tx.height = 1 AND tx.height > 1", ["ten", "two"]],
			["tx.height EXISTS", ["one", "ten", "two"]],
			["account.number = 1", ["one"]],
			["account.number = '1'", ["one"]],
			["account.number = 1 AND account.owner = 'Ivan'", ["one"]],
			["account.number = 1 AND account.owner = 'Igor'", []],
			["account.number >= 1 AND account.number <= 5", ["one", "two"]],
			["account.number > 1 AND account.owner = 'Ivan'", ["two"]],
			["account.number < 0", ["ten"]],
			["account.number >= 1 AND tx.height = 2", ["two"]],
			["account.number >= 1 AND tx.height > 1", ["two"]],
			["account.owner = 'Ivan' AND tx.height = 1", ["one"]],
			["account.owner = 'Ivan' AND tx.height = 0", ["one", "two"]],
			["account.owner CONTAINS 'va'", ["one", "two"]],
			["account.owner CONTAINS 'va' AND tx.height >= 2", ["two"]],
			["account.owner CONTAINS 'Vlad'", []],
			["account.owner EXISTS", ["one", "two"]],
			["account.owner EXISTS AND tx.height < 2", ["one"]],
			["account.date EXISTS", []],
			["hidden.key EXISTS", []],
			["not_allowed = 'Vlad'", []],
			["size.km > 100", ["one"]],
			["size.km >= 100.25", ["one"]],
			["size.km > 100.25", []],
			["size.km < 100.3", ["one"]],
			["size.km = 100.25", ["one"]],
			["size.big >= 10000000000000000000", ["one"]],
			["size.big > 10000000000000000000", []],
			["size.big < 10000000000000000001", ["one"]],
			["account.owner > 5", []],
			["size.word = 'a/b'", ["one"]],
			// Keys are plain text with slashes, and a prefix is all that equality looks at: as in CometBFT.
			["size.word = 'a'", ["one"]],
			["tx.height > DATE 2020-01-01", []],
			["account.number > TIME 2020-01-01T00:00:00Z", []],
			["tx.height = 'abc' AND account.number = 3", ["two"]],
			["tx.height = 'abc'", []],
			["tx.height = 99999999999999999999", []],
		];
		for (const [query, expected] of cases) assert.deepEqual(await textsOf(index, query), expected, query);
	});

	it("refuses hashes that are none", async () => {
		const index = await indexed();
		const search = (query: string) => index.searchTxs(parseQuery(query));
		await assert.rejects(search("tx.hash = 'zz'"), {
			message: /encoding\/hex: invalid byte: U\+007A 'z'$/,
			blame: "peer",
		});
		await assert.rejects(search("tx.hash = 'abc'"), { message: /encoding\/hex: odd length hex string$/ });
		await assert.rejects(search("tx.hash EXISTS"), { message: "transaction hash cannot be empty" });
	});

	it("gives the stored result, the last one for the same bytes", async () => {
		const index = await indexed(tx("same", 1, 0, []), tx("same", 5, 3, [], 7));
		const found = index.loadTx(txHash(utf8("same")));
		assert.deepEqual([found?.height, found?.index, found?.result.code], [5n, 3, 7]);
		assert.equal(index.loadTx(txHash(utf8("other"))), null);
	});

	it("does not let a failed transaction hide one that succeeded when indexed again", async () => {
		const index = await indexed(tx("same", 1, 0, []));
		await index.reindexTx(tx("same", 5, 3, [], 7));
		assert.equal(index.loadTx(txHash(utf8("same")))?.height, 1n);
		await index.reindexTx(tx("same", 6, 0, []));
		assert.equal(index.loadTx(txHash(utf8("same")))?.height, 6n);
	});

	it("writes CometBFT's keys", async () => {
		const store = new MemoryStore();
		const index = EventIndex.open(store);
		const one = tx("one", 3, 2, [event("skipped", []), event("account", [["number", "1"]])]);
		await index.index({ height: 3, events: [event("begin", [["proposer", "FCAA001"]])], txs: [one] });
		const hash = txHash(utf8("one"));
		assert.deepEqual(store.get(utf8("account.number/1/3/2$es$2")), hash);
		assert.deepEqual(store.get(utf8("tx.height/3/3/2$es$0")), hash);
		assert.deepEqual(store.get(hash), abci.TxResult.encode(one));
		const key = Uint8Array.of(...utf8("block_events"), ...encodeOrdered("begin.proposer", "FCAA001", 3n, 1n));
		assert.deepEqual(store.get(key), Uint8Array.of(6));
		const heightKey = Uint8Array.of(...utf8("block_events"), ...encodeOrdered("block.height", 3n));
		assert.deepEqual(store.get(heightKey), Uint8Array.of(6));
	});

	it("refuses reserved keys of the application without losing the rest", async () => {
		const index = EventIndex.open(new MemoryStore());
		const bad = tx("bad", 1, 0, [event("tx", [["height", "5"]])]);
		const blamed = (error: unknown): boolean =>
			error instanceof CairnError && error.code === "reserved-event" && error.blame === "app";
		await assert.rejects(index.index({ height: 1, events: [], txs: [bad] }), blamed);
		assert.equal(index.hasBlock(1), true);
		assert.equal(index.loadTx(txHash(utf8("bad"))), null);
		const good = tx("good", 2, 0, []);
		await assert.rejects(index.index({ height: 2, events: [event("block", [["height", "2"]])], txs: [good] }), blamed);
		assert.equal(index.hasBlock(2), false);
		assert.notEqual(index.loadTx(txHash(utf8("good"))), null);
	});

	it("stops when told", async () => {
		const index = await indexed(
			tx("one", 1, 0, [event("a", [["b", "1"]])]),
			tx("two", 2, 0, [event("a", [["b", "2"]])]),
		);
		assert.deepEqual(await index.searchTxs(parseQuery("a.b EXISTS"), { isCancelled: () => true }), []);
	});
});

describe("block index", () => {
	async function indexed(): Promise<EventIndex> {
		const index = EventIndex.open(new MemoryStore());
		for (let height = 1; height <= 12; height++) {
			const events = [
				event("begin_event", [["proposer", "FCAA001"]]),
				event("end_event", [
					["foo", String(height * 100)],
					["parity", height % 2 === 0 ? "even" : "odd"],
					["quarter", String(height / 4)],
				]),
				event("end_event", [["foo", "-1"]]),
				event("end_event", [["unindexed", "x", false]]),
			];
			await index.index({ height, events, txs: [] });
		}
		return index;
	}

	it("finds heights by height and events, within one event", async () => {
		const index = await indexed();
		const all = Array.from({ length: 12 }, (_, i) => i + 1);
		const cases: readonly (readonly [string, readonly number[]])[] = [
			["block.height = 100", []],
			["block.height = 5", [5]],
			["block.height = 5 AND block.height = 6", [5]],
			["block.height = 5 AND block.height > 10", [11, 12]],
			["block.height > 2 AND block.height <= 5", [3, 4, 5]],
			["block.height <= 2.5", [1, 2]],
			["block.height EXISTS", []],
			["block.height = '7'", [7]],
			["block.height = 99999999999999999999", []],
			["begin_event.proposer = 'FCAA001'", all],
			["begin_event.proposer = 'FCAA001' AND block.height = 4", [4]],
			["begin_event.proposer CONTAINS 'AA0' AND block.height < 3", [1, 2]],
			["begin_event.proposer CONTAINS 'BB'", []],
			["end_event.foo >= 1100", [11, 12]],
			["end_event.foo > 100 AND end_event.foo < 400", [2, 3]],
			["end_event.foo >= 100 AND end_event.parity = 'even' AND block.height > 9", [10, 12]],
			["end_event.foo = 300 AND end_event.parity = 'even'", []],
			["end_event.foo = '-1' AND end_event.parity EXISTS", []],
			["end_event.foo < 0", all],
			["end_event.quarter = 2.5", [10]],
			["end_event.quarter >= 2.75", [11, 12]],
			["end_event.unindexed EXISTS", []],
			["end_event.foo EXISTS AND block.height >= 11", [11, 12]],
			["end_event.foo > TIME 2020-01-01T00:00:00Z", []],
		];
		for (const [query, expected] of cases) {
			assert.deepEqual(await index.searchBlocks(parseQuery(query)), expected, query);
		}
	});

	it("reads keys of every age", async () => {
		const store = new MemoryStore();
		const index = EventIndex.open(store);
		await index.reindexBlock(8, []);
		const prefix = utf8("block_events");
		const old = [
			encodeOrdered("old.kind", "a", 8n, "begin_block"),
			encodeOrdered("old.kind", "b", 8n, "end_block", 3n),
			encodeOrdered("old.kind", "c", 8n, 70_000n),
			encodeOrdered("old.other", "x", 8n, "end_block", 3n),
		];
		await store.write(old.map((key) => ({ key: Uint8Array.of(...prefix, ...key), value: Uint8Array.of(16) })));
		for (const value of ["a", "b", "c"]) {
			assert.deepEqual(await index.searchBlocks(parseQuery(`old.kind = '${value}'`)), [8], value);
		}
		assert.deepEqual(await index.searchBlocks(parseQuery("old.kind = 'b' AND old.other = 'x'")), [8]);
		assert.deepEqual(await index.searchBlocks(parseQuery("old.kind = 'c' AND old.other = 'x'")), []);
	});
});
