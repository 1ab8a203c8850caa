import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, beforeEach, describe, test } from "node:test";
import type { ChainEvent } from "@cairn/chain";
import { NIL_BLOCK_ID } from "@cairn/types";
import { WebSocket } from "ws";
import { request } from "../testing/calls.ts";
import { RecordedNode } from "../testing/recorded-node.ts";
import { recording } from "../testing/vectors.ts";
import { TestSocket } from "../testing/web-socket-client.ts";
import type { ServerOptions } from "./options.ts";
import type { RpcServer } from "./rpc-server.ts";

let node: RecordedNode;
let open: { close(): unknown }[] = [];

/** Address of a server with these options, closed after the test. */
async function serve(change: Partial<ServerOptions> = {}): Promise<string> {
	const server: RpcServer = await node.serve(change);
	open.push(server);
	return server.addresses[0] ?? "";
}

async function client(address: string): Promise<TestSocket> {
	const socket = await TestSocket.open(address);
	open.unshift(socket);
	return socket;
}

before(async () => {
	node = await RecordedNode.at(recording("short"), 3);
});
async function closeAll(): Promise<void> {
	const all = open;
	open = [];
	for (const each of all) await each.close();
}
beforeEach(closeAll);
after(closeAll);

const step = (height: number): ChainEvent => ({ name: "NewRoundStep", height, round: 0, step: "RoundStepPropose" });
const STEPS = { query: "tm.event='NewRoundStep'" };
const ok = (id: string): string => `{"jsonrpc":"2.0","id":${id},"result":{}}`;
const fault = (answer: string): { code: number; data: string } => JSON.parse(answer).error;

/** A client's connections are all gone for the server too. */
async function untilNoClients(): Promise<void> {
	while (node.subscriptions.clientCount > 0) await new Promise((resolve) => setImmediate(resolve));
}

describe("subscriptions over WebSocket", () => {
	test("events carry the id of the request that asked for them, until it is withdrawn", async () => {
		const socket = await client(await serve());
		assert.equal(await socket.call("s", "subscribe", STEPS), ok('"s"'));
		node.events.publish(step(7));
		const frame = await socket.frame((each) => each.includes('"height":"7"'));
		assert.equal(
			frame,
			'{"jsonrpc":"2.0","id":"s","result":{"query":"tm.event=\'NewRoundStep\'",' +
				'"data":{"type":"tendermint/event/RoundState","value":{"height":"7","round":0,"step":"RoundStepPropose"}},' +
				'"events":{"tm.event":["NewRoundStep"]}}}',
		);
		// Spaces do not make another query.
		assert.equal(await socket.call(2, "unsubscribe", { query: "tm.event  =  'NewRoundStep'" }), ok("2"));
		node.events.publish(step(8));
		await socket.call(3, "health");
		assert.ok(!socket.frames.some((each) => each.includes('"height":"8"')));
		assert.equal(node.events.heard, false, "nobody listens any more");
	});

	test("the same query twice, unknown ones, bad ones and long ones are refused", async () => {
		const socket = await client(await serve());
		await socket.call(1, "subscribe", STEPS);
		assert.equal(fault(await socket.call(2, "subscribe", STEPS)).data, "already subscribed");
		const { code, data } = fault(await socket.call(3, "subscribe", { query: "bad query =" }));
		assert.deepEqual([code, data.startsWith("failed to parse query: ")], [-32603, true]);
		const long = `a.b='${"x".repeat(510)}'`;
		assert.equal(fault(await socket.call(4, "subscribe", { query: long })).data, "maximum query length exceeded");
		assert.equal(fault(await socket.call(5, "unsubscribe", { query: "a=1" })).data, "subscription not found");
		assert.equal(await socket.call(6, "unsubscribe_all"), ok("6"));
		assert.equal(fault(await socket.call(7, "unsubscribe_all")).data, "subscription not found");
	});

	test("so many of one client, so many clients", async () => {
		const limits = { maxSubscriptionClients: 2, maxSubscriptionsPerClient: 3, timeoutBroadcastTxCommit: 1_000 };
		const small = await RecordedNode.at(recording("short"), 1, { limits });
		const server = await small.serve();
		open.push(server);
		const [address = ""] = server.addresses;
		const [first, second, third] = [await client(address), await client(address), await client(address)];
		for (const id of [1, 2, 3]) assert.equal(await first.call(id, "subscribe", { query: `a.b=${id}` }), ok(String(id)));
		const tooMany = "max_subscriptions_per_client 3 reached";
		assert.equal(fault(await first.call(4, "subscribe", { query: "a.b=4" })).data, tooMany);
		await second.call(1, "subscribe", { query: "a.b=1" });
		assert.equal(fault(await third.call(1, "subscribe", STEPS)).data, "max_subscription_clients 2 reached");
		const tx = Buffer.from("waits=1").toString("base64");
		assert.equal(fault(await third.call(2, "broadcast_tx_commit", { tx })).data, "max_subscription_clients 2 reached");
		second.close();
		while (small.subscriptions.clientCount > 1) await new Promise((resolve) => setImmediate(resolve));
		assert.equal(await third.call(3, "subscribe", STEPS), ok("3"));
	});

	test("end with the connection", async () => {
		const socket = await client(await serve());
		await socket.call(1, "subscribe", STEPS);
		assert.equal(node.subscriptions.clientCount, 1);
		socket.close();
		await untilNoClients();
		assert.equal(node.events.heard, false);
	});

	test("end with the node, which says so", async () => {
		const server = await node.serve();
		const socket = await client(server.addresses[0] ?? "");
		await socket.call("x", "subscribe", STEPS);
		await server.close();
		assert.equal((await socket.closed).code, 1001);
		assert.deepEqual(fault(socket.frames.at(-1) ?? ""), {
			code: -32000,
			message: "Server error",
			data: "subscription was canceled (reason: CometBFT exited)",
		});
	});

	/** A client that has stopped to read, and the name of its subscription; returns how many events were published. */
	async function overwhelm(socket: TestSocket): Promise<number> {
		await socket.call("slow", "subscribe", { query: "tm.event='NewBlockEvents'" });
		socket.socket.pause();
		const value = "x".repeat(100_000);
		const events = [{ type: "app", attributes: [{ key: "k", value, index: true }] }];
		let published = 0;
		while (node.subscriptions.clientCount > 0 && published < 5_000) {
			node.events.publish({ name: "NewBlockEvents", height: ++published, events, numTxs: 0 });
			await new Promise((resolve) => setImmediate(resolve));
		}
		return published;
	}

	test("end when a client does not keep up; it hears why, and may go on", async () => {
		const socket = await client(await serve({ subscriptionBufferSize: 10, websocketWriteBufferSize: 12 }));
		const published = await overwhelm(socket);
		assert.ok(published > 22 && published < 5_000);
		socket.socket.resume();
		await socket.call("after", "health");
		const why = socket.frames.find((each) => each.includes('"error"')) ?? "";
		assert.match(fault(why).data, /^subscription was canceled \(reason: internal subscription event buffer is out of/);
		const heights = socket.frames.flatMap((each) => /"height":"(\d+)"/.exec(each)?.[1] ?? []);
		assert.deepEqual(
			heights,
			Array.from(heights, (_, index) => String(index + 1)),
			"in order and without gaps",
		);
		assert.equal(await socket.call("again", "subscribe", STEPS), ok('"again"'));
	});

	test("a client that does not keep up is disconnected where the configuration says so", async () => {
		const address = await serve({ subscriptionBufferSize: 10, websocketWriteBufferSize: 12, closeOnSlowClient: true });
		const socket = await client(address);
		await overwhelm(socket);
		socket.socket.resume();
		assert.deepEqual(await socket.closed, { code: 1008, reason: "slow client" });
	});
});

describe("requests over WebSocket", () => {
	test("are answered in the order in which they came, however long each takes", async () => {
		const socket = await client(await serve());
		const ids = Array.from({ length: 300 }, (_, id) => id);
		for (const id of ids) {
			const tx = Buffer.from(`order${id % 50}=${id}`).toString("base64");
			const [method, params] = id % 3 === 0 ? ["abci_info", {}] : ["broadcast_tx_sync", { tx }];
			socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
		}
		await socket.frame((each) => each.startsWith('{"jsonrpc":"2.0","id":299,'));
		assert.deepEqual(
			socket.frames.map((each) => JSON.parse(each).id),
			ids,
		);
	});

	test("notifications get no answer, batches and nonsense a complaint without an id", async () => {
		const socket = await client(await serve());
		socket.send('{"jsonrpc":"2.0","method":"health"}');
		socket.send(`[${request("health")}]`);
		socket.send("nonsense");
		await socket.call("end", "health");
		assert.equal(socket.frames.length, 3);
		for (const frame of socket.frames.slice(0, 2)) {
			assert.ok(!("id" in JSON.parse(frame)));
			assert.equal(fault(frame).code, -32700);
		}
	});

	test("binary messages are taken like text", async () => {
		const socket = await client(await serve());
		socket.socket.send(Buffer.from(request("health")), { binary: true });
		await socket.frame((each) => each === ok("1"));
	});

	test("that are too long end the connection", async () => {
		const socket = await client(await serve({ maxBodyBytes: 1_000 }));
		socket.send(request("health", { x: "y".repeat(1_000) }));
		assert.equal((await socket.closed).code, 1009);
	});

	test("upgrades need a proper handshake, but no particular origin", async () => {
		const address = await serve();
		const { hostname, port } = new URL(`http://${address}`);
		const raw = connect({ host: hostname, port: Number(port) });
		raw.write("GET /websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
		let text = "";
		for await (const chunk of raw) text += String(chunk);
		assert.match(text, /^HTTP\/1\.1 400 /);
		const foreign = new WebSocket(`ws://${address}/websocket`, { origin: "http://elsewhere.example" });
		await new Promise((resolve) => foreign.once("open", resolve));
		foreign.terminate();
		const elsewhere = new WebSocket(`ws://${address}/block`);
		const failure = await new Promise<Error>((resolve) => elsewhere.once("error", resolve));
		assert.match(failure.message, /200/, "an ordinary answer");
	});

	test("pings are answered", async () => {
		const socket = await client(await serve());
		const pong = new Promise<string>((resolve) => socket.socket.once("pong", (data) => resolve(data.toString())));
		socket.socket.ping("are you there");
		assert.equal(await pong, "are you there");
	});
});

test("block ids of events are those of votes", async () => {
	const socket = await client(await serve());
	await socket.call(1, "subscribe", { query: "tm.event='Vote'" });
	const vote = {
		type: 1 as const,
		height: 5,
		round: 1,
		blockId: NIL_BLOCK_ID,
		timestamp: 1_000_000_001n,
		validatorAddress: Uint8Array.of(0xab),
		validatorIndex: 3,
		signature: Uint8Array.of(1),
		extension: new Uint8Array(0),
		extensionSignature: new Uint8Array(0),
	};
	node.events.publish({ name: "Vote", vote });
	const frame = await socket.frame((each) => each.includes("event/Vote"));
	assert.deepEqual(JSON.parse(frame).result.data.value.Vote, {
		type: 1,
		height: "5",
		round: 1,
		block_id: { hash: "", parts: { total: 0, hash: "" } },
		timestamp: "1970-01-01T00:00:01.000000001Z",
		validator_address: "AB",
		validator_index: 3,
		signature: "AQ==",
		extension: null,
		extension_signature: null,
	});
});
