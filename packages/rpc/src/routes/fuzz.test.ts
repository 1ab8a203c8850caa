import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import fc from "fast-check";
import { Dispatcher, type HttpAnswer } from "../protocol/dispatcher.ts";
import { HTTP_CALLER } from "../testing/calls.ts";
import { RecordedNode } from "../testing/recorded-node.ts";
import { recording } from "../testing/vectors.ts";
import { ROUTES, routeTable } from "./table.ts";

/** Those that wait for a block that never comes here. */
const SLOW = new Set(["broadcast_tx_commit"]);
const NAMES = ROUTES.map(({ name }) => name).filter((name) => !SLOW.has(name));

const text = fc.oneof(
	fc.string(),
	fc.constantFrom(
		"tx.height=1",
		"app.key EXISTS",
		"tm.event='Tx'",
		"a CONTAINS ''",
		"tx.hash='zz'",
		"DATE",
		"asc",
		"desc",
	),
	fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }).map(String),
	fc.base64String(),
	fc.stringMatching(/^(0x)?[0-9a-f]{0,70}$/),
);
const evidence = fc.record({
	type: fc.constantFrom("tendermint/DuplicateVoteEvidence", "tendermint/LightClientAttackEvidence", "x"),
	value: fc.oneof(fc.constant({}), fc.jsonValue({ maxDepth: 3 })),
});
const value = fc.oneof(text, fc.jsonValue({ maxDepth: 2 }), evidence, fc.boolean());

/** Parameters of a route, more or less. */
const call = fc.constantFrom(...NAMES).chain((name) => {
	const names = ROUTES.find((each) => each.name === name)?.params.map((param) => param.name) ?? [];
	const byName = fc.dictionary(fc.oneof(fc.constantFrom(...names, "other"), fc.string()), value, { maxKeys: 6 });
	const params = fc.oneof({ weight: 4, arbitrary: byName }, fc.array(value, { maxLength: 5 }), fc.jsonValue());
	return fc.record({ name: fc.constant(name), params });
});

const CODES = new Set([-32700, -32600, -32601, -32602, -32603]);

/** Answers are JSON, of a known form, and not larger than what there is to tell. */
function assertDecent({ body }: HttpAnswer): void {
	assert.ok(body.length < 3_000_000);
	const answer = JSON.parse(body);
	assert.equal(answer.jsonrpc, "2.0");
	assert.ok("result" in answer !== "error" in answer);
	if (!("error" in answer)) return;
	assert.ok(CODES.has(answer.error.code));
	assert.ok(
		!/is not a function|Cannot read|undefined|must be of type/.test(answer.error.data ?? ""),
		answer.error.data,
	);
}

describe("whatever a route is asked, it answers", () => {
	let dispatcher: Dispatcher;
	const mistakes: unknown[] = [];

	before(async () => {
		const node = await RecordedNode.at(recording("short"), 8);
		const { logger } = node.environment;
		const environment = {
			...node.environment,
			logger: { ...logger, error: (...line: unknown[]) => mistakes.push(line) },
		};
		dispatcher = new Dispatcher(routeTable(true), environment, { maxBatchSize: 10 });
	});

	test("in JSON-RPC form", async () => {
		await fc.assert(
			fc.asyncProperty(call, async ({ name, params }) => {
				const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: name, params });
				const answer = await dispatcher.post(body, HTTP_CALLER);
				assert.equal(answer.status, 200);
				assertDecent(answer);
			}),
			{ numRuns: 1_500 },
		);
		assert.deepEqual(mistakes, []);
	});

	test("in URI form", async () => {
		await fc.assert(
			fc.asyncProperty(call, fc.boolean(), async ({ name, params }, isQuoted) => {
				const route = dispatcher.routes.get(name);
				assert.ok(route !== undefined);
				const query = new Map<string, string>();
				for (const [key, each] of Object.entries(params ?? {})) {
					query.set(key, typeof each === "string" && !isQuoted ? each : JSON.stringify(each));
				}
				const answer = await dispatcher.uri(route, query, HTTP_CALLER);
				assert.ok([200, 404, 500].includes(answer.status));
				assertDecent(answer);
			}),
			{ numRuns: 1_500 },
		);
		assert.deepEqual(mistakes, []);
	});

	test("and bodies that are no requests are told so", async () => {
		await fc.assert(
			fc.asyncProperty(fc.oneof(fc.json(), fc.string()), async (body) => {
				const answer = await dispatcher.post(body, HTTP_CALLER);
				assert.ok(answer.status === 200 || answer.status === 500);
				if (answer.body !== "") JSON.parse(answer.body);
			}),
			{ numRuns: 1_000 },
		);
		assert.deepEqual(mistakes, []);
	});
});
