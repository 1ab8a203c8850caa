import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fromHex, toHex, utf8 } from "@cairn/kit";
import fc from "fast-check";
import { scenario } from "../testing/scenario.ts";
import { CHAIN_ID, GENESIS_TIME } from "../testing/test-chain.ts";
import { type Block, StateMachine } from "./machine.ts";
import { ACCOUNTS, DEVICES } from "./records.ts";
import { EMPTY_TREE, treeLeaves, updateTree } from "./sparse-merkle-tree.ts";

function begin(appState: Uint8Array): StateMachine {
	const machine = new StateMachine();
	machine.initChain(CHAIN_ID, GENESIS_TIME, appState);
	return machine;
}

/** What everyone has to agree on after a block: app hash, codes and data. */
function run(machine: StateMachine, block: Block): string {
	const { outcomes, appHash } = machine.execute(block);
	machine.adopt();
	return `${toHex(appHash)} ${outcomes.map(({ code, data }) => `${code}:${toHex(data)}`).join()}`;
}

/** A machine as it is after a restart: nothing but the tree and its position. */
function restarted(machine: StateMachine): StateMachine {
	const leaves = [...treeLeaves(machine.tree)].map(({ key, value }) => ({ key, value }));
	return new StateMachine(updateTree(EMPTY_TREE, leaves), machine.position);
}

test("the same blocks lead to the same state, with restarts anywhere", () => {
	fc.assert(
		fc.property(
			fc.string({ minLength: 1, maxLength: 8 }),
			fc.array(fc.boolean(), { minLength: 14, maxLength: 14 }),
			(seed, restarts) => {
				const { appState, blocks } = scenario(seed, 14);
				const steady = begin(appState);
				let shaken = begin(appState);
				for (const [index, block] of blocks.entries()) {
					assert.equal(run(shaken, block), run(steady, block));
					if (restarts[index] === true) shaken = restarted(shaken);
				}
				assert.equal(toHex(shaken.appHash), toHex(steady.appHash));
			},
		),
		{ numRuns: 12 },
	);
});

test("a block that is executed again, or instead of another, leaves nothing behind", () => {
	const { appState, blocks } = scenario("again", 12);
	const steady = begin(appState);
	const shaken = begin(appState);
	for (const [index, block] of blocks.entries()) {
		const other = blocks[(index + 5) % blocks.length];
		shaken.execute({ ...block, txs: other?.txs ?? [] });
		shaken.execute(block);
		assert.equal(run(shaken, block), run(steady, block));
	}
});

test("what CheckTx and ProcessProposal looked at before changes no verdict", () => {
	const { appState, blocks } = scenario("looked", 12);
	const steady = begin(appState);
	const looked = begin(appState);
	for (const block of blocks) {
		for (const tx of block.txs) looked.check(tx);
		for (const tx of block.txs) {
			const read = looked.read(tx);
			if (!("reason" in read)) read.isSigned();
		}
		assert.equal(run(looked, block), run(steady, block));
	}
});

test("sequence numbers, nonces and counters never go back; nothing is counted twice", () => {
	const { appState, blocks } = scenario("monotone", 40);
	const machine = begin(appState);
	const before = new Map<string, readonly number[]>();
	let readings = 0;
	for (const block of blocks) {
		const { outcomes } = machine.execute(block);
		machine.adopt();
		readings += outcomes.filter(({ verdict }) => verdict === "accepted").length;
		for (const { key, value } of treeLeaves(machine.tree)) {
			const name = new TextDecoder().decode(key);
			const now = countersOf(name, value);
			const then = before.get(name);
			now.forEach((counter, i) => {
				assert.ok(counter >= (then?.[i] ?? 0), `${name} at height ${block.height}`);
			});
			before.set(name, now);
		}
	}
	const stats = JSON.parse(new TextDecoder().decode(machine.value("stats")));
	assert.equal(stats.accepted, readings);
	const perDevice = [...before].filter(([name]) => name.startsWith("device/")).map(([, counters]) => counters[1] ?? 0);
	assert.equal(
		perDevice.reduce((sum, count) => sum + count, 0),
		readings,
	);
});

function countersOf(name: string, value: Uint8Array): readonly number[] {
	if (name.startsWith("account/")) {
		const { nonce, devices } = ACCOUNTS.decode(value);
		return [nonce, devices];
	}
	if (!name.startsWith("device/")) return [];
	const { nextSequence, accepted, quarantined, rejected } = DEVICES.decode(value);
	return [nextSequence, accepted, quarantined, rejected];
}

test("every record comes back from its own bytes", () => {
	const { appState, blocks } = scenario("records", 20);
	const machine = begin(appState);
	for (const block of blocks) run(machine, block);
	let seen = 0;
	for (const { key, value } of treeLeaves(machine.tree)) {
		const name = new TextDecoder().decode(key);
		for (const table of [DEVICES, ACCOUNTS] as const) {
			if (!name.startsWith(table.prefix)) continue;
			seen += 1;
			const encode = table.encode as (record: unknown) => Uint8Array;
			assert.deepEqual(encode(table.decode(value)), value);
		}
	}
	assert.ok(seen > 10);
});

interface History {
	readonly chain_id: string;
	readonly genesis_time_ns: string;
	readonly app_state: object;
	readonly genesis_app_hash: string;
	readonly blocks: readonly {
		readonly height: number;
		readonly time_ns: string;
		readonly txs: readonly string[];
		readonly codes: readonly number[];
		readonly app_hash: string;
	}[];
}

test("a history that is written down leads to the app hashes that are written down", () => {
	// A change here is a change of the rules: running chains would fork. It needs another app version.
	const path = join(import.meta.dirname, "..", "..", "fixtures", "history.json");
	const history = JSON.parse(readFileSync(path, "utf8")) as History;
	const machine = new StateMachine();
	machine.initChain(history.chain_id, BigInt(history.genesis_time_ns), utf8(JSON.stringify(history.app_state)));
	assert.equal(toHex(machine.appHash), history.genesis_app_hash);
	for (const { height, time_ns, txs, codes, app_hash } of history.blocks) {
		const { outcomes, appHash } = machine.execute({ height, time: BigInt(time_ns), txs: txs.map(fromHex) });
		machine.adopt();
		assert.deepEqual(
			outcomes.map(({ code }) => code),
			codes,
		);
		assert.equal(toHex(appHash), app_hash);
	}
	assert.equal(history.blocks.length, 12);
});

test("any bytes are judged with a code, in any mixture with good ones", () => {
	const { appState, blocks } = scenario("fuzz", 6);
	const good = blocks.flatMap(({ txs }) => txs);
	fc.assert(
		fc.property(
			fc.array(
				fc.oneof(
					fc.uint8Array({ maxLength: 300 }),
					fc.json().map(utf8),
					fc.tuple(fc.nat(good.length - 1), fc.nat(400), fc.nat(255)).map(([index, at, byte]) => {
						const tx = (good[index] ?? new Uint8Array(1)).slice();
						tx[at % tx.length] = byte;
						return tx;
					}),
				),
				{ maxLength: 10 },
			),
			(txs) => {
				const machine = begin(appState);
				const checked = txs.map((tx) => machine.check(tx));
				const { outcomes } = machine.execute({ height: 1, time: GENESIS_TIME + 1_000_000_000n, txs });
				assert.equal(outcomes.length, txs.length);
				for (const [index, { code, log }] of outcomes.entries()) {
					assert.ok(Number.isInteger(code) && code >= 0 && code < 30, log);
					// What CheckTx refuses for its form, the block refuses too.
					if (checked[index]?.reason === "malformed") assert.equal(code, 1);
				}
			},
		),
		{ numRuns: 150 },
	);
});
