import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { CairnError } from "@cairn/kit";
import { request } from "../testing/calls.ts";
import { fetchFrom, type HttpRequest, type HttpResponse, postCall } from "../testing/http-client.ts";
import { RecordedNode } from "../testing/recorded-node.ts";
import { TEST_CERTIFICATE, TEST_KEY } from "../testing/test-certificate.ts";
import { recording } from "../testing/vectors.ts";
import type { ServerOptions } from "./options.ts";
import type { RpcServer } from "./rpc-server.ts";

let node: RecordedNode;
const servers: RpcServer[] = [];

/** Address of a server with these options; it is closed after the tests. */
async function serve(change: Partial<ServerOptions> = {}): Promise<string> {
	const server = await node.serve(change);
	servers.push(server);
	return server.addresses[0] ?? "";
}

/** A raw connection, and everything that it was sent. */
function dial(address: string): { socket: Socket; received: () => string; until: (text: string) => Promise<void> } {
	const { hostname, port } = new URL(`http://${address}`);
	const socket = connect({ host: hostname, port: Number(port) });
	let text = "";
	let look = (): void => {};
	socket.on("data", (data) => {
		text += data.toString();
		look();
	});
	socket.on("error", () => {});
	const until = (wanted: string): Promise<void> => {
		return new Promise((resolve) => {
			look = () => {
				if (text.includes(wanted)) resolve();
			};
			look();
		});
	};
	return { socket, received: () => text, until };
}

const closed = (socket: Socket): Promise<unknown> => new Promise((resolve) => socket.once("close", resolve));

before(async () => {
	node = await RecordedNode.at(recording("short"), 3);
});
after(async () => {
	for (const server of servers) await server.close();
});

describe("HTTP", () => {
	test("methods do not matter, except that HEAD gets no body", async () => {
		const address = await serve();
		const get = await fetchFrom(address, { method: "GET", path: "/block?height=1" });
		for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
			assert.equal((await fetchFrom(address, { method, path: "/block?height=1" })).body, get.body);
		}
		const head = await fetchFrom(address, { method: "HEAD", path: "/block?height=1" });
		assert.deepEqual([head.status, head.body], [200, ""]);
		assert.equal(head.headers["content-length"], String(Buffer.byteLength(get.body)));
		const body = request("health");
		assert.equal(
			(await fetchFrom(address, { method: "GET", path: "/", body })).body,
			(await postCall(address, body)).body,
		);
	});

	test("what is not there is 404, with or without a body", async () => {
		const address = await serve();
		for (const path of ["/nosuch", "/block/", "//block", "/Block"]) {
			const { status, headers, body } = await fetchFrom(address, { method: "POST", path, body: "{}" });
			assert.deepEqual([status, body], [404, "404 page not found\n"]);
			assert.equal(headers["content-type"], "text/plain; charset=utf-8");
			assert.equal(headers["x-content-type-options"], "nosniff");
		}
		assert.equal((await fetchFrom(address, { method: "GET", path: "/%zz" })).status, 400);
	});

	test("the page of links does not repeat what a client makes of its host", async () => {
		const address = await serve();
		const host = `"><script>alert('&')</script>`;
		const { headers, body } = await fetchFrom(address, { method: "GET", path: "/", headers: { host } });
		assert.equal(headers["content-type"], "text/html");
		assert.ok(!body.includes("<script>"));
		assert.match(body, /\/\/&#34;&gt;&lt;script&gt;alert\(&#39;&amp;&#39;\)&lt;\/script&gt;\/block\?height=_/);
	});

	test("parameters may stand in a form", async () => {
		const address = await serve();
		const form = { "content-type": "application/x-www-form-urlencoded" };
		const at = async (path: string, body: string): Promise<string> =>
			/"height":"(\d+)"/.exec((await fetchFrom(address, { method: "POST", path, body, headers: form })).body)?.[1] ??
			"";
		assert.equal(await at("/header", "height=2"), "2");
		assert.equal(await at("/header?height=1", "height=2"), "1");
		assert.equal(await at("/header", ""), "3");
	});

	test("bodies that are too large are refused, whether announced or not", async () => {
		const address = await serve({ maxBodyBytes: 100 });
		const expected = JSON.stringify({
			jsonrpc: "2.0",
			error: {
				code: -32600,
				message: "Invalid Request",
				data: "error reading request body: http: request body too large",
			},
		});
		const whole = await postCall(address, `${request("health")}${" ".repeat(100)}`);
		assert.deepEqual([whole.status, whole.body, whole.headers.connection], [400, expected, "close"]);
		const { socket, until } = dial(address);
		socket.write("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
		socket.write(`65\r\n${" ".repeat(0x65)}\r\n`);
		await until(expected);
		socket.destroy();
		assert.equal((await postCall(address, request("health"))).status, 200);
	});

	test("headers that are too large are refused", async () => {
		const address = await serve({ maxHeaderBytes: 4_096 });
		const headers = { "x-long": "x".repeat(5_000) };
		assert.equal((await fetchFrom(address, { method: "GET", path: "/health", headers })).status, 431);
		assert.equal((await fetchFrom(address, { method: "GET", path: "/health" })).status, 200);
	});

	test("connections beyond the limit wait for a place", async () => {
		const address = await serve({ maxOpenConnections: 2 });
		const ask = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
		const first = dial(address);
		const second = dial(address);
		first.socket.write(ask);
		second.socket.write(ask);
		await first.until('"result":{}');
		await second.until('"result":{}');
		const third = dial(address);
		third.socket.write(ask);
		// The server reads the two it serves, but not the third.
		first.socket.write(ask);
		await first.until(`"result":{}}HTTP`);
		assert.equal(third.received(), "");
		second.socket.destroy();
		await third.until('"result":{}');
		first.socket.destroy();
		third.socket.destroy();
	});

	test("an offer to speak something else is passed over", async () => {
		const address = await serve();
		const { socket, received, until } = dial(address);
		socket.write("GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
		await until('"result":{}');
		assert.match(received(), /^HTTP\/1\.1 200 OK\r\n/);
		await closed(socket);
		const plain = await fetchFrom(address, { method: "GET", path: "/websocket" });
		assert.deepEqual([plain.status, plain.body], [400, "Bad Request\n"]);
	});

	test("requests that never end are ended", { timeout: 20_000 }, async () => {
		const address = await serve();
		const { socket, until } = dial(address);
		socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{");
		await until("408 Request Timeout");
		await closed(socket);
	});

	test("a broken node answers 503 and says why", async () => {
		const address = await serve();
		node.condition.trouble = "cs.wal cannot be written";
		const error = { code: -32603, message: "Internal error", data: "cs.wal cannot be written" };
		const byUri = await fetchFrom(address, { method: "GET", path: "/health" });
		const byPost = await postCall(address, request("health"));
		node.condition.trouble = null;
		assert.equal(byUri.status, 503);
		assert.deepEqual(JSON.parse(byUri.body), { jsonrpc: "2.0", id: -1, error });
		assert.equal(byPost.status, 503);
		assert.deepEqual(JSON.parse(byPost.body), { jsonrpc: "2.0", id: 1, error });
		assert.equal((await fetchFrom(address, { method: "GET", path: "/health" })).status, 200);
	});
});

describe("pages of other origins", () => {
	const ask = (
		address: string,
		headers: Record<string, string>,
		change: Partial<HttpRequest> = {},
	): Promise<HttpResponse> => fetchFrom(address, { method: "GET", path: "/health", headers, ...change });

	test("are not mentioned unless some are allowed", async () => {
		const { headers } = await ask(await serve(), { origin: "http://a.example" });
		assert.equal(headers["access-control-allow-origin"], undefined);
		assert.equal(headers.vary, undefined);
	});

	test("are allowed by name or pattern", async () => {
		const corsAllowedOrigins = ["http://a.example", "https://*.b.example"];
		const address = await serve({ corsAllowedOrigins });
		for (const [origin, allowed] of [
			["http://a.example", true],
			["HTTP://A.example", true],
			["https://x.y.b.example", true],
			["https://b.example", false],
			["http://x.b.example", false],
			["http://c.example", false],
		] as const) {
			const { headers, body } = await ask(address, { origin });
			assert.equal(headers["access-control-allow-origin"], allowed ? origin : undefined, origin);
			assert.equal(headers.vary, "Origin");
			assert.match(body, /"result":\{\}/);
		}
		assert.equal((await ask(address, {})).headers["access-control-allow-origin"], undefined);
	});

	test("ask before they call", async () => {
		const address = await serve({ corsAllowedOrigins: ["*"] });
		const preflight = async (method: string, headers: string): Promise<HttpResponse> => {
			const asked = { origin: "http://a.example", "access-control-request-method": method };
			return ask(address, { ...asked, "access-control-request-headers": headers }, { method: "OPTIONS" });
		};
		const good = await preflight("POST", "content-type,x-server-time");
		assert.deepEqual([good.status, good.body], [204, ""]);
		assert.equal(good.headers["access-control-allow-origin"], "*");
		assert.equal(good.headers["access-control-allow-methods"], "POST");
		assert.equal(good.headers["access-control-allow-headers"], "content-type,x-server-time");
		assert.match(String(good.headers.vary), /Access-Control-Request-Method/);
		for (const bad of [await preflight("DELETE", ""), await preflight("POST", "authorization")]) {
			assert.equal(bad.status, 204);
			assert.equal(bad.headers["access-control-allow-methods"], undefined);
		}
	});
});

describe("addresses", () => {
	test("several may be listened at, also in the file system", async () => {
		const path = join(mkdtempSync(join(tmpdir(), "cairn-rpc-")), "rpc.sock");
		const server = await node.serve({ addresses: ["tcp://127.0.0.1:0", `unix://${path}`, "tcp://127.0.0.1:0"] });
		servers.push(server);
		assert.equal(server.addresses[1], `unix://${path}`);
		assert.equal((await postCall(server.addresses[0] ?? "", request("health"))).status, 200);
		assert.equal((await postCall(server.addresses[2] ?? "", request("health"))).status, 200);
		const socket = connect({ path });
		socket.write("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
		let text = "";
		for await (const chunk of socket) text += String(chunk);
		assert.match(text, /"result":\{\}/);
	});

	test("that are malformed or taken are refused with the name of the key", async () => {
		const address = await serve();
		for (const bad of ["127.0.0.1:26657", "tcp://nowhere", `tcp://${address}`]) {
			await assert.rejects(node.serve({ addresses: ["tcp://127.0.0.1:0", bad] }), (cause: unknown) => {
				assert.ok(cause instanceof CairnError);
				assert.deepEqual([cause.code, cause.blame], ["rpc-listen", "operator"]);
				assert.match(cause.message, /^rpc\.laddr: /);
				return true;
			});
		}
	});

	test("HTTPS with the certificate that it was given", async () => {
		const address = await serve({ tls: { cert: TEST_CERTIFICATE, key: TEST_KEY } });
		const { hostname, port } = new URL(`http://${address}`);
		// The certificate is compared, not its validity, for that depends on the clock.
		const options = { hostname, port, path: "/health", rejectUnauthorized: false, agent: false };
		const [body, certificate] = await new Promise<readonly [string, string]>((resolve, reject) => {
			const asked = httpsRequest(options, (answer) => {
				const shown = (answer.socket as TLSSocket).getPeerX509Certificate()?.toString() ?? "";
				let text = "";
				answer.on("data", (chunk) => {
					text += chunk;
				});
				answer.on("end", () => resolve([text, shown]));
			});
			asked.on("error", reject);
			asked.end();
		});
		assert.equal(certificate.trim(), TEST_CERTIFICATE.trim());
		assert.equal(body, '{"jsonrpc":"2.0","id":-1,"result":{}}');
		await assert.rejects(node.serve({ tls: { cert: "x", key: "y" } }), /rpc\.tls_cert_file/);
	});
});
