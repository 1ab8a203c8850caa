import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Connection, utf8 } from "@cairn/kit";
import { abci, encodeDelimited } from "@cairn/types/proto";
import { type MemoryWorld, memoryWorld, settle } from "@cairn/world";
import type { AbciClient } from "../client.ts";
import type { AbciError } from "../errors.ts";
import { SOCKET_LIMITS, socketClient } from "./client.ts";
import { connectSocket } from "./dial.ts";
import { FrameReader } from "./framing.ts";

const ADDRESS = "tcp://127.0.0.1:26658";

/** The application's end of a connection, by hand. */
class HandPeer {
	readonly requests: abci.Request["value"][] = [];
	connection: Connection | undefined;

	take(connection: Connection): void {
		this.connection = connection;
		const reader = new FrameReader();
		connection.onData = (bytes) => {
			reader.push(bytes, (message) => this.requests.push(abci.Request.decode(message).value));
		};
	}

	get kinds(): readonly string[] {
		return this.requests.map((request) => request?.kind ?? "unknown");
	}

	send(...responses: NonNullable<abci.Response["value"]>[]): void {
		for (const value of responses) this.connection?.write(encodeDelimited(abci.Response.encode({ value })));
	}
}

async function connected(limits = SOCKET_LIMITS): Promise<{ client: AbciClient; peer: HandPeer; world: MemoryWorld }> {
	const world = memoryWorld({ seed: 1 });
	const peer = new HandPeer();
	await world.network.listen(ADDRESS, (connection) => peer.take(connection));
	const client = socketClient(await world.network.dial(ADDRESS, 1000), ADDRESS, limits);
	return { client, peer, world };
}

const checkTx = (client: AbciClient, text: string): Promise<abci.ResponseCheckTx> =>
	client.checkTx(abci.RequestCheckTx.create({ tx: utf8(text) }));

const CHECKED = { kind: "checkTx", value: abci.ResponseCheckTx.create() } as const;
const FLUSHED = { kind: "flush", value: {} } as const;

describe("socket client", () => {
	it("pipelines: a hundred transactions leave before any answer, with one flush behind them", async () => {
		const { client, peer } = await connected();
		const calls = Array.from({ length: 100 }, (_, index) => checkTx(client, `tx${index}`));
		await settle();
		assert.deepEqual(peer.kinds, [...Array(100).fill("checkTx"), "flush"]);
		peer.send(...Array(100).fill(CHECKED), FLUSHED);
		assert.equal((await Promise.all(calls)).length, 100);
	});

	it("sends no second flush behind an explicit one", async () => {
		const { client, peer } = await connected();
		const checked = checkTx(client, "a");
		const flushed = client.flush();
		await settle();
		assert.deepEqual(peer.kinds, ["checkTx", "flush"]);
		peer.send(CHECKED, FLUSHED);
		await Promise.all([checked, flushed]);
	});

	it("takes answers in order only: another one ends the connection", async () => {
		const { client, peer } = await connected();
		const failures: AbciError[] = [];
		client.onError((error) => failures.push(error));
		const first = checkTx(client, "a");
		const second = client.commit({});
		const both = Promise.all([
			assert.rejects(first, { code: "abci-unexpected-response", blame: "app" }),
			assert.rejects(second, { code: "abci-unexpected-response" }),
		]);
		await settle();
		peer.send({ kind: "commit", value: { retainHeight: 0n } });
		await both;
		assert.equal(failures.length, 1);
		await assert.rejects(client.echo("late"), { code: "abci-unexpected-response" });
	});

	it("refuses an answer without a question, and one of no known kind", async () => {
		for (const value of [FLUSHED, null]) {
			const { client, peer } = await connected();
			const failed = new Promise<AbciError>((resolve) => client.onError(resolve));
			peer.connection?.write(encodeDelimited(abci.Response.encode({ value })));
			assert.equal((await failed).code, "abci-unexpected-response");
		}
	});

	it("refuses bytes that are no message", async () => {
		for (const bytes of [Uint8Array.of(3, 0xff, 0xff, 0xff), new Uint8Array(11).fill(0xff)]) {
			const { client, peer } = await connected();
			const refused = assert.rejects(client.commit({}), { code: "abci-malformed", blame: "app" });
			await settle();
			peer.connection?.write(bytes);
			await refused;
		}
	});

	it("gives an exception's text to everybody who waits", async () => {
		const { client, peer } = await connected();
		const calls = [checkTx(client, "a"), checkTx(client, "b")].map((call) =>
			assert.rejects(call, { code: "abci-exception", message: /out of memory/ }),
		);
		await settle();
		peer.send({ kind: "exception", value: { error: "out of memory" } });
		await Promise.all(calls);
	});

	it("tells a listener that comes late", async () => {
		const { client, peer } = await connected();
		peer.connection?.destroy();
		await settle();
		const failures: string[] = [];
		client.onError((error) => failures.push(error.code));
		assert.deepEqual(failures, ["abci-connection-lost"]);
	});

	it("bounds what waits: calls", async () => {
		const { client, peer } = await connected({ ...SOCKET_LIMITS, calls: 3 });
		const calls = [1, 2, 3].map((index) => checkTx(client, `tx${index}`));
		await assert.rejects(checkTx(client, "one too many"), { code: "abci-overloaded", blame: "app" });
		await settle();
		peer.send(CHECKED, CHECKED, CHECKED, FLUSHED);
		await Promise.all(calls);
		const next = checkTx(client, "there is room again");
		await settle();
		peer.send(CHECKED, FLUSHED);
		await next;
	});

	it("bounds what waits: bytes that the application does not read", async () => {
		const { client, peer } = await connected({ ...SOCKET_LIMITS, waitingBytes: 1_000_000 });
		peer.connection?.pause();
		const big = "x".repeat(600_000);
		const calls: Promise<unknown>[] = [];
		for (let index = 0; index < 2; index++) {
			calls.push(checkTx(client, big));
			await settle();
		}
		await assert.rejects(checkTx(client, big), { code: "abci-overloaded" });
		peer.connection?.resume();
		await settle();
		assert.equal(peer.kinds.filter((kind) => kind === "checkTx").length, 2);
		peer.send(...peer.kinds.map((kind) => (kind === "flush" ? FLUSHED : CHECKED)));
		await Promise.all(calls);
	});
});

describe("connecting", () => {
	it("tries again until somebody listens", async () => {
		const world = memoryWorld({ seed: 1 });
		const peer = new HandPeer();
		let attempts = 0;
		const network = {
			...world.network,
			dial: (address: string, timeoutMs: number) => {
				attempts++;
				return world.network.dial(address, timeoutMs);
			},
		};
		const connecting = connectSocket({ world: { network, timers: world.timers }, address: "127.0.0.1:26658" });
		await world.time.advance(13_000);
		await world.network.listen(ADDRESS, (connection) => peer.take(connection));
		await world.time.advance(3000);
		const client = await connecting;
		assert.equal(attempts, 6);
		assert.ok(peer.connection !== undefined);
		await client.close();
	});

	it("gives up when told", async () => {
		const world = memoryWorld({ seed: 1 });
		const controller = new AbortController();
		const connecting = connectSocket({ world, address: ADDRESS, signal: controller.signal });
		await settle();
		controller.abort();
		await assert.rejects(connecting, { code: "abci-unreachable", blame: "operator" });
		assert.equal(world.time.nextDue, undefined);
	});

	it("refuses an address that is none", async () => {
		const world = memoryWorld({ seed: 1 });
		await assert.rejects(connectSocket({ world, address: "unix://" }), { code: "bad-address" });
	});
});
