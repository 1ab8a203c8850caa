import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { editDistance, nearest, nearestOfAll } from "./nearest.ts";

test("edits are counted; neighbours that changed places are one edit", () => {
	assert.equal(editDistance("", "abc"), 3);
	assert.equal(editDistance("laddr", "ladrd"), 1);
	assert.equal(editDistance("kitten", "sitting"), 3);
	assert.equal(editDistance("same", "same"), 0);
});

test("the distance is symmetric, zero only for equal texts, and never more than the longer text", () => {
	const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 8 });
	fc.assert(
		fc.property(word, word, (a, b) => {
			const distance = editDistance(a, b);
			assert.equal(distance, editDistance(b, a));
			assert.equal(distance === 0, a === b);
			assert.ok(distance <= Math.max(a.length, b.length));
		}),
	);
});

test("a close candidate is named, a far one only when asked for", () => {
	assert.equal(nearest("strat", ["stop", "start"]), "start");
	assert.equal(nearest("zzzz", ["stop", "start"]), undefined);
	assert.equal(nearestOfAll("zzzz", ["stop"]), "stop");
	assert.equal(nearest("x", []), undefined);
});
