import assert from "node:assert/strict";
import { test } from "node:test";
import { compareNodes, type HeightWord, type NodeAccount, reportToJson } from "./report.ts";
import { summaryText } from "./summary.ts";

const word = (height: number, changes: Partial<HeightWord> = {}): HeightWord => ({
	height,
	blockId: `B${height}`,
	appHash: `A${height}`,
	round: 0,
	...changes,
});

function account(index: number, words: readonly HeightWord[], failure: string | null = null): NodeAccount {
	const height = words.at(-1)?.height ?? 0;
	return { moniker: `node${index}`, height, words, cpuSeconds: 1.234, rssBytes: 85_449_999, failure };
}

const TXS = {
	sent: 10,
	committed: 8,
	refused: new Map([["replay", 2]]),
	surprises: 0,
	p50: 812.4,
	p99: 1_620.6,
};

test("nodes agree if nothing differs at any height that all of them have", () => {
	const nodes = [account(0, [word(1), word(2), word(3)]), account(1, [word(2), word(3), word(4)])];
	assert.deepEqual(compareNodes(nodes), { agree: true, compared: { from: 2, to: 3 }, problems: [] });
});

test("a different block, and a different app hash under the same block, are found and named", () => {
	const other = compareNodes([account(0, [word(1), word(2)]), account(1, [word(1), word(2, { blockId: "X" })])]);
	assert.equal(other.agree, false);
	assert.deepEqual(other.problems, ["block id differs at height 2: node0 B2, node1 X"]);
	const hash = compareNodes([account(0, [word(1)]), account(1, [word(1, { appHash: "X" })]), account(2, [word(1)])]);
	assert.deepEqual(hash.problems, ["app hash differs at height 1: node0 A1, node1 X, node2 A1"]);
	assert.equal(hash.agree, false);
});

test("a different round is no disagreement: nodes may see different commits of one block", () => {
	assert.equal(compareNodes([account(0, [word(1)]), account(1, [word(1, { round: 2 })])]).agree, true);
});

test("nodes without an account, without a height in common, or no nodes at all, do not agree", () => {
	assert.deepEqual(compareNodes([account(0, [word(1)]), account(1, [], "does not answer")]), {
		agree: false,
		compared: { from: 1, to: 1 },
		problems: ["node1: does not answer"],
	});
	assert.deepEqual(compareNodes([account(0, [word(1)]), account(1, [word(2)])]).problems, [
		"the nodes have no height in common",
	]);
	assert.deepEqual(compareNodes([account(0, [])]).problems, ["the nodes have no height in common"]);
	assert.equal(compareNodes([]).agree, false);
});

test("of endless differences the first are told", () => {
	const heights = Array.from({ length: 1_000 }, (_, index) => index + 1);
	const ours = heights.map((height) => word(height));
	const theirs = heights.map((height) => word(height, { blockId: "X" }));
	assert.equal(compareNodes([account(0, ours), account(1, theirs)]).problems.length, 20);
});

test("the report has the shape that is asked for", () => {
	const nodes = [account(0, [word(1), word(2, { round: 1 })])];
	assert.deepEqual(JSON.parse(reportToJson(compareNodes(nodes), nodes, TXS)), {
		agree: true,
		problems: [],
		nodes: [
			{
				moniker: "node0",
				height: 2,
				block_ids: { 1: "B1", 2: "B2" },
				app_hashes: { 1: "A1", 2: "A2" },
				rounds_above_0: 1,
				cpu_seconds: 1.23,
				rss_mb: 85.4,
			},
		],
		txs: { sent: 10, committed: 8, refused: { replay: 2 } },
		latency_ms: { p50: 812, p99: 1621 },
	});
	const empty = { ...TXS, sent: 0, committed: 0, refused: new Map<string, number>(), p50: null, p99: null };
	const parsed = JSON.parse(reportToJson(compareNodes(nodes), nodes, empty)) as { latency_ms: unknown };
	assert.deepEqual(parsed.latency_ms, { p50: null, p99: null });
});

test("the summary says it in words", () => {
	const nodes = [account(0, [word(1), word(2, { round: 1 })]), account(1, [word(1), word(2)])];
	assert.equal(
		summaryText(compareNodes(nodes), nodes, TXS),
		"agree    yes: 2 nodes with the same blocks and app hashes at heights 1 to 2\n" +
			"node0    height 2, 1.2 s of CPU, 85 MB, 1 block above round 0\n" +
			"node1    height 2, 1.2 s of CPU, 85 MB\n" +
			"readings 10 sent, 8 accepted, 2 refused (replay 2)\n" +
			"latency  to finality p50 812 ms, p99 1.62 s\n",
	);
	const apart = [account(0, [word(1)]), account(1, [], "does not answer")];
	assert.equal(
		summaryText(compareNodes(apart), apart, { ...TXS, sent: 0 }),
		"agree    NO\n" +
			"         node1: does not answer\n" +
			"node0    height 1, 1.2 s of CPU, 85 MB\n" +
			"node1    does not answer\n",
	);
});
