import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodePart, encodePart, type Part, PartSet, validatePart } from "./index.ts";
import { errorOf } from "./support.test.ts";

test("any bytes can be cut, sent in any order, and put together", () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 2000 }), fc.integer({ min: 1, max: 300 }), fc.nat(), (bytes, size, seed) => {
			const set = PartSet.fromBytes(bytes, size);
			assert.ok(set.isComplete);
			assert.equal(set.total, Math.ceil(bytes.length / size));
			const collected = PartSet.fromHeader(set.header);
			assert.equal(collected.isComplete, set.total === 0);
			for (let k = 0; k < set.total; k++) {
				const index = (k * 7919 + seed) % set.total;
				const first = collected.bits.not().trueIndices()[0] ?? 0;
				const part = set.getPart(collected.hasPart(index) ? first : index);
				assert.ok(part);
				assert.equal(collected.addPart(part), true);
				assert.equal(collected.count, k + 1);
			}
			assert.deepEqual(collected.bytes(), bytes);
			assert.equal(collected.byteSize, bytes.length);
		}),
	);
});

function threeParts(): { set: PartSet; parts: Part[] } {
	const set = PartSet.fromBytes(Uint8Array.from({ length: 150_000 }, (_, i) => i % 251));
	const parts = [0, 1, 2].map((i) => set.getPart(i) as Part);
	return { set, parts };
}

test("parts are cut without copying, and joined once", () => {
	const bytes = new Uint8Array(150_000).fill(3);
	const cut = PartSet.fromBytes(bytes);
	assert.equal(cut.bytes(), bytes);
	assert.equal(cut.getPart(1)?.bytes.buffer, bytes.buffer);
	const { set, parts } = threeParts();
	const collected = PartSet.fromHeader(set.header);
	for (const part of parts) collected.addPart({ ...part, bytes: part.bytes.slice() });
	const joined = collected.bytes();
	assert.equal(collected.bytes(), joined);
	for (let i = 0; i < 3; i++) assert.equal(collected.getPart(i)?.bytes.buffer, joined.buffer);
	const small = PartSet.fromBytes(new Uint8Array(10));
	const single = PartSet.fromHeader(small.header);
	const only = small.getPart(0) as Part;
	single.addPart(only);
	assert.equal(single.bytes(), only.bytes);
});

test("a part of another block, another place or another size is refused, and changes nothing", () => {
	const { set, parts } = threeParts();
	const [first, second, last] = parts as [Part, Part, Part];
	const other = PartSet.fromBytes(new Uint8Array(150_000)).getPart(0) as Part;
	const collected = PartSet.fromHeader(set.header);
	for (const bad of [
		other,
		{ ...first, index: 3 },
		{ ...first, index: 1 },
		{ ...first, bytes: second.bytes },
		{ ...first, proof: second.proof },
		{ ...last, proof: { ...last.proof, total: 4 } },
		{ ...first, proof: { ...first.proof, aunts: first.proof.aunts.slice(1) } },
	]) {
		assert.ok(errorOf(() => collected.addPart(bad)));
		assert.equal(collected.count, 0);
		assert.ok(collected.bits.isEmpty());
	}
	assert.throws(() => collected.bytes());
	assert.ok(errorOf(() => PartSet.fromHeader({ total: 1602, hash: new Uint8Array(32) })));
	assert.equal(PartSet.fromHeader({ total: 1601, hash: new Uint8Array(32) }).total, 1601);
});

test("the structure of a part: full unless last, index as in its proof", () => {
	const { parts } = threeParts();
	const [first, , last] = parts as [Part, Part, Part];
	for (const part of parts) {
		validatePart(part);
		assert.deepEqual(decodePart(encodePart(part)), part);
	}
	assert.ok(errorOf(() => validatePart({ ...first, bytes: first.bytes.subarray(1) })));
	assert.ok(errorOf(() => validatePart({ ...first, index: 1 })));
	assert.ok(errorOf(() => validatePart({ ...last, proof: { ...last.proof, leafHash: new Uint8Array(31) } })));
	assert.ok(errorOf(() => validatePart({ ...last, proof: { ...last.proof, total: -1 } })));
});

test("the bits handed out are a copy", () => {
	const { set } = threeParts();
	set.bits.set(0, false);
	assert.ok(set.bits.isFull());
});
