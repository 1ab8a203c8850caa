import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { nsToMs } from "./duration.ts";
import { resolveConfig } from "./resolve.ts";
import type { KnownKey } from "./schema.ts";
import { DEFAULTS, KNOWN_KEYS } from "./schema.ts";
import { renderConfig } from "./template.ts";

/** Keys that rules over several values speak about: they keep their defaults here. */
const RULED =
	/^((blocksync\.)?version|log_level|instrumentation\.namespace|rpc\.experimental_.*size|p2p\.libp2p\..*|statesync\.enable|mempool\.type)$/;

const duration = fc.bigInt({ min: 1n, max: 2n ** 33n * 1_000_000n - 1n }).map(nsToMs);
const word = fc.string({ unit: "binary" });
const item = word.filter((text) => !text.includes(",") && text.trim() === text && text !== "");

function anyValue(known: KnownKey): fc.Arbitrary<unknown> {
	const { kind, fallback } = known.key;
	if (kind.name === "duration") return duration;
	if (kind.isBoolean) return fc.boolean();
	if (kind.name === "number") return fc.integer({ min: 0, max: 2 ** 31 - 1 });
	if (kind.name === "list") return fc.array(item);
	if (kind.name.includes("|")) return fc.constantFrom(...kind.name.split("|"));
	assert.equal(typeof fallback, "string", known.dotted);
	return word;
}

test("whatever the values, the written file reads back to them, and every key has its comment", () => {
	const free = KNOWN_KEYS.filter((known) => !RULED.test(known.dotted));
	assert.ok(free.length > 80);
	const values = fc.record(Object.fromEntries(free.map((known) => [known.dotted, anyValue(known)])));
	fc.assert(
		fc.property(values, (changed) => {
			const given = new Map([...DEFAULTS, ...Object.entries(changed)]);
			const text = renderConfig(given);
			const file = { path: "/h/config/config.toml", text };
			const read = resolveConfig({ home: "/h", file, environment: {}, flags: new Map(), hostname: "" });
			assert.deepEqual([...read.values], [...given]);
			assert.deepEqual(read.warnings, []);
			for (const [key, where] of read.origins) assert.match(where, /^\/h\/config\/config\.toml:\d+$/, key);
		}),
		{ numRuns: 50 },
	);
});

test("every key stands under a comment, on a line of its own", () => {
	const lines = renderConfig(DEFAULTS).split("\n");
	for (const known of KNOWN_KEYS) {
		const at = lines.findIndex(
			(line, index) => line.startsWith(`${known.name} = `) && (lines[index - 1] ?? "").startsWith("# "),
		);
		assert.ok(at > 0, known.dotted);
	}
});
