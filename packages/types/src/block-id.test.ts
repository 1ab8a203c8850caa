import assert from "node:assert/strict";
import { test } from "node:test";
import { compareBytes, concatBytes, EMPTY_BYTES } from "@cairn/kit";
import fc from "fast-check";
import {
	blockIdFromKey,
	blockIdKey,
	blockIdsEqual,
	compareBlockIds,
	decodeBlockId,
	encodeBlockId,
	isCompleteBlockId,
	isNilBlockId,
	NIL_BLOCK_ID,
	NIL_BLOCK_KEY,
	validateBlockId,
} from "./index.ts";
import { types as pb } from "./proto/index.ts";
import { errorOf } from "./support.test.ts";

const hash = fc.oneof(
	fc.constant(EMPTY_BYTES),
	fc.constant(new Uint8Array(32)),
	fc.uint8Array({ minLength: 32, maxLength: 32 }),
);
const id = fc.tuple(hash, fc.oneof(fc.nat(3), fc.nat(2 ** 32 - 1)), hash).map(([blockHash, total, partsHash]) => ({
	hash: blockHash,
	partSetHeader: { total, hash: partsHash },
}));

test("keys tell ids apart, and give them back", () => {
	fc.assert(
		fc.property(id, id, (a, b) => {
			assert.equal(blockIdKey(a) === blockIdKey(b), blockIdsEqual(a, b));
			assert.deepEqual(blockIdFromKey(blockIdKey(a)), a);
			assert.equal(blockIdKey(a) === NIL_BLOCK_KEY, isNilBlockId(a));
		}),
	);
	assert.equal(blockIdKey(NIL_BLOCK_ID), NIL_BLOCK_KEY);
	assert.equal(blockIdFromKey(NIL_BLOCK_KEY), NIL_BLOCK_ID);
});

test("the order of ids is that of Go's keys: hash, then the encoded part set header", () => {
	const key = (each: typeof NIL_BLOCK_ID): Uint8Array =>
		concatBytes(each.hash, pb.PartSetHeader.encode(each.partSetHeader));
	fc.assert(
		fc.property(id, id, (a, b) => {
			assert.equal(Math.sign(compareBlockIds(a, b)), Math.sign(compareBytes(key(a), key(b))));
		}),
	);
});

test("encoding round trips; hashes of other sizes are refused", () => {
	fc.assert(
		fc.property(id, (each) => {
			assert.deepEqual(decodeBlockId(encodeBlockId(each)), each);
			const { total, hash: partsHash } = each.partSetHeader;
			assert.equal(isCompleteBlockId(each), each.hash.length === 32 && total > 0 && partsHash.length === 32);
		}),
	);
	for (const length of [1, 31, 33]) {
		const short = new Uint8Array(length);
		assert.ok(errorOf(() => validateBlockId({ ...NIL_BLOCK_ID, hash: short })));
		assert.ok(errorOf(() => validateBlockId({ ...NIL_BLOCK_ID, partSetHeader: { total: 1, hash: short } })));
	}
});
