import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "@cairn/world";
import { type AskAny, BlockWatch } from "./block-watch.ts";
import type { AnnouncedBlock } from "./node-link.ts";

const block = (height: number, txs: number): AnnouncedBlock => ({
	height,
	txs: Array.from({ length: txs }, (_, index) => ({ tx: `${height}/${index}`, code: 0, codespace: "", log: "" })),
});

function watched(ask: AskAny = () => Promise.reject(new Error("nobody"))) {
	const finals: AnnouncedBlock[] = [];
	const watch = new BlockWatch(ask, { final: (each) => finals.push(each) });
	return { watch, finals, heights: () => finals.map(({ height }) => height) };
}

test("the first word on a height counts, whoever says it", () => {
	const { watch, heights } = watched();
	for (const height of [5, 5, 6, 5, 6, 7]) watch.announced(block(height, 1), height);
	assert.deepEqual(heights(), [5, 6, 7]);
	assert.equal(watch.height, 7);
});

test("heights that nobody announced are fetched", async () => {
	const asked: unknown[] = [];
	const { watch, finals } = watched(async (calls) => {
		asked.push(calls);
		return [
			{ block: { header: { height: "8" }, data: { txs: ["AA=="] } } },
			{ height: "8", txs_results: [{ code: 3, codespace: "depin", log: "wrong-chain" }] },
		];
	});
	watch.announced(block(7, 0), 0);
	watch.announced(block(9, 0), 1_000);
	await settle();
	assert.deepEqual(asked, [
		[
			{ method: "block", params: { height: "8" } },
			{ method: "block_results", params: { height: "8" } },
		],
	]);
	assert.deepEqual(finals.at(-1), {
		height: 8,
		txs: [{ tx: "AA==", code: 3, codespace: "depin", log: "wrong-chain" }],
	});
});

test("a gap that nobody can fill is passed over, a large one in part", async () => {
	let asked = 0;
	const { watch, heights } = watched(() => {
		asked++;
		return Promise.reject(new Error("nobody"));
	});
	watch.announced(block(1, 0), 0);
	watch.announced(block(1_000, 0), 1_000);
	await settle();
	assert.equal(asked, 100);
	assert.deepEqual(heights(), [1, 1_000]);
});

test("rate and interval follow the blocks of the last seconds", () => {
	const { watch } = watched();
	assert.equal(watch.txPerSecond(0), 0);
	assert.equal(watch.intervalMs, null);
	for (let height = 1; height <= 30; height++) watch.announced(block(height, 20), height * 1_000);
	assert.equal(watch.txPerSecond(30_000), 20);
	assert.ok(Math.abs((watch.intervalMs ?? 0) - 1_000) < 1e-6);
	assert.equal(watch.txPerSecond(120_000), 0);
});
