import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { silentLogger } from "@cairn/kit";
import type { RpcEnvironment } from "../environment.ts";
import { Dispatcher } from "../protocol/dispatcher.ts";
import { type CallContext, route } from "../routes/route.ts";
import { fetchFrom } from "../testing/http-client.ts";
import { HttpHandler } from "./http-handler.ts";

test("a client whose answer does not come in time is let go, and the call hears of it", async () => {
	const contexts: CallContext[] = [];
	let gone = (): void => {};
	const hears = new Promise<void>((resolve) => {
		gone = resolve;
	});
	const hangs = route("hangs", {}, {}, (_environment, _values, context) => {
		contexts.push(context);
		context.onGone(gone);
		return new Promise<string>(() => {});
	});
	const dispatcher = new Dispatcher(new Map([["hangs", hangs]]), {} as RpcEnvironment, { maxBatchSize: 0 });
	const parts = { dispatcher, cors: null, maxBodyBytes: 100, writeTimeout: 50, logger: silentLogger };
	const handler = new HttpHandler(parts);
	const server = createServer(handler.handle);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	after(() => {
		handler.close();
		server.close();
	});
	const { port } = server.address() as AddressInfo;
	const asked = fetchFrom(`127.0.0.1:${port}`, { method: "GET", path: "/hangs" });
	await assert.rejects(asked, /socket hang up|ECONNRESET/);
	await hears;
	assert.equal(contexts[0]?.isGone(), true);
	assert.match(contexts[0]?.client ?? "", /^127\.0\.0\.1:\d+$|^@$/);
});
