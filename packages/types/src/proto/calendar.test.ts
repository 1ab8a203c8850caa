import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { secondsOfText, textOfSeconds } from "./calendar.ts";

const FIRST = -62135596800;
const LAST = 253402300799;

test("dates are those of the platform's calendar, every day of four centuries and at random", () => {
	const platform = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 19);
	for (let day = 0; day < 146_097; day++) {
		const seconds = -11_676_096_000 + day * 86_400;
		assert.equal(textOfSeconds(seconds), platform(seconds));
	}
	fc.assert(
		fc.property(fc.integer({ min: FIRST, max: LAST }), (seconds) => {
			assert.equal(textOfSeconds(seconds), platform(seconds));
			assert.equal(secondsOfText(textOfSeconds(seconds)), seconds);
		}),
		{ numRuns: 1000 },
	);
});

test("days that do not exist are told", () => {
	for (const text of [
		"1900-02-29",
		"2023-02-30",
		"2023-04-31",
		"2023-00-01",
		"2023-13-01",
		"2023-01-00",
		"2023-01-32",
	]) {
		assert.equal(secondsOfText(`${text}T00:00:00`), undefined, text);
	}
	assert.equal(secondsOfText("2000-02-29T00:00:00"), 951_782_400);
	assert.equal(secondsOfText("2000-02-29 00:00:00"), undefined);
	assert.equal(secondsOfText("2000-02-29T24:00:00"), undefined);
});
