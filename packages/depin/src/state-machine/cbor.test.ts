import assert from "node:assert/strict";
import { test } from "node:test";
import { DecodeError, fromHex, toHex } from "@cairn/kit";
import { decode } from "cbor-x";
import fc from "fast-check";
import { CborReader, CborWriter } from "./cbor.ts";

const reader = (hex: string): CborReader => new CborReader(fromHex(hex));

/** RFC 8949 appendix A: integers, strings and floats that both sides know. */
const INTEGERS: readonly (readonly [string, number])[] = [
	["00", 0],
	["17", 23],
	["1818", 24],
	["1903e8", 1000],
	["1a000f4240", 1_000_000],
	["1b000000e8d4a51000", 1_000_000_000_000],
	["20", -1],
	["3863", -100],
	["3903e7", -1000],
];

test("integers of RFC 8949 appendix A are read, and written in the same bytes", () => {
	for (const [hex, value] of INTEGERS) {
		assert.equal(reader(hex).int(), value);
		assert.equal(toHex(new CborWriter().int(value).finish()), hex);
	}
});

test("floats of RFC 8949 appendix A are read exactly", () => {
	const floats: readonly (readonly [string, bigint])[] = [
		["f90000", 0n],
		["f98000", 0n],
		["f93c00", 1_000_000n],
		["fb3ff199999999999a", 1_100_000n],
		["f93e00", 1_500_000n],
		["f97bff", 65_504_000_000n],
		["fa47c35000", 100_000_000_000n],
		["f90400", 61n],
		["f9c400", -4_000_000n],
		["fbc010666666666666", -4_100_000n],
		["fa33800000", 0n],
	];
	for (const [hex, value] of floats) assert.equal(reader(hex).fixed(6), value, hex);
});

test("numbers that are none, or not finite, or too large are refused", () => {
	for (const hex of [
		"f97c00",
		"f97e00",
		"f9fc00",
		"fa7f800000",
		"fb7ff8000000000000",
		"fb7e37e43c8800759c",
		"f4",
		"f6",
	]) {
		assert.throws(() => reader(hex).fixed(6), DecodeError, hex);
	}
	// Tags: a big number, a decimal fraction with one part, one with an absurd exponent.
	for (const hex of ["c249010000000000000000", "c48120", "c4821a7fffffff01"]) {
		assert.throws(() => reader(hex).fixed(6), DecodeError, hex);
	}
});

test("what is not in the shortest form, of indefinite length or cut short is refused", () => {
	for (const hex of ["1817", "190017", "1900ff", "1a0000ffff", "1b00000000ffffffff", "1c", "1f", "18", "1b0000"]) {
		assert.throws(() => reader(hex).uint(), DecodeError, hex);
	}
	for (const hex of ["5f", "5800", "42ff", "590005", "5affffffff"]) {
		assert.throws(() => reader(hex).bytes(100), DecodeError, hex);
	}
	assert.throws(() => reader("1b0020000000000000").uint(), /too large/);
	assert.throws(() => reader("61ff").text(10), /UTF-8/);
	assert.throws(() => reader("9f").array(5), DecodeError);
	assert.throws(() => reader("86").array(5), /at most 5/);
	assert.throws(() => reader("bf").map(5), DecodeError);
	assert.throws(() => reader("0000").end(), /follow the end/);
});

test("an independent library reads what is written", () => {
	fc.assert(
		fc.property(
			fc.maxSafeInteger(),
			fc.uint8Array({ maxLength: 70_000 }),
			fc.string({ unit: "grapheme", maxLength: 300 }),
			(integer, bytes, text) => {
				const written = new CborWriter().array(4).int(integer).bytes(bytes).text(text).map(1).uint(7).int(-1).finish();
				const [first, second, third, fourth] = decode(written) as [number | bigint, Uint8Array, string, object];
				assert.equal(Number(first), integer);
				assert.equal(toHex(second), toHex(bytes));
				assert.equal(third, text);
				assert.deepEqual(fourth, { 7: -1 });
			},
		),
		{ numRuns: 200 },
	);
});

test("fixed-point numbers come back as they were, integers without a point", () => {
	fc.assert(
		fc.property(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), (value) => {
			const written = new CborWriter().fixed(value, 6).finish();
			assert.equal(new CborReader(written).fixed(6), value);
		}),
	);
	assert.equal(toHex(new CborWriter().fixed(72_000_000n, 6).finish()), "1848");
	// 22.5 = 225 × 10^-1.
	assert.equal(toHex(new CborWriter().fixed(22_500_000n, 6).finish()), "c4822018e1");
});

test("any bytes are read or refused with a DecodeError", () => {
	const readers: readonly ((r: CborReader) => unknown)[] = [
		(r) => r.int(),
		(r) => r.bytes(50),
		(r) => r.text(50),
		(r) => r.array(9),
		(r) => r.map(9),
		(r) => r.tag(),
		(r) => r.fixed(9),
	];
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 40 }), fc.array(fc.nat(6), { maxLength: 8 }), (bytes, calls) => {
			const cbor = new CborReader(bytes);
			try {
				for (const call of calls) readers[call]?.(cbor);
				cbor.end();
			} catch (cause) {
				assert.ok(cause instanceof DecodeError, String(cause));
			}
			assert.ok(cbor.position <= bytes.length);
		}),
		{ numRuns: 3000 },
	);
});
