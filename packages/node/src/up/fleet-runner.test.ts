import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "@cairn/crypto";
import { CairnError, toBase64 } from "@cairn/kit";
import { ManualTime } from "@cairn/world";
import type { AskAny } from "./block-watch.ts";
import { refusalReason } from "./fleet.ts";
import { FleetRunner, type ReadingSource, type TxTaker } from "./fleet-runner.ts";
import type { CheckAnswer } from "./node-link.ts";
import { TxLedger } from "./tx-ledger.ts";

const ACCEPTED: CheckAnswer = { code: 0, codespace: "", log: "" };

class Taker implements TxTaker {
	connected = true;
	readonly taken: string[] = [];
	answer: (tx: string) => CheckAnswer = () => ACCEPTED;

	async broadcast(tx: string): Promise<CheckAnswer> {
		this.taken.push(tx);
		return this.answer(tx);
	}
}

class Source implements ReadingSource {
	readonly devices: number;
	readonly made: number[] = [];

	constructor(devices: number) {
		this.devices = devices;
	}

	next(device: number): { readonly tx: Uint8Array; readonly expected: string } {
		this.made.push(device);
		return { tx: Uint8Array.of(this.made.length >> 8, this.made.length & 255), expected: "accepted" };
	}
}

const nobody: AskAny = () => Promise.reject(new Error("nobody knows"));

function running(devices: number, takers: readonly Taker[], ask: AskAny = nobody) {
	const time = new ManualTime();
	const source = new Source(devices);
	const ledger = new TxLedger(refusalReason);
	const runner = new FleetRunner({ source, takers, ledger, ask, clock: time, timers: time, intervalMs: 1_000 });
	runner.start();
	return { time, source, ledger, runner };
}

test("each device sends one reading per interval, evenly, each to its own node", async () => {
	const takers = [new Taker(), new Taker()];
	const { time, source, ledger, runner } = running(4, takers);
	await time.advance(3_000);
	assert.deepEqual(source.made, [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
	assert.deepEqual(
		takers.map(({ taken }) => taken.length),
		[6, 6],
	);
	assert.equal(ledger.sent, 12);
	runner.stop();
	await time.advance(3_000);
	assert.equal(ledger.sent, 12);
	runner.end();
	await time.advance(100);
	assert.equal(time.nextDue, undefined);
});

test("a node that is away is stepped over; with nobody there the devices wait and do not catch up", async () => {
	const takers = [new Taker(), new Taker()];
	const { time, ledger } = running(2, takers);
	for (const taker of takers) taker.connected = false;
	await time.advance(60_000);
	assert.equal(ledger.sent, 0);
	const [, second] = takers;
	assert.ok(second);
	second.connected = true;
	await time.advance(1_000);
	assert.equal(second.taken.length, 2);
	second.answer = () => {
		throw new CairnError("rpc-link", "operator", "broken");
	};
	const [first] = takers;
	assert.ok(first);
	first.connected = true;
	await time.advance(1_000);
	assert.equal(first.taken.length, 2);
	assert.equal(ledger.refusedCount, 0);
});

test("refusals are counted by reason, whether by the application or by the node", async () => {
	const taker = new Taker();
	const { time, ledger, runner } = running(1, [taker]);
	const answers: (() => CheckAnswer)[] = [
		() => ({ code: 7, codespace: "depin", log: "" }),
		() => {
			throw new CairnError("rpc-refused", "operator", "mempool is full: number of txs");
		},
		() => {
			throw new CairnError("rpc-refused", "operator", "tx already exists in cache");
		},
		() => {
			throw new CairnError("rpc-refused", "operator", "anything else");
		},
	];
	taker.answer = () => answers.shift()?.() ?? ACCEPTED;
	await time.advance(5_000);
	assert.deepEqual(Object.fromEntries(ledger.refused), { "bad-signature": 1, "mempool-full": 1, "rpc-error": 1 });
	assert.equal(ledger.pendingCount, 2);
	runner.end();
});

test("what waits too long is looked for, then handed in again elsewhere, and given up at last", async () => {
	const takers = [new Taker(), new Taker()];
	const { time, ledger, runner } = running(1, takers);
	await time.advance(1_000);
	runner.stop();
	await time.advance(9_000);
	assert.deepEqual(
		takers.map(({ taken }) => taken.length),
		[1, 1],
	);
	await time.advance(60_000);
	assert.deepEqual(Object.fromEntries(ledger.refused), { lost: 1 });
	runner.end();
});

test("a transaction that is in a block after all is found by its hash", async () => {
	const asked: unknown[] = [];
	const { time, ledger, runner } = running(1, [new Taker()], async (calls) => {
		asked.push(...calls);
		return [{ height: "12", tx_result: { code: 0 } }];
	});
	await time.advance(1_000);
	runner.stop();
	await time.advance(9_000);
	assert.deepEqual(asked, [{ method: "tx", params: { hash: toBase64(sha256(Uint8Array.of(0, 1))) } }]);
	assert.equal(ledger.committed, 1);
	runner.end();
});

test("a chain that stands still is not flooded", async () => {
	const { time, ledger, runner } = running(2, [new Taker()], () => new Promise(() => {}));
	await time.advance(60_000);
	assert.equal(ledger.pendingCount, 20);
	runner.end();
});
