import assert from "node:assert/strict";
import { test } from "node:test";
import { toHex, utf8 } from "@cairn/kit";
import fc from "fast-check";
import { backend as native } from "./backend/node.ts";
import { backend as portable } from "./backend/portable.ts";
import { constantTimeEqual, hkdfSha256, hmac, keccak256, ripemd160, sha256, sha256Truncated } from "./hash.ts";
import { hex } from "./test-vector.ts";

test("digests match their published examples", () => {
	// FIPS 180-2, appendix B.1.
	assert.equal(toHex(sha256(utf8("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert.equal(toHex(sha256Truncated(utf8("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a3");
	// The RIPEMD-160 page of its authors.
	assert.equal(toHex(ripemd160(utf8("abc"))), "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc");
	// Ethereum's empty code hash.
	assert.equal(toHex(keccak256(new Uint8Array(0))), "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
});

test("HMAC (RFC 4231 case 2) and HKDF (RFC 5869 case 1)", () => {
	assert.equal(
		toHex(hmac(utf8("Jefe"), utf8("what do ya want for nothing?"))),
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
	);
	const okm = hkdfSha256(
		new Uint8Array(22).fill(0x0b),
		hex("000102030405060708090a0b0c"),
		hex("f0f1f2f3f4f5f6f7f8f9"),
		42,
	);
	assert.equal(toHex(okm), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
});

test("both backends hash alike at every length", () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 700 }), (bytes) => {
			assert.deepEqual(new Uint8Array(native.sha256(bytes)), portable.sha256(bytes));
		}),
	);
});

test("hashing a view sees only the view", () => {
	const whole = utf8("xxabcxx");
	assert.deepEqual(sha256(whole.subarray(2, 5)), sha256(utf8("abc")));
});

test("constantTimeEqual is equality", () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (a, b) => {
			assert.equal(constantTimeEqual(a, a.slice()), true);
			assert.equal(constantTimeEqual(a, b), toHex(a) === toHex(b));
		}),
	);
});
