import assert from "node:assert/strict";
import { after, test } from "node:test";
import { CairnError } from "@cairn/kit";
import { readChain } from "./accounts.ts";
import { readNode, SILENT } from "./monitor.ts";
import { RpcClient } from "./rpc-client.ts";
import { FakeNode } from "./testing/fake-node.ts";

const node = await FakeNode.start(() => ({}));
after(() => node.stop());
const client = new RpcClient(node.address);

test("results of a batch come in the order of its calls, also where it is one call", async () => {
	node.answer = (method, params) => ({ method, params });
	assert.deepEqual(await client.batch([{ method: "a" }, { method: "b", params: { x: "1" } }], 5_000), [
		{ method: "a", params: {} },
		{ method: "b", params: { x: "1" } },
	]);
	assert.deepEqual(await client.call({ method: "c" }, 5_000), { method: "c", params: {} });
});

test("a node's error, silence and absence are named with the node", async () => {
	const refusal = (message: RegExp) => (error: unknown) =>
		error instanceof CairnError && error.code === "rpc" && message.test(error.message);
	node.answer = () => {
		throw new Error("height 9 must be less than or equal to the current blockchain height 3");
	};
	await assert.rejects(client.call({ method: "block" }, 5_000), refusal(/^block of the node at .*: height 9 must be/));
	await assert.rejects(client.batch([{ method: "x" }, { method: "y" }], 5_000), refusal(/^x of the node/));
	const gone = await FakeNode.start(() => ({}));
	const { address } = gone;
	await gone.stop();
	await assert.rejects(new RpcClient(address).call({ method: "status" }, 5_000), refusal(/ECONNREFUSED/));
});

const STATUS = {
	sync_info: { latest_block_height: "25", earliest_block_height: "1", catching_up: true },
	validator_info: { address: "AB" },
};

test("a node's state is put together from three answers; without them it is unreachable", async () => {
	const answers: Readonly<Record<string, unknown>> = {
		status: STATUS,
		net_info: { n_peers: "3", peers: [] },
		consensus_state: { round_state: { "height/round/step": "26/2/4", proposer: { address: "CD", index: 1 } } },
	};
	node.answer = (method) => answers[method];
	const reading = await readNode(client, SILENT, 5_000);
	assert.deepEqual(reading, {
		reachable: true,
		height: 25,
		catchingUp: true,
		peers: 3,
		nextHeight: 26,
		round: 2,
		proposer: "CD",
		address: "AB",
	});
	node.answer = () => {
		throw new Error("no");
	};
	assert.deepEqual(await readNode(client, reading, 5_000), { ...reading, reachable: false });
});

const hash = (height: number): string => String(height).padStart(64, "0");

function commitAt(height: number): object {
	const header = { height: String(height), app_hash: `A${height}` };
	return { signed_header: { header, commit: { round: height % 2, block_id: { hash: hash(height) } } } };
}

test("a chain is read up to a height, in batches", async () => {
	node.answer = (method, params) =>
		method === "status" ? STATUS : commitAt(Number((params as { height: string }).height));
	node.calls.length = 0;
	const { height, words, failure } = await readChain(client, 23);
	assert.equal(failure, null);
	assert.equal(height, 25);
	assert.deepEqual(
		words,
		Array.from({ length: 23 }, (_, index) => ({
			height: index + 1,
			blockId: hash(index + 1),
			appHash: `A${index + 1}`,
			round: (index + 1) % 2,
		})),
	);
	assert.equal(node.calls.length, 1 + 23);
});

test("a node that cannot tell its chain, or tells nonsense, gives a failure instead of an account", async () => {
	node.answer = (method) => {
		if (method === "status") return STATUS;
		throw new Error("block pruned");
	};
	assert.match((await readChain(client, 25)).failure ?? "", /block pruned/);
	node.answer = (method) => (method === "status" ? STATUS : {});
	assert.match((await readChain(client, 25)).failure ?? "", /commit at height 1 is none/);
	node.answer = (method) => (method === "status" ? STATUS : commitAt(7));
	assert.match((await readChain(client, 25)).failure ?? "", /commit at height 1 is none/);
});
