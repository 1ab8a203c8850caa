// Clients of the RPC that send anything at all, over HTTP and WebSocket: the node answers or hangs up, in good order, and
// goes on making blocks in bounded memory.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { TestNetwork, type TestNode } from "./harness/network.ts";
import { CAIRN } from "./harness/programs.ts";
import { Chance } from "./harness/random.ts";
import { until } from "./harness/rpc.ts";
import { requireNoFailure } from "./harness/watch.ts";

const KEYS = [
	["consensus", "timeout_commit", '"50ms"'],
	["rpc", "unsafe", "true"],
	["rpc", "timeout_broadcast_tx_commit", '"500ms"'],
	["rpc", "max_open_connections", "200"],
] as const;

const CALLS = 600;
const BODIES = 300;
const MOST_RESIDENT_BYTES = 600_000_000;
/** What an answer must never give away: it stands for a bug of ours. */
const OURS = /TypeError|RangeError|ReferenceError|InvariantError|Cannot read prop|is not a function|undefined|\[object/;

const METHODS = [
	...[
		"abci_info",
		"abci_query",
		"block",
		"block_by_hash",
		"block_results",
		"block_search",
		"blockchain",
		"broadcast_evidence",
	],
	...["broadcast_tx_async", "broadcast_tx_commit", "broadcast_tx_sync", "check_tx", "commit", "consensus_params"],
	...["consensus_state", "dial_peers", "dial_seeds", "dump_consensus_state", "genesis", "genesis_chunked", "header"],
	...["header_by_hash", "health", "net_info", "num_unconfirmed_txs", "status", "subscribe", "tx", "tx_search"],
	...["unconfirmed_txs", "unsafe_flush_mempool", "unsubscribe", "unsubscribe_all", "validators"],
];
const PARAMS = [
	...[
		"height",
		"hash",
		"query",
		"prove",
		"page",
		"per_page",
		"order_by",
		"minHeight",
		"maxHeight",
		"tx",
		"path",
		"data",
	],
	...[
		"limit",
		"chunk",
		"evidence",
		"seeds",
		"peers",
		"persistent",
		"unconditional",
		"private",
		"toString",
		"__proto__",
	],
];

const chance = new Chance("bad-client");
let network: TestNetwork;
let node: TestNode;

function text(): string {
	return chance.pick([
		() => "",
		() => "0",
		() => "-1",
		() => "1",
		() => String(chance.between(0, 2 ** 31)),
		() => "9223372036854775808",
		() => "1e400",
		() => "0x",
		() => `0x${Buffer.from(chance.bytes(chance.between(0, 40))).toString("hex")}`,
		() => Buffer.from(chance.bytes(32)).toString("base64"),
		() => "tm.event='NewBlock'",
		() => "tx.height > 1 AND tx.height < 'x",
		() => "a EXISTS AND b CONTAINS 'c' AND d = DATE 2013-05-03 AND e = TIME 2013-05-03T14:45:00Z",
		() => `${"a=1 AND ".repeat(chance.between(1, 500))}b=2`,
		() => "\u0000\ud800\u2028'\"\\",
		() => "k=v",
		() => "x".repeat(chance.between(1, 5_000)),
		() => "../../../etc/passwd",
	])();
}

function value(depth = 0): unknown {
	const simple = [
		() => text(),
		() => chance.between(-5, 1_000_000),
		() => chance.between(0, 10) / 3,
		() => true,
		() => null,
		() => ({ type: "tendermint/DuplicateVoteEvidence", value: depth < 3 ? value(depth + 1) : null }),
	];
	const nested = [
		() => Array.from({ length: chance.between(0, 4) }, () => value(depth + 1)),
		() =>
			Object.fromEntries(Array.from({ length: chance.between(0, 4) }, () => [chance.pick(PARAMS), value(depth + 1)])),
	];
	return chance.pick(depth < 3 ? [...simple, ...nested] : simple)();
}

const method = (): string =>
	chance.pick([...METHODS, ...METHODS, ...METHODS, "", "no_such_method", "constructor", "__proto__"]);
const params = (): unknown => {
	const byName = Object.fromEntries(Array.from({ length: chance.between(0, 5) }, () => [chance.pick(PARAMS), value()]));
	return chance.pick<() => unknown>([() => byName, () => byName, () => value(), () => undefined])();
};
const call = (): unknown => ({
	jsonrpc: chance.pick(["2.0", "2.0", "1.0", 2]),
	id: chance.pick<unknown>([1, "a", 0, -1, 1.5, null, undefined, {}, [], "", 2 ** 60, true]),
	method: chance.pick<unknown>([method(), method(), method(), 5, null]),
	params: params(),
});

/** A body that is nearly, or not at all, a call. */
function body(): Buffer {
	const json = Buffer.from(JSON.stringify(call()));
	return chance.pick([
		() => Buffer.from(chance.bytes(chance.between(0, 2_000))),
		() => json.subarray(0, chance.between(0, json.length)),
		() => Buffer.concat([json, json]),
		() => Buffer.from(JSON.stringify(Array.from({ length: chance.between(0, 30) }, call))),
		() => Buffer.from("[".repeat(chance.between(1, 100_000))),
		() => Buffer.from(`${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`),
		() => Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"status","params":{${'"a":1,'.repeat(10_000)}"b":2}}`),
		() => Buffer.alloc(chance.between(900_000, 1_100_000), "1"),
		() => Buffer.from(`{"jsonrpc":"2.0","id":${"9".repeat(chance.between(1, 400))},"method":"status"}`),
		() => flipped(json),
	])();
}

function flipped(bytes: Buffer): Buffer {
	const copy = Buffer.from(bytes);
	for (let count = chance.between(1, 5); count > 0; count--) {
		copy[chance.between(0, copy.length - 1)] = chance.between(0, 255);
	}
	return copy;
}

interface Answer {
	/** 0 where the node hung up without a word. */
	readonly status: number;
	readonly type: string;
	readonly body: string;
}

function exchange(verb: string, path: string, content: Buffer, headers: Record<string, string> = {}): Promise<Answer> {
	return new Promise((resolve) => {
		const options = { host: "127.0.0.1", port: node.rpcPort, method: verb, path, headers, timeout: 20_000 };
		const sent = request(options, (response) => {
			const pieces: Buffer[] = [];
			response.on("data", (piece: Buffer) => pieces.push(piece));
			response.on("error", () => undefined);
			response.on("close", () => {
				const type = response.headers["content-type"] ?? "";
				resolve({ status: response.statusCode ?? 0, type, body: Buffer.concat(pieces).toString() });
			});
		});
		sent.on("timeout", () => sent.destroy(new Error("no answer")));
		sent.on("error", (cause) => resolve({ status: 0, type: "", body: String(cause) }));
		sent.end(content);
	});
}

function requireGoodOrder({ status, type, body: answer }: Answer, what: string): void {
	assert.doesNotMatch(answer, /no answer/, `${what} was never answered`);
	assert.doesNotMatch(answer.slice(0, 2_000), OURS, `${what} brought about\n${answer.slice(0, 2_000)}`);
	// As in CometBFT a call by URI that fails has status 500, and says what was wrong all the same.
	assert.ok([0, 200, 400, 403, 404, 405, 413, 431, 500, 501, 503].includes(status), `${what} was answered ${status}`);
	if (!type.startsWith("application/json") || answer === "") return;
	const parsed = JSON.parse(answer) as unknown;
	for (const each of Array.isArray(parsed) ? parsed : [parsed]) {
		const { jsonrpc, result, error } = each as { jsonrpc?: string; result?: unknown; error?: { message?: string } };
		assert.equal(jsonrpc, "2.0", `${what} was answered with ${answer.slice(0, 500)}`);
		assert.ok((result !== undefined) !== (error !== undefined), `${what} was answered with ${answer.slice(0, 500)}`);
	}
}

/** Alive, without alarm, and still making blocks. */
async function requireHealth(): Promise<void> {
	assert.ok(node.running, `the process is gone\n${node.logTail()}`);
	await node.reach((await node.height()) + 2);
	const found = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${node.pid}/status`, "utf8"));
	assert.ok(Number(found?.[1]) * 1024 < MOST_RESIDENT_BYTES, `${found?.[0]} are in memory`);
	requireNoFailure(node);
	assert.doesNotMatch(node.log(), /^E.*(TypeError|InvariantError|RangeError).*$/m);
}

function open(): Promise<Socket> {
	return new Promise((resolve, reject) => {
		const socket = connect(node.rpcPort, "127.0.0.1", () => resolve(socket));
		socket.once("error", reject);
		socket.on("error", () => undefined);
	});
}

const UPGRADE = [
	"GET /websocket HTTP/1.1",
	"Host: localhost",
	"Connection: Upgrade",
	"Upgrade: websocket",
	"Sec-WebSocket-Version: 13",
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
	"\r\n",
].join("\r\n");

/** A client's frame, masked with zeros. */
function frame(opcode: number, content: Buffer, isMasked = true): Buffer {
	const mask = isMasked ? 0x80 : 0;
	const head =
		content.length < 126
			? Buffer.of(opcode, mask | content.length)
			: Buffer.of(
					opcode,
					mask | 127,
					0,
					0,
					0,
					0,
					content.length >>> 24,
					content.length >>> 16,
					content.length >>> 8,
					content.length,
				);
	return Buffer.concat([head, isMasked ? Buffer.alloc(4) : Buffer.alloc(0), content]);
}

async function openWebSocket(): Promise<Socket> {
	const socket = await open();
	socket.write(UPGRADE);
	await new Promise<void>((resolve) => socket.once("data", () => resolve()));
	return socket;
}

/** Waits until the node has hung up. */
function hungUp(socket: Socket, what: string): Promise<true> {
	socket.resume();
	return until(what, 30_000, async () => (socket.destroyed || socket.readableEnded ? true : undefined));
}

describe(`a bad client of the RPC, ${chance.hint}`, () => {
	before(async () => {
		network = await TestNetwork.create({ programs: [CAIRN], keys: KEYS });
		node = network.node(0);
		node.start();
		await node.reach(3);
	});
	after(() => network.destroy());

	it("gets an answer in good order to calls by URI with any parameters", async () => {
		for (let count = 0; count < CALLS; count++) {
			const query = Array.from({ length: chance.between(0, 5) }, () => {
				const raw = chance.pick([text(), JSON.stringify(text()), "%", "%zz", "%ff%fe"]);
				return `${chance.pick(PARAMS)}=${chance.pick([encodeURIComponent(Buffer.from(raw).toString()), raw.replaceAll(/[^!-~]|[ #]/g, "")])}`;
			});
			const path = `/${method()}?${query.join(chance.pick(["&", "&", ";"]))}`;
			requireGoodOrder(
				await exchange(chance.pick(["GET", "GET", "POST", "HEAD", "OPTIONS", "DELETE"]), path, Buffer.alloc(0)),
				path,
			);
		}
		await requireHealth();
	});

	it("gets an answer in good order to JSON-RPC calls with any parameters", async () => {
		for (let count = 0; count < CALLS; count++) {
			const content = Buffer.from(JSON.stringify(call()));
			requireGoodOrder(await exchange("POST", "/", content), content.toString().slice(0, 500));
		}
		await requireHealth();
	});

	it("gets an answer in good order to any body", async () => {
		for (let count = 0; count < BODIES; count++) {
			const content = body();
			const headers = chance.pick<Record<string, string>>([
				{},
				{ "content-type": "text/plain" },
				{ "x-long": "y".repeat(5_000) },
			]);
			requireGoodOrder(
				await exchange("POST", chance.pick(["/", "/", "//", "/v1/"]), content, headers),
				content.toString("latin1").slice(0, 200),
			);
		}
		await requireHealth();
	});

	it("may speak something else than HTTP", async () => {
		for (let count = 0; count < 100; count++) {
			const socket = await open();
			const half = `POST / HTTP/1.1\r\nContent-Length: ${chance.between(1, 10 ** 9)}\r\n\r\n`;
			socket.write(
				chance.pick([
					Buffer.from(chance.bytes(chance.between(1, 3_000))),
					Buffer.from(half),
					Buffer.from("GET / HTTP/9.9\r\n\r\n"),
				]),
			);
			socket.end();
			await hungUp(socket, "a hang-up after garbage");
			socket.destroy();
		}
		await requireHealth();
	});

	it("keeps nobody out by connections on which nothing is ever said in full", async () => {
		const silent = await Promise.all(Array.from({ length: 150 }, open));
		for (const socket of silent) socket.write("POST / HTTP/1.1\r\nContent-Le");
		await requireHealth();
		for (const socket of silent) socket.destroy();
	});

	it("may do anything on a WebSocket", async () => {
		for (let count = 0; count < 150; count++) {
			const socket = await openWebSocket();
			const json = Buffer.from(JSON.stringify(call()));
			socket.write(
				chance.pick([
					() => Buffer.from(chance.bytes(chance.between(1, 3_000))),
					() => frame(0x81, json),
					() => frame(0x81, body()),
					() => frame(0x82, Buffer.from(chance.bytes(200))),
					() => frame(0x81, json, false),
					() => Buffer.of(0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0),
					() => Buffer.concat(Array.from({ length: 500 }, () => frame(0x89, Buffer.alloc(100)))),
					() => Buffer.concat([frame(0x01, json.subarray(0, 5)), frame(0x81, json)]),
					() => Buffer.concat(Array.from({ length: 20 }, () => frame(0x81, Buffer.from(JSON.stringify(call()))))),
					() => frame(0x88, Buffer.of(0x03)),
					() => frame(0x8f, json),
				])(),
			);
			if (chance.between(0, 1) === 0) socket.destroy();
			else {
				// A close frame that follows in good order must end what is still open.
				socket.write(frame(0x88, Buffer.of(0x03, 0xe8)));
				await hungUp(socket, "a hang-up after a close frame");
			}
		}
		await requireHealth();
	});

	it("may subscribe to everything and never read", async () => {
		const deaf: Socket[] = [];
		for (let count = 0; count < 20; count++) {
			const socket = await openWebSocket();
			socket.pause();
			for (const query of [
				"tm.event='NewBlock'",
				"tm.event='Tx'",
				"tm.event='NewBlockHeader'",
				"tm.event='NewBlockEvents'",
			]) {
				const subscription = { jsonrpc: "2.0", id: query, method: "subscribe", params: { query } };
				socket.write(frame(0x81, Buffer.from(JSON.stringify(subscription))));
			}
			for (let more = 0; more < 200; more++)
				socket.write(frame(0x81, Buffer.from('{"jsonrpc":"2.0","id":1,"method":"genesis"}')));
			deaf.push(socket);
		}
		await requireHealth();
		for (const socket of deaf) socket.destroy();
		await requireHealth();
	});
});
