import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { durationToNs, formatDuration, msToNs, nsToMs } from "./duration.ts";

test("durations read as Go reads them", () => {
	const cases: Readonly<Record<string, bigint>> = {
		"0": 0n,
		"0s": 0n,
		"3s": 3_000_000_000n,
		"1m0s": 60_000_000_000n,
		"168h0m0s": 604_800_000_000_000n,
		"500ms": 500_000_000n,
		"1.5h": 5_400_000_000_000n,
		".5s": 500_000_000n,
		"1.s": 1_000_000_000n,
		"-2ms": -2_000_000n,
		"+2ms": 2_000_000n,
		"1us": 1_000n,
		"1µs": 1_000n,
		"1μs": 1_000n,
		"7ns": 7n,
		"1h1ns": 3_600_000_000_001n,
		"9223372036854775807ns": 9_223_372_036_854_775_807n,
	};
	for (const [text, ns] of Object.entries(cases)) assert.equal(durationToNs(text), ns, text);
});

test("what Go refuses is no duration", () => {
	for (const text of [
		"",
		"5",
		"s",
		".s",
		"5 s",
		"5d",
		"1h 2m",
		"abc",
		"-",
		"1s2",
		"9223372036854775808ns",
		"300y",
		"1e3s",
	]) {
		assert.equal(durationToNs(text), undefined, text);
	}
});

test("durations are written as Go writes them", () => {
	const cases: Readonly<Record<string, number>> = {
		"0s": 0,
		"10ms": 10,
		"1.5ms": 1.5,
		"1.001µs": 0.001001,
		"20ns": 0.00002,
		"3s": 3_000,
		"1.1s": 1_100,
		"1m0s": 60_000,
		"168h0m0s": 604_800_000,
		"1h0m0.5s": 3_600_500,
		"-2s": -2_000,
	};
	for (const [text, ms] of Object.entries(cases)) assert.equal(formatDuration(ms), text);
});

test("any duration below 99 days survives reading and writing to the nanosecond", () => {
	const limit = 2n ** 33n * 1_000_000n - 1n;
	fc.assert(
		fc.property(fc.bigInt({ min: -limit, max: limit }), (ns) => {
			const ms = nsToMs(ns);
			assert.equal(msToNs(ms), ns);
			assert.equal(durationToNs(formatDuration(ms)), ns);
		}),
	);
});
