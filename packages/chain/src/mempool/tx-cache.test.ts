import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { TxCache } from "./tx-cache.ts";

type Step = { readonly kind: "push" | "remove"; readonly key: string } | { readonly kind: "clear" };

const key = fc.constantFrom("a", "b", "c", "d", "e", "f");
const step: fc.Arbitrary<Step> = fc.oneof(
	{ weight: 8, arbitrary: key.map((each) => ({ kind: "push" as const, key: each })) },
	{ weight: 3, arbitrary: key.map((each) => ({ kind: "remove" as const, key: each })) },
	{ weight: 1, arbitrary: fc.constant({ kind: "clear" as const }) },
);

describe("transaction cache", () => {
	it("remembers the most recently pushed keys, whatever happens", () => {
		fc.assert(
			fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 60 }), (capacity, steps) => {
				const cache = new TxCache(capacity);
				let model: string[] = [];
				for (const each of steps) {
					if (each.kind === "clear") {
						cache.clear();
						model = [];
					} else if (each.kind === "remove") {
						cache.remove(each.key);
						model = model.filter((known) => known !== each.key);
					} else {
						assert.equal(cache.push(each.key), !model.includes(each.key));
						model = [...model.filter((known) => known !== each.key), each.key].slice(-capacity);
					}
					assert.equal(cache.size, model.length);
					for (const one of "abcdef") assert.equal(cache.has(one), model.includes(one), one);
				}
			}),
		);
	});

	it("remembers nothing at capacity 0", () => {
		const cache = new TxCache(0);
		assert.deepEqual([cache.push("a"), cache.push("a"), cache.has("a"), cache.size], [true, true, false, 0]);
	});
});
