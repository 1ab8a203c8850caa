import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compareBytes, DecodeError, fromHex, toHex } from "@cairn/kit";
import fc from "fast-check";
import { encodeOrdered, type OrderedItem, OrderedReader } from "./ordered-code.ts";

const int64 = fc.oneof(
	fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
	fc.bigInt({ min: -70n, max: 70n }),
	fc.nat(62).chain((bits) => fc.bigInt({ min: 2n ** BigInt(bits) - 2n, max: 2n ** BigInt(bits) + 2n })),
);

describe("ordered code", () => {
	it("writes the bytes of google/orderedcode", () => {
		const cases: readonly (readonly [OrderedItem, string])[] = [
			["", "0001"],
			["foo", "666f6f0001"],
			["a\u0000b", "6100ff620001"],
			["a\udcffb", "61ff00620001"],
			[0n, "80"],
			[63n, "bf"],
			[64n, "c040"],
			[-64n, "40"],
			[-65n, "3fbf"],
			[0x23n, "a3"],
			[0x10en, "c10e"],
			[-0x10fn, "3ef1"],
			[8191n, "dfff"],
			[8192n, "e02000"],
			[2n ** 62n, "ffc04000000000000000"],
			[2n ** 63n - 1n, "ffc07fffffffffffffff"],
			[-(2n ** 63n), "003f8000000000000000"],
		];
		for (const [item, hex] of cases) assert.equal(toHex(encodeOrdered(item)), hex, String(item));
	});

	it("reads back what it writes, in the same order", () => {
		const text = fc.string({ unit: "binary", maxLength: 6 });
		const items = fc.tuple(text, int64, text, int64);
		fc.assert(
			fc.property(items, items, (a, b) => {
				const reader = new OrderedReader(encodeOrdered(...a));
				assert.deepEqual([reader.string(), reader.int64(), reader.string(), reader.int64()], a);
				assert.equal(reader.isAtEnd, true);
				const numbers = compareBytes(encodeOrdered(a[1]), encodeOrdered(b[1]));
				assert.equal(Math.sign(numbers), a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0);
			}),
			{ numRuns: 1000 },
		);
	});

	it("refuses broken bytes with a typed error", () => {
		for (const hex of ["", "00", "ff", "0002", "c0", "ffc1", "ffc0"]) {
			assert.throws(
				() => new OrderedReader(fromHex(hex)).int64() && new OrderedReader(fromHex(hex)).string(),
				DecodeError,
				hex,
			);
		}
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
				for (const kind of ["string", "int64"] as const) {
					try {
						new OrderedReader(bytes)[kind]();
					} catch (error) {
						assert.ok(error instanceof DecodeError);
					}
				}
			}),
		);
	});
});
