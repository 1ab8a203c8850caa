import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BitArray } from "./index.ts";
import { bits } from "./proto/index.ts";
import { errorOf } from "./support.test.ts";

const array = fc.array(fc.boolean(), { maxLength: 200 }).map((list) => {
	return BitArray.fromFunction(list.length, (i) => list[i] ?? false);
});

/** Two arrays of one size. */
const pair = fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 200 }).map((list) => ({
	a: BitArray.fromFunction(list.length, (i) => list[i]?.[0] ?? false),
	b: BitArray.fromFunction(list.length, (i) => list[i]?.[1] ?? false),
}));

test("laws of sets hold", () => {
	fc.assert(
		fc.property(pair, ({ a, b }) => {
			assert.ok(a.or(b).equals(b.or(a)));
			assert.ok(a.and(b).equals(b.and(a)));
			assert.ok(a.sub(b).equals(a.and(b.not())));
			assert.ok(a.or(b).not().equals(a.not().and(b.not())));
			assert.ok(a.not().not().equals(a));
			assert.ok(a.sub(a).isEmpty());
			assert.ok(a.or(a.not()).isFull());
			assert.equal(a.and(b).count() + a.or(b).count(), a.count() + b.count());
		}),
	);
});

test("every bit is where it was put", () => {
	fc.assert(
		fc.property(fc.array(fc.boolean(), { maxLength: 200 }), (list) => {
			const bitsOfList = BitArray.fromFunction(list.length, (i) => list[i] ?? false);
			const expected = list.flatMap((bit, i) => (bit ? [i] : []));
			assert.deepEqual(bitsOfList.trueIndices(), expected);
			assert.equal(bitsOfList.count(), expected.length);
			assert.equal(bitsOfList.toString(), list.map((bit) => (bit ? "x" : "_")).join(""));
			assert.equal(bitsOfList.isEmpty(), expected.length === 0);
			assert.equal(bitsOfList.isFull(), expected.length === list.length);
		}),
	);
});

test("arrays of different sizes: or takes the larger, and the smaller, sub the first", () => {
	fc.assert(
		fc.property(array, array, (a, b) => {
			const size = Math.max(a.size, b.size);
			const or = BitArray.fromFunction(size, (i) => a.get(i) || b.get(i));
			const and = BitArray.fromFunction(Math.min(a.size, b.size), (i) => a.get(i) && b.get(i));
			const sub = BitArray.fromFunction(a.size, (i) => a.get(i) && !b.get(i));
			assert.ok(a.or(b).equals(or) && a.and(b).equals(and) && a.sub(b).equals(sub));
			const updated = a.copy();
			updated.update(b);
			const words = Math.min(Math.ceil(a.size / 32), Math.ceil(b.size / 32));
			for (let i = 0; i < a.size; i++) assert.equal(updated.get(i), i < words * 32 ? b.get(i) : a.get(i));
		}),
	);
});

test("wire and JSON forms round trip", () => {
	fc.assert(
		fc.property(array, (a) => {
			const proto = a.toProto();
			if (a.size === 0) assert.equal(proto, null);
			else
				assert.ok(
					BitArray.fromProto(bits.BitArray.decode(bits.BitArray.encode(proto ?? bits.BitArray.create()))).equals(a),
				);
			assert.ok(BitArray.fromJson(JSON.parse(JSON.stringify(a))).equals(a));
		}),
	);
});

test("a random pick is one of the set bits, each for one number", () => {
	fc.assert(
		fc.property(array, (a) => {
			const picks = a.trueIndices().map((_, n) => a.pickRandom(() => n));
			assert.deepEqual(picks, a.trueIndices());
		}),
	);
	assert.equal(
		new BitArray(70).pickRandom(() => assert.fail("asked")),
		null,
	);
});

test("bits and elements that do not fit are refused, whatever their number", () => {
	fc.assert(
		fc.property(
			fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
			fc.array(fc.bigInt(0n, 2n ** 64n - 1n), { maxLength: 3 }),
			(size, elems) => {
				const fits = size >= 0n && (size + 63n) / 64n === BigInt(elems.length);
				const error = errorOf(() => BitArray.fromProto({ bits: size, elems }));
				assert.equal(error === null, fits);
			},
		),
	);
	for (const [size, count] of [
		[0n, 0],
		[1n, 1],
		[64n, 1],
		[65n, 2],
	] as const) {
		assert.equal(
			BitArray.fromProto({ bits: size, elems: new Array(count).fill(2n ** 64n - 1n) }).count(),
			Number(size),
		);
	}
	assert.equal(BitArray.fromProto(null).size, 0);
});

test("bits beyond the size are dropped, so an array that looks empty is", () => {
	const stray = BitArray.fromProto({ bits: 3n, elems: [2n ** 64n - 8n] });
	assert.ok(stray.isEmpty());
	assert.equal(stray.not().toString(), "xxx");
	assert.equal(stray.get(5), false);
	assert.equal(stray.set(5, true), false);
	assert.equal(stray.set(-1, true), false);
	assert.ok(stray.isEmpty());
});

test("what is not a bit array in JSON is refused", () => {
	for (const value of ["xyz", 5, {}, true, "x _"]) assert.ok(errorOf(() => BitArray.fromJson(value)));
	assert.equal(BitArray.fromJson(null).size, 0);
	assert.equal(new BitArray(0).toDisplay(), "nil-BitArray");
});
