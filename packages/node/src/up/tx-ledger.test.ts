import assert from "node:assert/strict";
import { test } from "node:test";
import { refusalReason } from "./fleet.ts";
import type { AnnouncedTx } from "./node-link.ts";
import { Durations } from "./percentile.ts";
import { TxLedger } from "./tx-ledger.ts";

const settled = (tx: string, code = 0): AnnouncedTx => ({ tx, code, codespace: "depin", log: "" });

test("every transaction ends in one column: accepted, refused by reason, or still under way", () => {
	const ledger = new TxLedger(refusalReason);
	for (const [index, tx] of ["a", "b", "c", "d", "e"].entries()) ledger.submit(tx, "accepted", index * 100);
	ledger.final({ height: 1, txs: [settled("a"), settled("b", 17), settled("foreign")] }, 1_000);
	ledger.final({ height: 1, txs: [settled("a")] }, 2_000);
	ledger.refuseByCode("c", 7, "depin");
	ledger.refuseByCode("c", 7, "depin");
	assert.equal(ledger.pendingCount, 2);
	ledger.refuse("d", "mempool-full");
	ledger.close("unconfirmed");
	assert.equal(ledger.sent, 5);
	assert.equal(ledger.committed, 1);
	assert.deepEqual(Object.fromEntries(ledger.refused), {
		"out-of-range": 1,
		"bad-signature": 1,
		"mempool-full": 1,
		unconfirmed: 1,
	});
	assert.equal(ledger.committed + ledger.refusedCount, ledger.sent);
	assert.equal(ledger.surprises, 4);
});

test("verdicts that the fleet meant are no surprise, acceptance of a fault is one", () => {
	const ledger = new TxLedger(refusalReason);
	ledger.submit("a", "bad-signature", 0);
	ledger.refuseByCode("a", 7, "depin");
	assert.equal(ledger.surprises, 0);
	ledger.submit("b", "replay", 0);
	ledger.final({ height: 1, txs: [settled("b")] }, 10);
	assert.equal(ledger.surprises, 1);
});

test("latency runs from the first attempt to the block; what waits long is overdue until it is handed in again", () => {
	const ledger = new TxLedger(refusalReason);
	ledger.submit("a", "accepted", 1_000);
	assert.deepEqual(ledger.overdue(8_999, 8_000), []);
	assert.equal(ledger.overdue(9_000, 8_000).length, 1);
	ledger.resubmit("a", 9_000);
	ledger.resubmit("unknown", 9_000);
	assert.deepEqual(ledger.overdue(10_000, 8_000), []);
	assert.deepEqual(ledger.overdue(17_000, 8_000), [
		{ tx: "a", expected: "accepted", sentAt: 1_000, attempts: 2, lastAttemptAt: 9_000 },
	]);
	ledger.final({ height: 1, txs: [settled("a")] }, 11_000);
	assert.equal(ledger.recentLatency(0.99), 10_000);
	assert.equal(ledger.latencies.count, 1);
	assert.equal(ledger.isPending("a"), false);
});

test("codes that nobody knows still have a name", () => {
	assert.equal(refusalReason(8, "depin"), "replay");
	assert.equal(refusalReason(8, ""), "replay");
	assert.equal(refusalReason(999, "depin"), "depin-999");
	assert.equal(refusalReason(5, "sdk"), "sdk-5");
	assert.equal(refusalReason(999, ""), "code-999");
});

test("percentiles of any number of durations are right within one in a hundred", () => {
	const durations = new Durations();
	assert.equal(durations.percentile(0.5), null);
	for (let ms = 1; ms <= 10_000; ms++) durations.add(ms);
	for (const share of [0.01, 0.5, 0.9, 0.99, 1]) {
		const found = durations.percentile(share) ?? 0;
		assert.ok(Math.abs(found / (share * 10_000) - 1) < 0.0101, `${share}: ${found}`);
	}
	durations.add(0);
	assert.equal(durations.percentile(0), 1);
	assert.equal(durations.count, 10_001);
});
