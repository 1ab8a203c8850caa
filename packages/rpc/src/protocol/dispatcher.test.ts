import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CairnError, type LogFields, silentLogger } from "@cairn/kit";
import type { RpcEnvironment } from "../environment.ts";
import { jsonString } from "../json/text.ts";
import { INT64, OPTIONAL_INT64, STRING } from "../parse/param-kinds.ts";
import { type Route, route } from "../routes/route.ts";
import { HTTP_CALLER, request } from "../testing/calls.ts";
import { Dispatcher, type HttpAnswer } from "./dispatcher.ts";

const logged: (readonly [string, LogFields | undefined])[] = [];
const environment = {
	logger: { ...silentLogger, error: (message: string, fields?: LogFields) => logged.push([message, fields]) },
} as unknown as RpcEnvironment;

const routes: readonly Route[] = [
	route("health", {}, {}, () => "{}"),
	route("forever", {}, { cache: [] }, () => '"forever"'),
	route("block", { height: OPTIONAL_INT64 }, { cache: ["height"] }, (_, { height }) => {
		if (height !== null && height < 1n) throw new CairnError("x", "peer", `height <${height}>`);
		return `"${height ?? "latest"}"`;
	}),
	route("pair", { a: INT64, b: STRING }, {}, (_, { a, b }) => `["${a}",${jsonString(b)}]`),
	route("late", {}, {}, async () => {
		await new Promise((resolve) => setImmediate(resolve));
		return '"late"';
	}),
	route("broken", {}, {}, () => {
		throw new TypeError("no such thing");
	}),
	route("ill", {}, {}, () => {
		throw new CairnError("unhealthy", "operator", "the disk is full");
	}),
	route("listen", { query: STRING }, { websocketOnly: true }, () => '"listening"'),
];

const dispatcher = new Dispatcher(new Map(routes.map((each) => [each.name, each])), environment, { maxBatchSize: 3 });
const post = (body: string): Promise<HttpAnswer> => dispatcher.post(body, HTTP_CALLER);

function uri(name: string, query: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
	const found = routes.find((each) => each.name === name);
	assert.ok(found !== undefined);
	return dispatcher.uri(found, new Map(Object.entries(query)), HTTP_CALLER);
}

async function bodyOf(body: string): Promise<string> {
	return (await post(body)).body;
}

describe("JSON-RPC over HTTP", () => {
	test("answers carry the id of the request, as it was written", async () => {
		for (const [id, shown] of [
			["1", "1"],
			['"a<b"', '"a\\u003cb"'],
			["-0", "0"],
			["1e2", "100"],
			["9007199254740993", "9007199254740992"],
		]) {
			const expected = `{"jsonrpc":"2.0","id":${shown},"result":{}}`;
			assert.equal(await bodyOf(`{"jsonrpc":"2.0","id":${id},"method":"health"}`), expected);
		}
	});

	test("ids that are no text and no whole number of 64 bits are refused", async () => {
		for (const [id, why] of [
			["1.5", "json-rpc ID must be a whole number, got 1.5"],
			["1e19", "json-rpc ID out of int64 range, got 1e+19"],
			["9223372036854775808", "json-rpc ID out of int64 range, got 9.223372036854776e+18"],
			["{}", "json-rpc ID (map[]) is of unknown type (map[string]interface {})"],
			['[1,"a",null]', "json-rpc ID ([1 a <nil>]) is of unknown type ([]interface {})"],
			["true", "json-rpc ID (true) is of unknown type (bool)"],
		]) {
			const { status, body } = await post(`{"id":${id},"method":"health"}`);
			assert.equal(status, 500);
			assert.deepEqual(JSON.parse(body), {
				jsonrpc: "2.0",
				error: { code: -32700, message: "Parse error. Invalid JSON", data: `error unmarshaling request: ${why}` },
			});
		}
	});

	test("notifications are neither answered nor carried out", async () => {
		for (const body of ['{"method":"broken"}', '{"id":null,"method":"broken"}', "[]", "null", "[{}]", "[null]"]) {
			assert.deepEqual(await post(body), { status: 200, contentType: null, cacheable: false, body: "" });
		}
		assert.equal(logged.length, 0);
	});

	test("a batch with one answer is answered without brackets, larger ones with", async () => {
		const call = request("health");
		assert.equal(await bodyOf(`[${call}]`), '{"jsonrpc":"2.0","id":1,"result":{}}');
		assert.equal(await bodyOf(`[${call},{"method":"health"}]`), '{"jsonrpc":"2.0","id":1,"result":{}}');
		const answers = JSON.parse(await bodyOf(`[${request("late")},${call},${request("nosuch")}]`));
		assert.deepEqual(
			answers.map((each: { result?: unknown; error?: unknown }) => each.result ?? each.error),
			["late", {}, { code: -32601, message: "Method not found" }],
		);
	});

	test("a batch may not be too large, and one bad call spoils it", async () => {
		const calls = Array.from({ length: 4 }, () => request("health")).join(",");
		const refused = await post(`[${calls}]`);
		assert.equal(refused.status, 200);
		assert.match(refused.body, /^\{"jsonrpc":"2.0","error":\{"code":-32600,.*exceeds maximum \(3\) allowed/);
		assert.equal(dispatcher.refuse(`[${calls}]`)?.body, refused.body);
		assert.equal(dispatcher.refuse("[1,2,3,4"), null);
		assert.match(await bodyOf(`[${request("health")},5]`), /"code":-32700.*cannot unmarshal array into Go value/);
	});

	test("members count in any case of letters, the last one of a name", async () => {
		assert.match(await bodyOf('{"ID":1,"id":7,"METHOD":"health"}'), /"id":7,"result"/);
		assert.match(
			await bodyOf('{"id":1,"method":5}'),
			/cannot unmarshal number into Go struct field \.method of type string/,
		);
	});

	test("parameters come by name or by place; none at all are the defaults", async () => {
		const result = async (params: string): Promise<unknown> => {
			const answer = JSON.parse(await bodyOf(`{"id":1,"method":"pair","params":${params}}`));
			return answer.result ?? answer.error;
		};
		assert.deepEqual(await result('{"b":"x","a":"5"}'), ["5", "x"]);
		assert.deepEqual(await result('["5","x"]'), ["5", "x"]);
		assert.deepEqual(await result('{"other":1,"a":null}'), ["0", ""]);
		assert.deepEqual(await result("null"), ["0", ""]);
		const fault = (data: string) => ({ code: -32602, message: "Invalid params", data });
		const why = "error converting json params to arguments: ";
		assert.deepEqual(await result('["5"]'), fault(`${why}expected 2 parameters ([a b]), got 1 (["5"])`));
		assert.deepEqual(await result('{"a":5}'), fault(`${why}invalid 64-bit integer encoding "5", expected string`));
		const kind = "json: cannot unmarshal string into Go value of type []json.RawMessage";
		assert.deepEqual(await result('"a"'), fault(`${why}unknown type for JSON params: ${kind}. Expected map or array`));
		assert.equal(await bodyOf('{"id":1,"method":"pair"}'), '{"jsonrpc":"2.0","id":1,"result":["0",""]}');
	});

	test("only what stays true may be cached: not the latest block, not a batch with it", async () => {
		const cacheable = async (body: string): Promise<boolean> => (await post(body)).cacheable;
		assert.equal(await cacheable(request("block", { height: "5" })), true);
		assert.equal(await cacheable(request("block", { height: "0" })), true, "failures too, as CometBFT does");
		assert.equal(await cacheable(request("block")), false);
		assert.equal(await cacheable('{"id":1,"method":"block"}'), false);
		assert.equal(await cacheable('{"id":1,"method":"forever"}'), true);
		assert.equal(await cacheable(request("health")), false);
		const old = request("block", { height: "5" });
		assert.equal(await cacheable(`[${old},${request("forever")}]`), true);
		assert.equal(await cacheable(`[${old},${request("health")}]`), false);
		assert.equal(await cacheable(`[${old},${request("nosuch")}]`), false);
		assert.equal(await cacheable(request("block", { height: 5 })), false);
	});

	test("WebSocket routes are not there", async () => {
		assert.match(await bodyOf(request("listen", { query: "x" })), /-32601/);
	});

	test("a node that is not well answers 503", async () => {
		const { status, cacheable, body } = await post(request("ill"));
		assert.deepEqual([status, cacheable], [503, false]);
		assert.deepEqual(JSON.parse(body).error, { code: -32603, message: "Internal error", data: "the disk is full" });
		assert.equal((await post(`[${request("ill")},${request("health")}]`)).status, 200);
	});

	test("our own mistakes are answered too, and logged", async () => {
		logged.length = 0;
		assert.match(await bodyOf(request("broken")), /"code":-32603,.*"data":"no such thing"/);
		assert.equal(logged.length, 1);
		assert.match(String(logged[0]?.[1]?.stack), /TypeError/);
	});
});

describe("calls by URI", () => {
	test("answers have the id -1", async () => {
		assert.deepEqual(await uri("block", { height: "5" }), {
			status: 200,
			contentType: "application/json",
			cacheable: true,
			body: '{"jsonrpc":"2.0","id":-1,"result":"5"}',
		});
		assert.equal((await uri("block", { height: '"7"' })).body, '{"jsonrpc":"2.0","id":-1,"result":"7"}');
		assert.equal((await uri("block", { height: "" })).cacheable, false);
		assert.match((await uri("pair", { a: "5", b: "0x4142" })).body, /\["5","AB"\]/);
		assert.match((await uri("pair", { b: '"a b"' })).body, /\["0","a b"\]/);
	});

	test("failures have status 500 and are not cached", async () => {
		const fault = async (name: string, query: Record<string, string>): Promise<unknown> => {
			const { status, cacheable, body } = await uri(name, query);
			assert.deepEqual([status, cacheable], [500, false]);
			return JSON.parse(body).error.data;
		};
		const why = "error converting http params to arguments: ";
		assert.equal(await fault("block", { height: "0" }), "height <0>");
		assert.equal(await fault("block", { height: "x" }), `${why}invalid 64-bit integer encoding "x", expected string`);
		assert.equal(await fault("block", { height: "0x5" }), `${why}got a hex string arg, but expected 'int64'`);
		assert.equal(await fault("pair", { b: "x" }), `${why}invalid character 'x' looking for beginning of value`);
	});

	test("an ill node answers 503, WebSocket routes 404", async () => {
		assert.equal((await uri("ill")).status, 503);
		const { status, body } = await uri("listen", { query: '"x"' });
		assert.deepEqual([status, JSON.parse(body).error.code], [404, -32601]);
	});
});

describe("WebSocket messages", () => {
	const say = (text: string): Promise<string | null> => dispatcher.socket(text, () => HTTP_CALLER);

	test("one call a message; batches are no calls", async () => {
		assert.equal(await say(request("listen", { query: "x" })), '{"jsonrpc":"2.0","id":1,"result":"listening"}');
		assert.match((await say(`[${request("health")}]`)) ?? "", /-32700/);
		assert.match((await say("{")) ?? "", /-32700/);
		assert.equal(await say('{"method":"health"}'), null);
		assert.match((await say(request("nosuch"))) ?? "", /-32601/);
	});

	test("bad parameters have another code than over HTTP", async () => {
		assert.match((await say(request("block", { height: 5 }))) ?? "", /"code":-32603.*invalid 64-bit integer/);
	});
});
