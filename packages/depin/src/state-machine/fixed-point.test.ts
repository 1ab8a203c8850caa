import assert from "node:assert/strict";
import { test } from "node:test";
import { DecodeError } from "@cairn/kit";
import fc from "fast-check";
import { decimalToFixed, doubleToFixed, formatFixed, parseFixed } from "./fixed-point.ts";

test("doubles are rounded from their exact value, as toFixed does but for ties", () => {
	fc.assert(
		fc.property(fc.double({ min: -1e11, max: 1e11, noNaN: true }), (value) => {
			const expected = parseFixed(value.toFixed(6), 6);
			const found = doubleToFixed(value, 6);
			const difference = found > expected ? found - expected : expected - found;
			// On a tie toFixed goes up, we go to the even one.
			assert.ok(difference === 0n || (difference === 1n && found % 2n === 0n), `${value}: ${found}, ${expected}`);
		}),
		{ numRuns: 5000 },
	);
});

test("ties go to the even neighbour, in both directions", () => {
	const half = 2 ** -1;
	assert.deepEqual(
		[half, 1 + half, 2 + half, -half, -1 - half, -2 - half].map((value) => doubleToFixed(value, 0)),
		[0n, 2n, 2n, 0n, -2n, -2n],
	);
	assert.equal(decimalToFixed(25n, -1, 0), 2n);
	assert.equal(decimalToFixed(35n, -1, 0), 4n);
	assert.equal(decimalToFixed(-25n, -1, 0), -2n);
});

test("the smallest and the largest doubles are zero and refused", () => {
	assert.equal(doubleToFixed(Number.MIN_VALUE, 9), 0n);
	assert.equal(doubleToFixed(-0, 6), 0n);
	for (const value of [Number.MAX_VALUE, 1e20, Number.NaN, Number.POSITIVE_INFINITY, -1e13]) {
		assert.throws(() => doubleToFixed(value, 6), DecodeError);
	}
	assert.equal(decimalToFixed(1n, -400, 6), 0n);
	assert.equal(decimalToFixed(0n, 400, 6), 0n);
	assert.throws(() => decimalToFixed(1n, 400, 6), DecodeError);
	assert.throws(() => decimalToFixed(1n, 30, 6), DecodeError);
});

test("decimals are read and written without loss", () => {
	assert.equal(parseFixed("72", 6), 72_000_000n);
	assert.equal(parseFixed("1795305600000000001", 0), 1_795_305_600_000_000_001n);
	assert.equal(parseFixed("-0.000001", 6), -1n);
	assert.equal(formatFixed(-1n, 6), "-0.000001");
	assert.equal(formatFixed(72_500_000n, 6), "72.5");
	assert.equal(formatFixed(0n, 6), "0");
	assert.equal(formatFixed(-12n, 0), "-12");
	fc.assert(
		fc.property(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), fc.nat(9), (value, digits) => {
			assert.equal(parseFixed(formatFixed(value, digits), digits), value);
		}),
	);
	for (const text of ["", "1.", ".5", "+1", "1e3", "0x10", " 1", "1.2345678", "NaN", "9".repeat(30)]) {
		assert.throws(() => parseFixed(text, 6), DecodeError, text);
	}
});
