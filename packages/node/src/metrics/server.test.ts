import assert from "node:assert/strict";
import { get, type IncomingMessage } from "node:http";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { silentLogger } from "@cairn/kit";
import { startMetricsServer } from "./server.ts";

interface Answer {
	readonly status: number | undefined;
	readonly headers: IncomingMessage["headers"];
	readonly body: Buffer;
}

function ask(url: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> {
	return new Promise((resolve, reject) => {
		get(url, { headers, method, agent: false }, (response) => {
			const pieces: Buffer[] = [];
			response.on("data", (piece: Buffer) => pieces.push(piece));
			response.on("end", () =>
				resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(pieces) }),
			);
		}).on("error", reject);
	});
}

const options = { address: "127.0.0.1:0", maxRequests: 3, logger: silentLogger };

test("metrics are served as Prometheus's text, compressed for who asks", async () => {
	const server = await startMetricsServer({ ...options, exposition: async () => "x 1\n" });
	const url = `http://${server.address}/metrics`;
	const plain = await ask(url);
	assert.equal(plain.status, 200);
	assert.equal(plain.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
	assert.equal(plain.body.toString(), "x 1\n");
	const packed = await ask(url, { "accept-encoding": "deflate, gzip;q=1" });
	assert.equal(packed.headers["content-encoding"], "gzip");
	assert.equal(gunzipSync(packed.body).toString(), "x 1\n");
	assert.equal((await ask(`http://${server.address}/`)).status, 200);
	assert.equal((await ask(url, {}, "POST")).status, 405);
	await server.close();
	await assert.rejects(ask(url), { code: "ECONNREFUSED" });
});

test("above the limit of answers in the making the next one gets 503, and later ones are served again", async () => {
	let release = (): void => {};
	const gate = new Promise<void>((resolve) => {
		release = resolve;
	});
	let waiting = 0;
	let allWaiting = (): void => {};
	const full = new Promise<void>((resolve) => {
		allWaiting = resolve;
	});
	const exposition = async () => {
		waiting++;
		if (waiting === 3) allWaiting();
		await gate;
		return "x 1\n";
	};
	const server = await startMetricsServer({ ...options, exposition });
	const url = `http://${server.address}/metrics`;
	const first = [ask(url), ask(url), ask(url)];
	await full;
	const refused = await ask(url);
	assert.equal(refused.status, 503);
	assert.equal(refused.body.toString(), "Limit of concurrent requests reached (3), try again later.\n");
	release();
	for (const answer of await Promise.all(first)) assert.equal(answer.status, 200);
	assert.equal((await ask(url)).status, 200);
	await server.close();
});

test("a failure inside is 500, not a crash", async () => {
	const exposition = () => Promise.reject(new Error("no"));
	const server = await startMetricsServer({ ...options, exposition });
	assert.equal((await ask(`http://${server.address}/metrics`)).status, 500);
	await server.close();
});

test("an address that is taken or malformed is named", async () => {
	const server = await startMetricsServer({ ...options, exposition: async () => "" });
	await assert.rejects(
		startMetricsServer({ ...options, address: server.address, exposition: async () => "" }),
		(error: Error & { code?: string }) => error.code === "listen" && error.message.includes(server.address),
	);
	await server.close();
	for (const address of ["26660", "localhost", "a:b", "1.2.3.4:99999"]) {
		await assert.rejects(startMetricsServer({ ...options, address, exposition: async () => "" }), { code: "listen" });
	}
});
