import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics } from "./metrics.ts";

/** Samples (lines without # and blanks) of the exposition. */
async function samples(metrics: { exposition(): Promise<string> }): Promise<readonly string[]> {
	return (await metrics.exposition()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

test("a series shows once touched, under namespace and with chain_id", async () => {
	const metrics = createMetrics({ namespace: "cometbft", chainId: "chain-a" });
	const height = metrics.gauge("consensus_height", "Height of the chain.");
	const bytes = metrics.counter("p2p_message_receive_bytes_total", "Bytes.", ["message_type"]);
	const interval = metrics.histogram("consensus_block_interval_seconds", "Time between blocks.", [1, 5]);
	assert.deepEqual(await samples(metrics), []);
	height.set(7);
	height.add(-2);
	bytes.add(10, { message_type: "consensus_Vote" });
	bytes.add(0, { message_type: "mempool_Txs" });
	interval.observe(3);
	assert.deepEqual(await samples(metrics), [
		'cometbft_consensus_height{chain_id="chain-a"} 5',
		'cometbft_p2p_message_receive_bytes_total{message_type="consensus_Vote",chain_id="chain-a"} 10',
		'cometbft_p2p_message_receive_bytes_total{message_type="mempool_Txs",chain_id="chain-a"} 0',
		'cometbft_consensus_block_interval_seconds_bucket{le="1",chain_id="chain-a"} 0',
		'cometbft_consensus_block_interval_seconds_bucket{le="5",chain_id="chain-a"} 1',
		'cometbft_consensus_block_interval_seconds_bucket{le="+Inf",chain_id="chain-a"} 1',
		'cometbft_consensus_block_interval_seconds_sum{chain_id="chain-a"} 3',
		'cometbft_consensus_block_interval_seconds_count{chain_id="chain-a"} 1',
	]);
	const text = await metrics.exposition();
	assert.match(text, /^# HELP cometbft_consensus_height Height of the chain\.$/m);
	assert.match(text, /^# TYPE cometbft_consensus_block_interval_seconds histogram$/m);
});

test("two declarations of one name are one metric; under another kind they are a bug", async () => {
	const metrics = createMetrics({ namespace: "", chainId: "c" });
	metrics.counter("mempool_failed_txs", "Failed.").add(1);
	metrics.counter("mempool_failed_txs", "Failed.").add(2);
	assert.deepEqual(await samples(metrics), ['mempool_failed_txs{chain_id="c"} 3']);
	assert.throws(() => metrics.gauge("mempool_failed_txs", "Failed."), { code: "invariant" });
});

test("nodes of one process do not mix", async () => {
	const [a, b] = [createMetrics({ namespace: "n", chainId: "a" }), createMetrics({ namespace: "n", chainId: "b" })];
	a.gauge("x", "x").set(1);
	b.gauge("x", "x").set(2);
	assert.deepEqual(await samples(a), ['n_x{chain_id="a"} 1']);
	assert.deepEqual(await samples(b), ['n_x{chain_id="b"} 2']);
});

test("a counter that would shrink is a bug", () => {
	const counter = createMetrics({ namespace: "n", chainId: "a" }).counter("x", "x");
	assert.throws(() => counter.add(-1), { code: "invariant" });
	assert.throws(() => counter.add(Number.NaN), { code: "invariant" });
});

test("metrics of the process carry chain_id too", async () => {
	const metrics = createMetrics({ namespace: "n", chainId: "a" });
	metrics.collectProcess();
	const lines = await samples(metrics);
	assert.ok(lines.some((line) => line.startsWith("process_resident_memory_bytes{")));
	assert.ok(lines.every((line) => line.includes('chain_id="a"')));
});
