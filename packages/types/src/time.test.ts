import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { GO_ZERO_TIME, splitTime, timeFromRfc3339, timeToRfc3339, weightedMedian } from "./index.ts";
import { errorOf } from "./support.test.ts";

const FIRST = GO_ZERO_TIME;
const LAST = 253402300799_999999999n;
const time = fc.oneof(
	fc.bigInt(FIRST, LAST),
	fc.bigInt(-62135596800n, 253402300799n).map((seconds) => seconds * 1_000_000_000n),
	fc.bigInt(-62135596799n, 253402300799n).map((seconds) => seconds * 1_000_000_000n - 1n),
);

test("times are printed and read as Go's RFC3339Nano", () => {
	for (const [instant, text] of [
		[0n, "1970-01-01T00:00:00Z"],
		[GO_ZERO_TIME, "0001-01-01T00:00:00Z"],
		[LAST, "9999-12-31T23:59:59.999999999Z"],
		[-1n, "1969-12-31T23:59:59.999999999Z"],
		[1_600_000_000_100_000_000n, "2020-09-13T12:26:40.1Z"],
		[951_782_400_000_000_000n, "2000-02-29T00:00:00Z"],
	] as const) {
		assert.equal(timeToRfc3339(instant), text);
		assert.equal(timeFromRfc3339(text), instant);
	}
});

test("every time of years 1 to 9999 round trips", () => {
	fc.assert(
		fc.property(time, (instant) => assert.equal(timeFromRfc3339(timeToRfc3339(instant)), instant)),
		{
			numRuns: 1000,
		},
	);
});

test("seconds and nanoseconds are split exactly", () => {
	fc.assert(
		fc.property(time, (instant) => {
			const { seconds, nanos } = splitTime(instant);
			assert.ok(nanos >= 0 && nanos < 1e9 && Number.isInteger(nanos));
			assert.equal(BigInt(seconds) * 1_000_000_000n + BigInt(nanos), instant);
		}),
		{ numRuns: 1000 },
	);
});

test("offsets are taken into account, digits beyond nanoseconds dropped", () => {
	assert.equal(timeFromRfc3339("1970-01-01T02:00:00+02:00"), 0n);
	assert.equal(timeFromRfc3339("1969-12-31T23:30:00-00:30"), 0n);
	assert.equal(timeFromRfc3339("1970-01-01T00:00:00.0000000019Z"), 1n);
});

test("what is not a time is refused", () => {
	for (const text of [
		"",
		"2023-02-29T00:00:00Z",
		"2023-13-01T00:00:00Z",
		"2023-00-01T00:00:00Z",
		"2023-01-00T00:00:00Z",
		"2023-01-01T24:00:00Z",
		"2023-01-01T00:60:00Z",
		"2023-01-01T00:00:60Z",
		"2023-01-01T0:00:00Z",
		"2023-01-01t00:00:00Z",
		"2023-01-01T00:00:00z",
		"2023-01-01T00:00:00,5Z",
		"2023-01-01T00:00:00.Z",
		"2023-01-01T00:00:00",
		"2023-01-01T00:00:00+24:00",
		"2023-01-01 00:00:00Z",
	]) {
		assert.ok(
			errorOf(() => timeFromRfc3339(text)),
			text,
		);
	}
});

test("the weighted median lies among the times, and half of the power on each side of it", () => {
	const times = fc.array(fc.record({ time: fc.bigInt(0n, 20n), weight: fc.bigInt(1n, 50n) }), { minLength: 1 });
	fc.assert(
		fc.property(times, (list) => {
			const total = list.reduce((sum, { weight }) => sum + weight, 0n);
			const median = weightedMedian(list, total);
			const before = list.reduce((sum, { time: t, weight }) => (t < median ? sum + weight : sum), 0n);
			const after = list.reduce((sum, { time: t, weight }) => (t > median ? sum + weight : sum), 0n);
			assert.ok(list.some(({ time: t }) => t === median));
			// Go rounds half of the total down, so one unit more may lie after it.
			assert.ok(before * 2n <= total && after * 2n <= total + 1n);
		}),
	);
	assert.equal(weightedMedian([], 0n), GO_ZERO_TIME);
});
