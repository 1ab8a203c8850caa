import assert from "node:assert/strict";
import { test } from "node:test";
import { runHistory } from "../testing/campaign.ts";
import type { NetworkOptions, RecoveryMode } from "../testing/network.ts";

const MODES: readonly RecoveryMode[] = ["log", "snapshot", "wal"];

/** Runs a range of seeds; every history must agree, replay to the same state, and go on once faults are over. */
function campaign(count: number, options: (seed: number) => Omit<NetworkOptions, "seed" | "healAt">) {
	const totals = { heights: 0, replays: 0, digests: 0, accusations: 0, refusals: 0, marks: new Set<string>() };
	for (let seed = 1; seed <= count; seed++) {
		const { network, isLive } = runHistory({ seed, healAt: 2500, ...options(seed) });
		assert.ok(
			isLive,
			`seed ${seed}: stuck at ${network.nodes.map(({ engine }) => JSON.stringify(engine.view().step))}`,
		);
		totals.heights += network.decided.size;
		totals.replays += network.replays;
		totals.digests += network.digestsCompared;
		totals.accusations += network.accusations.length;
		totals.refusals += network.guardRefusals;
		for (const mark of network.marks) totals.marks.add(mark);
	}
	return totals;
}

test("four nodes agree, through lost messages, partitions and crashes, and go on afterwards", () => {
	const totals = campaign(80, (seed) => ({
		nodes: 4,
		recovery: MODES[seed % 2] ?? "log",
		dropRate: (seed % 4) * 0.08,
		crashes: seed % 7,
		extensions: seed % 3 === 0,
		changingPowers: seed % 5 === 0,
	}));
	assert.ok(totals.replays > 80 && totals.digests > 30, JSON.stringify({ ...totals, marks: totals.marks.size }));
	assert.equal(totals.refusals, 0, "the guard never has to refuse");
	assert.equal(totals.accusations, 0, "nobody is accused who did nothing");
});

test("the same with recovery from the records that CometBFT's log has", () => {
	const totals = campaign(40, (seed) => ({
		nodes: 4,
		recovery: "wal",
		dropRate: (seed % 4) * 0.08,
		crashes: 2 + (seed % 6),
		extensions: seed % 3 === 0,
	}));
	assert.ok(totals.replays > 80);
	assert.equal(totals.accusations, 0);
});

test("one Byzantine validator of four, equivocating, divides nobody, and is accused", () => {
	const totals = campaign(45, (seed) => ({
		nodes: 4,
		byzantine: seed % 4,
		recovery: MODES[seed % 3] ?? "log",
		dropRate: (seed % 3) * 0.05,
		crashes: seed % 4,
		extensions: seed % 4 === 0,
	}));
	assert.ok(totals.accusations > 45);
});

test("seven nodes, two crashing at a time", () => {
	campaign(8, (seed) => ({
		nodes: 7,
		recovery: MODES[seed % 3] ?? "log",
		dropRate: 0.1,
		crashes: seed % 10,
		changingPowers: seed % 2 === 0,
	}));
});

test("an adversary that lets one node decide alone divides nobody", () => {
	campaign(40, (seed) => ({
		nodes: 4,
		steadyLinks: true,
		recovery: MODES[seed % 3] ?? "log",
		dropRate: 0,
		crashes: seed % 3,
		...(seed % 4 === 0 ? { byzantine: (seed / 4) % 4 } : {}),
	}));
});

test("canary: the same adversary divides nodes that forget their locks", () => {
	const base = { nodes: 4, steadyLinks: true, forgetful: true, recovery: "log", dropRate: 0, crashes: 0 } as const;
	const isDivided = (seed: number): boolean => {
		try {
			runHistory({ seed, healAt: 3000, ...base });
			return false;
		} catch (cause) {
			assert.match(String(cause), /two blocks were decided at one height/);
			return true;
		}
	};
	assert.ok(Array.from({ length: 30 }, (_, index) => index + 1).some(isDivided));
});

test("one seed gives one history", () => {
	const options = { seed: 11, nodes: 4, recovery: "log", dropRate: 0.1, crashes: 3, healAt: 2000 } as const;
	const first = runHistory(options).network;
	const second = runHistory(options).network;
	assert.deepEqual([...first.decided], [...second.decided]);
	assert.deepEqual(
		first.nodes.map(({ engine }) => engine.digest()),
		second.nodes.map(({ engine }) => engine.digest()),
	);
});
