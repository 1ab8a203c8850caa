import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FaultLedger } from "./fault-ledger.ts";
import { FAULT_WINDOW, FIRST_BAN, LONGEST_BAN } from "./limits.ts";

describe("fault ledger", () => {
	it("bans at the limit, for a time that doubles up to a day", () => {
		const ledger = new FaultLedger();
		let now = 0;
		for (let ban = FIRST_BAN; ban < LONGEST_BAN * 4; ban *= 2) {
			assert.equal(ledger.record("a", 2, now), 0);
			assert.equal(ledger.isBanned("a", now), false);
			const length = ledger.record("a", 2, now);
			assert.equal(length, Math.min(ban, LONGEST_BAN));
			assert.ok(ledger.isBanned("a", now + length - 1));
			assert.equal(ledger.isBanned("b", now), false);
			now += length;
			assert.equal(ledger.isBanned("a", now), false);
		}
	});

	it("forgets faults that lie far apart", () => {
		const ledger = new FaultLedger();
		for (let i = 0; i < 10; i++) assert.equal(ledger.record("a", 2, i * (FAULT_WINDOW + 1)), 0);
	});

	it("remembers a bounded number, the latest", () => {
		const ledger = new FaultLedger(100);
		for (let i = 0; i < 1000; i++) ledger.record(`${i}`, 1, 0);
		assert.equal(ledger.size, 100);
		assert.ok(ledger.isBanned("999", 1));
		assert.equal(ledger.isBanned("1", 1), false);
	});

	it("forgives", () => {
		const ledger = new FaultLedger();
		ledger.record("a", 1, 0);
		ledger.forgive("a");
		assert.equal(ledger.isBanned("a", 1), false);
	});
});
