import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Connection, type Logger, silentLogger, utf8 } from "@cairn/kit";
import { abci, encodeDelimited } from "@cairn/types/proto";
import { memoryWorld, settle } from "@cairn/world";
import { BaseApplication } from "../application.ts";
import { openKvStore } from "../kvstore/kvstore.ts";
import { FrameReader } from "./framing.ts";
import { type SocketServerOptions, serveSocket } from "./server.ts";

const ADDRESS = "tcp://127.0.0.1:26658";

/** A node's end of a connection, by hand. */
class HandNode {
	readonly responses: abci.Response["value"][] = [];
	isClosed = false;
	readonly connection: Connection;

	constructor(connection: Connection) {
		this.connection = connection;
		const reader = new FrameReader();
		connection.onData = (bytes) => {
			reader.push(bytes, (message) => this.responses.push(abci.Response.decode(message).value));
		};
		connection.onClose = () => {
			this.isClosed = true;
		};
	}

	get kinds(): readonly string[] {
		return this.responses.map((response) => response?.kind ?? "unknown");
	}

	send(...requests: abci.Request["value"][]): void {
		const frames = requests.map((value) => encodeDelimited(abci.Request.encode({ value })));
		this.connection.write(new Uint8Array(Buffer.concat(frames)));
	}
}

async function served(options: Partial<SocketServerOptions> = {}) {
	const world = memoryWorld({ seed: 1 });
	const application = await openKvStore();
	const server = await serveSocket({ network: world.network, address: ADDRESS, application, ...options });
	const dial = async (): Promise<HandNode> => new HandNode(await world.network.dial(ADDRESS, 1000));
	return { server, dial };
}

const FLUSH: abci.Request["value"] = { kind: "flush", value: {} };
const INFO: abci.Request["value"] = { kind: "info", value: abci.RequestInfo.create() };

describe("socket server", () => {
	it("answers in order", async () => {
		const { dial } = await served();
		const node = await dial();
		node.send(INFO, { kind: "echo", value: { message: "hi" } }, FLUSH, { kind: "commit", value: {} }, FLUSH);
		await settle();
		assert.deepEqual(node.kinds, ["info", "echo", "flush", "commit", "flush"]);
	});

	it("answers a client that never flushes", async () => {
		const { dial } = await served();
		const node = await dial();
		node.send(INFO);
		await settle();
		assert.deepEqual(node.kinds, ["info"]);
	});

	it("answers an unknown request with an exception and closes", async () => {
		const { dial } = await served();
		const node = await dial();
		node.send(null, INFO);
		await settle();
		assert.deepEqual(node.responses, [{ kind: "exception", value: { error: "unknown request from client" } }]);
		assert.ok(node.isClosed);
	});

	it("closes on bytes that are no request, and serves the others on", async () => {
		const errors: string[] = [];
		const error: Logger["error"] = (message, fields) => errors.push(`${message} ${String(fields?.error)}`);
		const logger: Logger = { ...silentLogger, error, child: () => logger };
		const { dial } = await served({ logger });
		for (const bytes of [Uint8Array.of(2, 0xff, 0xff), new Uint8Array(12).fill(0xff)]) {
			const node = await dial();
			node.connection.write(bytes);
			await settle();
			assert.ok(node.isClosed);
		}
		assert.equal(errors.length, 2);
		assert.match(errors[0] ?? "", /error reading message/);
		const other = await dial();
		other.send(INFO, FLUSH);
		await settle();
		assert.deepEqual(other.kinds, ["info", "flush"]);
	});

	it("refuses messages above its limit", async () => {
		const { dial } = await served({ messageBytes: 100 });
		const node = await dial();
		node.send({ kind: "checkTx", value: abci.RequestCheckTx.create({ tx: new Uint8Array(200) }) });
		await settle();
		assert.ok(node.isClosed);
	});

	it("bounds connections", async () => {
		const { dial } = await served({ maxConnections: 4 });
		const nodes = [await dial(), await dial(), await dial(), await dial()];
		const extra = await dial();
		await settle();
		assert.ok(extra.isClosed);
		nodes[0]?.connection.destroy();
		await settle();
		const again = await dial();
		again.send(INFO, FLUSH);
		await settle();
		assert.deepEqual(again.kinds, ["info", "flush"]);
	});

	it("stops reading while a node does not take its answers", async () => {
		let calls = 0;
		class Talkative extends BaseApplication {
			override query(): abci.ResponseQuery {
				calls++;
				return abci.ResponseQuery.create({ value: new Uint8Array(100_000) });
			}
		}
		const { dial } = await served({ application: new Talkative() });
		const node = await dial();
		node.connection.pause();
		const query: abci.Request["value"] = { kind: "query", value: abci.RequestQuery.create() };
		node.send(...Array(200).fill(query));
		await settle();
		assert.ok(calls < 20, `${calls} answers made for a node that does not read`);
		node.connection.resume();
		await settle();
		assert.equal(calls, 200);
		assert.equal(node.responses.length, 200);
	});

	it("stops reading while too many requests wait", async () => {
		let release: () => void = () => {};
		const held = new Promise<void>((resolve) => {
			release = resolve;
		});
		class Slow extends BaseApplication {
			override async checkTx(): Promise<abci.ResponseCheckTx> {
				await held;
				return abci.ResponseCheckTx.create();
			}
		}
		const { dial } = await served({ application: new Slow() });
		const node = await dial();
		const request: abci.Request["value"] = { kind: "checkTx", value: abci.RequestCheckTx.create({ tx: utf8("a=b") }) };
		for (let index = 0; index < 5; index++) {
			node.send(...Array(1000).fill(request));
			await settle();
		}
		assert.ok(node.connection.pendingBytes > 0, "the server reads no more");
		release();
		await settle();
		assert.equal(node.responses.length, 5000);
	});
});
