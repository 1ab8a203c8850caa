import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AbciClient, BaseApplication, localConnections } from "@cairn/abci";
import { CairnError, noMetrics, silentLogger, utf8 } from "@cairn/kit";
import { txKey } from "@cairn/types";
import { abci } from "@cairn/types/proto";
import { ManualTime, settle } from "@cairn/world";
import { MEMPOOL_OPTIONS } from "../testing/test-chain.ts";
import { encodedTxSize, Mempool, type MempoolOptions, type TxLimits } from "./mempool.ts";

const LIMITS: TxLimits = { maxDataBytes: 1_000, maxGas: -1n };

/** An application whose answers a test chooses by transaction and kind of check. */
class Judge extends BaseApplication {
	answers: (tx: string, isRecheck: boolean) => Partial<abci.ResponseCheckTx> | Promise<Partial<abci.ResponseCheckTx>> =
		() => ({});
	readonly asked: string[] = [];

	override async checkTx(request: abci.RequestCheckTx): Promise<abci.ResponseCheckTx> {
		const tx = Buffer.from(request.tx).toString();
		const isRecheck = request.type === abci.CheckTxType.RECHECK;
		this.asked.push(isRecheck ? `${tx} again` : tx);
		return abci.ResponseCheckTx.create(await this.answers(tx, isRecheck));
	}
}

function mempoolOf(options: Partial<MempoolOptions> = {}, limits: TxLimits = LIMITS) {
	const application = new Judge();
	const time = new ManualTime();
	const connection: AbciClient = localConnections(application).mempool;
	const parts = { connection, timers: time, logger: silentLogger, metrics: noMetrics };
	const mempool = new Mempool({ ...MEMPOOL_OPTIONS, ...options }, 0, limits, parts);
	return { application, mempool, time };
}

const submit = (mempool: Mempool, tx: string, sender = "") => mempool.checkTx(utf8(tx), sender);
const refusal = (code: string) => (error: unknown) => error instanceof CairnError && error.code === code;
const texts = (txs: readonly Uint8Array[]) => txs.map((tx) => Buffer.from(tx).toString());
const waiting = (mempool: Mempool) => texts(mempool.reapMaxTxs(-1));

async function commit(
	mempool: Mempool,
	height: number,
	txs: readonly string[],
	codes: readonly number[] = [],
	limits = LIMITS,
) {
	await mempool.lock();
	try {
		const bytes = txs.map((tx) => utf8(tx));
		await mempool.update(
			height,
			bytes,
			txs.map((_, index) => codes[index] ?? 0),
			limits,
		);
	} finally {
		mempool.unlock();
	}
}

describe("mempool takes transactions", () => {
	it("in order, with height, gas and sender", async () => {
		const { mempool, application } = mempoolOf();
		application.answers = (tx) => ({ gasWanted: BigInt(tx.length) });
		await submit(mempool, "a", "peer");
		await submit(mempool, "bb");
		assert.deepEqual(waiting(mempool), ["a", "bb"]);
		const entries = [...mempool.entries];
		assert.deepEqual(
			entries.map(({ gasWanted }) => gasWanted),
			[1n, 2n],
		);
		assert.deepEqual([...(entries[0]?.senders ?? [])], ["peer"]);
		assert.equal(mempool.bytes, 3);
	});

	it("only once, and remembers everybody who sent it", async () => {
		const { mempool, application } = mempoolOf();
		await submit(mempool, "a", "one");
		await assert.rejects(submit(mempool, "a", "two"), refusal("tx-in-cache"));
		assert.deepEqual([...(mempool.entries.get(txKey(utf8("a")))?.senders ?? [])], ["one", "two"]);
		assert.deepEqual(application.asked, ["a"]);
	});

	it("only what the application accepts; what it refuses may come again, unless told otherwise", async () => {
		for (const keepInvalidTxsInCache of [false, true]) {
			const { mempool, application } = mempoolOf({ keepInvalidTxsInCache });
			application.answers = () => ({ code: 7, log: "no" });
			assert.equal((await submit(mempool, "a")).code, 7);
			assert.equal(mempool.size, 0);
			const second = submit(mempool, "a");
			if (keepInvalidTxsInCache) await assert.rejects(second, refusal("tx-in-cache"));
			else assert.equal((await second).code, 7);
		}
	});

	it("only within its bounds, and up to them", async () => {
		const { mempool } = mempoolOf({ size: 2, maxTxsBytes: 10, maxTxBytes: 6 });
		await assert.rejects(submit(mempool, "1234567"), refusal("tx-too-large"));
		await submit(mempool, "123456");
		await assert.rejects(submit(mempool, "12345"), refusal("mempool-full"));
		await submit(mempool, "1234");
		assert.equal(mempool.bytes, 10);
		await assert.rejects(submit(mempool, "x"), refusal("mempool-full"));
		const roomy = mempoolOf({ size: 1 });
		await submit(roomy.mempool, "a");
		await assert.rejects(submit(roomy.mempool, "b"), refusal("mempool-full"));
	});

	it("only what fits into a block, as it is encoded there", async () => {
		const { mempool } = mempoolOf({}, { maxDataBytes: 203, maxGas: -1n });
		assert.equal(encodedTxSize(200), 203);
		await submit(mempool, "x".repeat(200));
		await assert.rejects(submit(mempool, "x".repeat(201)), refusal("tx-pre-check"));
	});

	it("only what fits into the gas of a block", async () => {
		const { mempool, application } = mempoolOf({}, { maxDataBytes: 1_000, maxGas: 5n });
		for (const [tx, gasWanted] of [
			["five", 5n],
			["six", 6n],
			["negative", -1n],
		] as const) {
			application.answers = () => ({ gasWanted });
			await submit(mempool, tx);
		}
		assert.deepEqual(waiting(mempool), ["five"]);
	});

	it("not at all where it is switched off", async () => {
		const { mempool } = mempoolOf({ enabled: false });
		await assert.rejects(submit(mempool, "a"), refusal("mempool-disabled"));
	});

	it("keeps its bounds when many are checked at the same time", async () => {
		const { mempool } = mempoolOf({ size: 3 });
		await Promise.all(["a", "b", "c", "d", "e"].map((tx) => submit(mempool, tx)));
		assert.deepEqual(waiting(mempool), ["a", "b", "c"]);
		// What found no room was forgotten: it may come again.
		await commit(mempool, 1, ["a"]);
		await submit(mempool, "d");
		assert.deepEqual(waiting(mempool), ["b", "c", "d"]);
	});

	it("says beforehand what it would turn away, and then does", async () => {
		const { mempool, application } = mempoolOf({ size: 2 });
		const away = (tx: string) => mempool.turnsAway(txKey(utf8(tx)), tx.length);
		assert.equal(away("a"), false);
		await submit(mempool, "a");
		assert.deepEqual([away("a"), away("b")], [true, false]);
		await commit(mempool, 1, ["a"]);
		assert.equal(away("a"), true, "what a block holds is known");
		await submit(mempool, "b");
		await submit(mempool, "c");
		assert.equal(away("d"), true, "there is no room");
		await assert.rejects(submit(mempool, "d"), refusal("mempool-full"));
		application.answers = () => ({ code: 1 });
		await commit(mempool, 2, []);
		assert.deepEqual([mempool.size, away("d"), away("b")], [0, false, false]);
	});

	it("survives an application that fails at a check", async () => {
		const { mempool, application } = mempoolOf();
		application.answers = () => {
			throw new Error("application's database is gone");
		};
		await assert.rejects(submit(mempool, "a"), refusal("app-connection"));
		application.answers = () => ({});
		await submit(mempool, "a");
		assert.deepEqual(waiting(mempool), ["a"]);
	});
});

describe("mempool after a block", () => {
	it("lets go what the block holds, from the list and to the cache", async () => {
		const { mempool } = mempoolOf();
		for (const tx of ["a", "b", "c"]) await submit(mempool, tx);
		await commit(mempool, 1, ["b", "foreign"]);
		assert.deepEqual(waiting(mempool), ["a", "c"]);
		await assert.rejects(submit(mempool, "b"), refusal("tx-in-cache"));
		await assert.rejects(submit(mempool, "foreign"), refusal("tx-in-cache"));
	});

	it("lets a transaction that failed in a block come again", async () => {
		const { mempool } = mempoolOf();
		await submit(mempool, "a");
		await commit(mempool, 1, ["a"], [3]);
		await submit(mempool, "a");
		assert.deepEqual(waiting(mempool), ["a"]);
	});

	it("asks again about what stays, and drops what is no longer valid", async () => {
		const { mempool, application } = mempoolOf();
		for (const tx of ["a", "b", "c", "d"]) await submit(mempool, tx);
		application.answers = (tx) => ({ code: tx === "b" ? 1 : 0 });
		await commit(mempool, 1, ["a"]);
		assert.deepEqual(application.asked.slice(4), ["b again", "c again", "d again"]);
		assert.deepEqual(waiting(mempool), ["c", "d"]);
		application.answers = () => ({});
		await submit(mempool, "b");
	});

	it("drops what no longer fits into the gas of a block", async () => {
		const { mempool, application } = mempoolOf();
		application.answers = (tx) => ({ gasWanted: BigInt(tx.length) });
		for (const tx of ["a", "bbbb"]) await submit(mempool, tx);
		await commit(mempool, 1, [], [], { maxDataBytes: 1_000, maxGas: 2n });
		assert.deepEqual(waiting(mempool), ["a"]);
	});

	it("asks nothing again where recheck is off", async () => {
		const { mempool, application } = mempoolOf({ recheck: false });
		for (const tx of ["a", "b"]) await submit(mempool, tx);
		await commit(mempool, 1, ["a"]);
		assert.deepEqual(application.asked, ["a", "b"]);
	});

	it("does not wait for ever for the answers, nor takes them late", async () => {
		const { mempool, application, time } = mempoolOf({ recheckTimeoutMs: 500 });
		for (const tx of ["a", "b"]) await submit(mempool, tx);
		let answer = (_: Partial<abci.ResponseCheckTx>): void => undefined;
		application.answers = () => {
			return new Promise((resolve) => {
				answer = resolve;
			});
		};
		let isDone = false;
		const done = commit(mempool, 1, []).then(() => {
			isDone = true;
		});
		await time.advance(499);
		assert.equal(isDone, false);
		await time.advance(1);
		await done;
		answer({ code: 1 });
		await settle();
		assert.deepEqual(waiting(mempool), ["a", "b"]);
		assert.equal(time.nextDue, undefined);
	});

	it("drops a transaction at whose recheck the application fails, and goes on", async () => {
		const { mempool, application } = mempoolOf();
		for (const tx of ["a", "b", "c"]) await submit(mempool, tx);
		application.answers = (tx) => {
			if (tx === "b") throw new Error("overflow");
			return {};
		};
		await commit(mempool, 1, []);
		assert.deepEqual(waiting(mempool), ["a", "c"]);
		application.answers = () => ({});
		await submit(mempool, "d");
	});

	it("says once per height that there is work", async () => {
		const { mempool } = mempoolOf();
		let calls = 0;
		mempool.onAvailable(() => calls++);
		await submit(mempool, "a");
		await submit(mempool, "b");
		assert.equal(calls, 1);
		await commit(mempool, 1, ["a"]);
		assert.equal(calls, 2);
		await commit(mempool, 2, ["b"]);
		assert.equal(calls, 2);
		await submit(mempool, "c");
		assert.equal(calls, 3);
	});
});

describe("a locked mempool", () => {
	it("has no check under way, and begins none", async () => {
		const { mempool, application } = mempoolOf();
		let answer = (_: Partial<abci.ResponseCheckTx>): void => undefined;
		application.answers = () => {
			return new Promise((resolve) => {
				answer = resolve;
			});
		};
		const before = submit(mempool, "before");
		let isLocked = false;
		const locked = mempool.lock().then(() => {
			isLocked = true;
			return mempool.size;
		});
		const during = submit(mempool, "during");
		await settle();
		assert.deepEqual([isLocked, application.asked], [false, ["before"]]);
		answer({});
		assert.equal(await locked, 1, "what was asked before is in the list by then");
		await before;
		await settle();
		assert.deepEqual(application.asked, ["before"]);
		application.answers = () => ({});
		mempool.unlock();
		await during;
		assert.deepEqual(waiting(mempool), ["before", "during"]);
	});

	it("can be locked by one at a time", async () => {
		const { mempool } = mempoolOf();
		await mempool.lock();
		const order: string[] = [];
		const second = mempool.lock().then(() => order.push("second"));
		await settle();
		order.push("first unlocks");
		mempool.unlock();
		await second;
		assert.deepEqual(order, ["first unlocks", "second"]);
		mempool.unlock();
	});

	it("stays unlocked when the application cannot be flushed", async () => {
		const { mempool, application } = mempoolOf();
		const closed = localConnections(application).mempool;
		const parts = { connection: closed, timers: new ManualTime(), logger: silentLogger, metrics: noMetrics };
		const lost = new Mempool(MEMPOOL_OPTIONS, 0, LIMITS, parts);
		await closed.close();
		await assert.rejects(lost.lock(), refusal("app-connection"));
		await assert.rejects(lost.lock(), refusal("app-connection"));
		assert.equal(mempool.size, 0);
	});
});

describe("mempool gives transactions to a block", () => {
	it("whole ones from the front, within bytes and gas", async () => {
		const { mempool, application } = mempoolOf();
		application.answers = (tx) => ({ gasWanted: BigInt(tx.length) });
		for (const tx of ["aaa", "bb", "c"]) await submit(mempool, tx);
		const reaped = (bytes: number, gas: bigint) => texts(mempool.reapMaxBytesMaxGas(bytes, gas));
		assert.deepEqual(reaped(-1, -1n), ["aaa", "bb", "c"]);
		assert.deepEqual(reaped(9, -1n), ["aaa", "bb"]);
		assert.deepEqual(reaped(8, -1n), ["aaa"]);
		assert.deepEqual(reaped(4, -1n), []);
		assert.deepEqual(reaped(-1, 5n), ["aaa", "bb"]);
		assert.deepEqual(reaped(-1, 4n), ["aaa"]);
		assert.deepEqual(reaped(0, 0n), []);
		assert.equal(mempool.size, 3);
		assert.deepEqual(texts(mempool.reapMaxTxs(2)), ["aaa", "bb"]);
		assert.deepEqual(texts(mempool.reapMaxTxs(0)), []);
	});

	it("forgets everything on flush", async () => {
		const { mempool } = mempoolOf();
		for (const tx of ["a", "b"]) await submit(mempool, tx);
		mempool.flush();
		assert.deepEqual([mempool.size, mempool.bytes, waiting(mempool)], [0, 0, []]);
		await submit(mempool, "a");
	});
});
