import assert from "node:assert/strict";
import { test } from "node:test";
import { DecodeError, fromHex, toHex } from "@cairn/kit";
import fc from "fast-check";
import { encodeDelimited, encodeUvarint, readDelimited, readUvarint, uvarintLength } from "./index.ts";

test("varints of safe integers survive", () => {
	fc.assert(
		fc.property(fc.maxSafeNat(), fc.nat(50), (value, shift) => {
			const number = Math.floor(value / 2 ** shift);
			const bytes = encodeUvarint(number);
			assert.equal(bytes.length, uvarintLength(number));
			assert.deepEqual(readUvarint(bytes, 0), { value: number, next: bytes.length });
			assert.equal(readUvarint(bytes.subarray(0, -1), 0), undefined);
		}),
	);
	assert.equal(toHex(encodeUvarint(300)), "ac02");
});

test("varints beyond safe integers or ten bytes are refused", () => {
	assert.throws(() => readUvarint(fromHex("ffffffffffffffff7f"), 0), DecodeError);
	assert.throws(() => readUvarint(fromHex("8080808080808080808001"), 0), DecodeError);
});

test("messages with lengths are found one after the other, and waited for", () => {
	fc.assert(
		fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (messages) => {
			const stream = fromHex(messages.map((message) => toHex(encodeDelimited(message))).join(""));
			let offset = 0;
			for (const message of messages) {
				const found = readDelimited(stream, offset, 300);
				assert.ok(found);
				assert.deepEqual(found.message, message);
				assert.equal(readDelimited(stream.subarray(0, found.next - 1), offset, 300), undefined);
				offset = found.next;
			}
			assert.equal(offset, stream.length);
		}),
	);
});

test("a length over the limit is refused before its bytes are there", () => {
	assert.throws(() => readDelimited(fromHex("ac02"), 0, 299), DecodeError);
	assert.equal(readDelimited(fromHex("ac02"), 0, 300), undefined);
});
