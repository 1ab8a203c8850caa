import assert from "node:assert/strict";
import { test } from "node:test";
import { CairnError } from "@cairn/kit";
import { realWorld } from "@cairn/world";
import { type AnnouncedBlock, NodeLink } from "./node-link.ts";
import { FakeNode, newBlock } from "./testing/fake-node.ts";

const { timers } = realWorld();

function follow(address: string) {
	const blocks: AnnouncedBlock[] = [];
	const waiting: (() => void)[] = [];
	const link = new NodeLink(address, timers, {
		block: (block) => {
			blocks.push(block);
			for (const resolve of waiting.splice(0)) resolve();
		},
	});
	return { link, blocks, nextBlock: (): Promise<void> => new Promise((resolve) => waiting.push(resolve)) };
}

const code = (wanted: string) => (error: unknown) => error instanceof CairnError && error.code === wanted;

test("a link carries transactions there and blocks here, and comes back after a break", async () => {
	const node = await FakeNode.start((method) =>
		method === "subscribe" ? {} : { code: 5, codespace: "depin", log: "no" },
	);
	const { link, blocks, nextBlock } = follow(node.address);
	await assert.rejects(link.broadcast("AA=="), code("rpc-link"));
	const subscribed = node.nextMessage();
	link.start();
	await subscribed;
	assert.equal(link.connected, true);
	assert.deepEqual(await link.broadcast("AA=="), { code: 5, codespace: "depin", log: "no" });
	const announced = nextBlock();
	node.push(newBlock(7, ["AQ==", "Ag=="], [0, 16]));
	await announced;
	assert.deepEqual(blocks, [
		{
			height: 7,
			txs: [
				{ tx: "AQ==", code: 0, codespace: "depin", log: "" },
				{ tx: "Ag==", code: 16, codespace: "depin", log: "" },
			],
		},
	]);
	const again = node.nextMessage();
	node.drop();
	await again;
	assert.deepEqual(node.calls, ["subscribe", "broadcast_tx_sync", "subscribe"]);
	link.stop();
	assert.equal(link.connected, false);
	await node.stop();
});

test("a node's refusal is told apart from a link that broke", async () => {
	const node = await FakeNode.start((method) => {
		if (method === "subscribe") return {};
		throw new Error("mempool is full: number of txs 5000 (max: 5000)");
	});
	const { link } = follow(node.address);
	const subscribed = node.nextMessage();
	link.start();
	await subscribed;
	await assert.rejects(link.broadcast("AA=="), (error: unknown) => {
		assert.ok(error instanceof CairnError);
		assert.equal(error.code, "rpc-refused");
		assert.match(error.message, /mempool is full/);
		return true;
	});
	node.answer = () => undefined;
	const asked = node.nextMessage();
	const silent = link.broadcast("AA==");
	const broken = assert.rejects(silent, code("rpc-link"));
	await asked;
	node.drop();
	await broken;
	link.stop();
	await node.stop();
});

test("a subscription that the node ended, and nonsense, make a new connection", async () => {
	const node = await FakeNode.start(() => ({}));
	const { link } = follow(node.address);
	const subscribed = node.nextMessage();
	link.start();
	await subscribed;
	for (const message of [
		{ jsonrpc: "2.0", id: 1, error: { code: -32000, message: "client is not pulling" } },
		"{nonsense",
	]) {
		const again = node.nextMessage();
		node.push(message);
		await again;
	}
	link.stop();
	await node.stop();
});
