import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import type { Mempool } from "@cairn/chain";
import { CairnError, utf8 } from "@cairn/kit";
import { abci } from "@cairn/types/proto";
import { ManualTime } from "@cairn/world";
import type { RpcEnvironment } from "../environment.ts";
import { ask } from "../testing/ask.ts";
import { HTTP_CALLER } from "../testing/calls.ts";
import { RecordedNode } from "../testing/recorded-node.ts";
import { recording } from "../testing/vectors.ts";

const TX = utf8("a=1");
const BASE64 = Buffer.from(TX).toString("base64");

let node: RecordedNode;
const time = new ManualTime();

beforeEach(async () => {
	node = await RecordedNode.at(recording("short"), 1, { timers: time });
});

/** A mempool whose application answers when it is told to. */
function slowMempool(): { mempool: Mempool; answer: (response: Partial<abci.ResponseCheckTx>) => void } {
	let resolve = (_: abci.ResponseCheckTx): void => {};
	const answered = new Promise<abci.ResponseCheckTx>((done) => {
		resolve = done;
	});
	const checkTx: Mempool["checkTx"] = (_tx, _sender, onEntered) => {
		onEntered?.();
		return answered;
	};
	return {
		mempool: { checkTx } as unknown as Mempool,
		answer: (response) => resolve(abci.ResponseCheckTx.create(response)),
	};
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("broadcast_tx_async", () => {
	test("does not wait for the application", async () => {
		const { mempool } = slowMempool();
		const outcome = await ask({ ...node.environment, mempool }, "broadcast_tx_async", { tx: BASE64 });
		const { result } = outcome as { result: { code: number; hash: string } };
		assert.equal(result.code, 0);
		assert.match(result.hash, /^[0-9A-F]{64}$/);
	});

	test("tells what the mempool itself has against a transaction", async () => {
		await ask(node.environment, "broadcast_tx_async", { tx: BASE64 });
		const again = await ask(node.environment, "broadcast_tx_async", { tx: BASE64 });
		assert.deepEqual(again, { fault: "tx already exists in cache" });
	});

	test("the long way of reading a request comes to the same", async () => {
		const plain = await ask(node.environment, "broadcast_tx_sync", { tx: BASE64 });
		node.mempool.flush();
		assert.deepEqual(await ask(node.environment, "broadcast_tx_sync", [BASE64]), plain);
		node.mempool.flush();
		assert.deepEqual(await ask(node.environment, "broadcast_tx_sync", { tx: "YT0\nx" }), plain);
		node.mempool.flush();
		assert.deepEqual(await ask(node.environment, "broadcast_tx_sync", { tx: [...TX] }), plain);
	});
});

describe("while the node catches up", () => {
	for (const method of ["broadcast_tx_async", "broadcast_tx_sync", "broadcast_tx_commit"]) {
		test(`${method} is closed`, async () => {
			node.condition.isSyncing = true;
			const outcome = await ask(node.environment, method, { tx: BASE64 });
			assert.deepEqual(outcome, { fault: "endpoint is closed while node is catching up" });
			assert.equal(node.mempool.size, 0);
		});
	}

	test("status says so, and the next height is not known yet", async () => {
		node.condition.isSyncing = true;
		const { result } = (await ask(node.environment, "status")) as { result: { sync_info: { catching_up: boolean } } };
		assert.equal(result.sync_info.catching_up, true);
		assert.match(JSON.stringify(await ask(node.environment, "validators", { height: "2" })), /blockchain height 1"/);
		node.condition.isSyncing = false;
		assert.match(JSON.stringify(await ask(node.environment, "validators", { height: "2" })), /"block_height":"2"/);
	});
});

describe("broadcast_tx_commit", () => {
	const commit = (environment: RpcEnvironment, context = HTTP_CALLER) =>
		ask(environment, "broadcast_tx_commit", { tx: BASE64 }, context);

	function publish(tx: Uint8Array, code: number): void {
		node.events.publish({ name: "Tx", height: 9, index: 0, tx, result: abci.ExecTxResult.create({ code }) });
	}

	test("waits for the block, with the index off as well", async () => {
		const { mempool, answer } = slowMempool();
		const pending = commit({ ...node.environment, mempool, index: null });
		await turn();
		assert.equal(node.subscriptions.countOf(HTTP_CALLER.client), 1);
		publish(utf8("another=1"), 5);
		publish(TX, 7);
		await time.advance(1);
		answer({ gasWanted: 3n });
		const { result } = (await pending) as { result: { height: string; tx_result: { code: number } } };
		assert.deepEqual([result.height, result.tx_result.code], ["9", 7], "even if the block was there before the answer");
		assert.equal(node.subscriptions.clientCount, 0);
	});

	test("ends at once when the application refuses", async () => {
		const { mempool, answer } = slowMempool();
		answer({ code: 3, log: "no" });
		const { result } = (await commit({ ...node.environment, mempool })) as { result: { height: string } };
		assert.equal(result.height, "0");
		assert.equal(node.subscriptions.clientCount, 0);
	});

	test("passes on why the mempool refuses", async () => {
		const full = async (): Promise<never> => {
			throw new CairnError("mempool-full", "operator", "mempool is full");
		};
		const outcome = await commit({ ...node.environment, mempool: { checkTx: full } as unknown as Mempool });
		assert.deepEqual(outcome, { fault: "error on broadcastTxCommit: mempool is full" });
		assert.equal(node.subscriptions.clientCount, 0);
	});

	test("waits as long as the configuration says, and for the same transaction once a client", async () => {
		const { mempool, answer } = slowMempool();
		answer({});
		const environment = { ...node.environment, mempool };
		const pending = commit(environment);
		await turn();
		const second = await commit(environment);
		assert.deepEqual(second, { fault: "failed to subscribe to tx: already subscribed" });
		await time.advance(9_999);
		await turn();
		assert.equal(node.subscriptions.clientCount, 1);
		await time.advance(1);
		assert.deepEqual(await pending, { fault: "timed out waiting for tx to be included in a block" });
		assert.equal(node.subscriptions.clientCount, 0);
	});

	test("ends when its client goes, and when the node stops", async () => {
		const { mempool, answer } = slowMempool();
		answer({});
		const environment = { ...node.environment, mempool };
		let goes = (): void => {};
		const context = {
			...HTTP_CALLER,
			onGone: (listener: () => void) => {
				goes = listener;
				return () => {};
			},
		};
		const first = commit(environment, context);
		await turn();
		goes();
		assert.deepEqual(await first, { fault: "the client is gone" });
		const second = commit(environment);
		await turn();
		node.subscriptions.cancelAll("CometBFT exited");
		assert.deepEqual(await second, { fault: "txSub was canceled (reason: CometBFT exited)" });
		assert.equal(node.subscriptions.clientCount, 0);
	});
});

describe("unconfirmed transactions", () => {
	test("as many as asked for, thirty unless told", async () => {
		for (let i = 0; i < 120; i++) await node.mempool.checkTx(utf8(`many${i}=1`), "");
		const count = async (params: object): Promise<unknown> => {
			const { result } = (await ask(node.environment, "unconfirmed_txs", params)) as {
				result: { n_txs: string; total: string; txs: string[] };
			};
			assert.equal(result.txs.length, Number(result.n_txs));
			return [result.n_txs, result.total];
		};
		assert.deepEqual(await count({}), ["30", "120"]);
		assert.deepEqual(await count({ limit: "0" }), ["30", "120"]);
		assert.deepEqual(await count({ limit: "7" }), ["7", "120"]);
		assert.deepEqual(await count({ limit: "101" }), ["100", "120"]);
		await ask(node.environment, "unsafe_flush_mempool");
		assert.deepEqual(await ask(node.environment, "unconfirmed_txs"), {
			result: { n_txs: "0", total: "0", total_bytes: "0", txs: [] },
		});
	});
});
