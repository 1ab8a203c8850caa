import assert from "node:assert/strict";
import { test } from "node:test";
import { DecodeError } from "@cairn/kit";
import fc from "fast-check";
import { fromProtoJson, type Json, types, ZERO_TIME } from "./index.ts";
import { durationToText, parseDuration, parseTimestamp, timestampToText } from "./json-time.ts";

test("times as text, and back", () => {
	assert.equal(timestampToText(ZERO_TIME), "0001-01-01T00:00:00Z");
	assert.equal(timestampToText(1_500_000_000n), "1970-01-01T00:00:01.500Z");
	assert.equal(timestampToText(-1n), "1969-12-31T23:59:59.999999999Z");
	assert.equal(parseTimestamp("2024-02-29T12:00:00+01:30"), parseTimestamp("2024-02-29T10:30:00Z"));
	for (const text of ["2023-02-29T00:00:00Z", "2024-01-01", "0001-01-01T00:00:00+01:00", "2024-01-01T24:00:00Z", ""])
		assert.throws(() => parseTimestamp(text), DecodeError, text);
	fc.assert(
		fc.property(fc.bigInt({ min: ZERO_TIME, max: 253402300799_999999999n }), (time) => {
			assert.equal(parseTimestamp(timestampToText(time)), time);
		}),
	);
});

test("durations as text, and back", () => {
	assert.equal(durationToText(1_500_000_000n), "1.500s");
	assert.equal(durationToText(-1n), "-0.000000001s");
	assert.equal(parseDuration("1.5s"), 1_500_000_000n);
	for (const text of ["1.5", "s", "99999999999s", "1.0000000001s"])
		assert.throws(() => parseDuration(text), DecodeError);
	fc.assert(
		fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (span) => {
			assert.equal(parseDuration(durationToText(span)), span);
		}),
	);
});

test("JSON that is no message is refused", () => {
	const refused: readonly Json[] = [
		[],
		null,
		"vote",
		{ hight: "1" },
		{ height: "1.5" },
		{ height: "9223372036854775808" },
		{ height: true },
		{ round: 2147483648 },
		{ signature: "?" },
		{ type: "SIGNED_MSG_TYPE_PREVOTED" },
		{ block_id: { part_set_header: { total: -1 } } },
		{ timestamp: 5 },
	];
	for (const json of refused)
		assert.throws(() => fromProtoJson("tendermint.types.Vote", json), DecodeError, JSON.stringify(json));
	assert.throws(
		() => fromProtoJson("tendermint.types.Evidence", { duplicate_vote_evidence: {}, light_client_attack_evidence: {} }),
		DecodeError,
	);
	assert.throws(() => fromProtoJson("tendermint.types.Wote", {}), DecodeError);
	assert.deepEqual(
		fromProtoJson("tendermint.types.Vote", { height: 5, type: 99, validatorIndex: 3, round: null }),
		types.Vote.create({ height: 5n, type: 99, validatorIndex: 3 }),
	);
});
