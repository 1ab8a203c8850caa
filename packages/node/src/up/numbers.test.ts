import assert from "node:assert/strict";
import { test } from "node:test";
import { clockText, countText, megabytesText, millisecondsText, plural } from "./numbers.ts";

test("numbers read well", () => {
	assert.deepEqual([0, 12, 999, 1_000, 1_234_567, 19.6].map(countText), ["0", "12", "999", "1,000", "1,234,567", "20"]);
	assert.deepEqual([null, 0, 812.4, 1_620, 12_340, 125_000].map(millisecondsText), [
		"–",
		"0 ms",
		"812 ms",
		"1.62 s",
		"12.3 s",
		"2 min 5 s",
	]);
	assert.deepEqual([0, 5_999, 754_000, 3_723_000].map(clockText), ["0:00", "0:05", "12:34", "1:02:03"]);
	assert.deepEqual([null, 85_449_999].map(megabytesText), ["–", "85 MB"]);
	assert.deepEqual(
		[1, 2].map((count) => plural(count, "node")),
		["1 node", "2 nodes"],
	);
});
