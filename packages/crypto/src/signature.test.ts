import assert from "node:assert/strict";
import { test } from "node:test";
import { concatBytes, fromHex, toHex, utf8 } from "@cairn/kit";
import { ed25519 } from "@noble/curves/ed25519.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import fc from "fast-check";
import { backend as native } from "./backend/node.ts";
import { sha256 } from "./hash.ts";
import { KEY_SIZES, KEY_TYPES, type PublicKey, privateKey, privateKeyFromSeed, publicKeyOf } from "./key.ts";
import { sign, verifyBatch, verifySignature } from "./signature.ts";
import { SignatureCache } from "./signature-cache.ts";
import { hex, readVectors } from "./test-vector.ts";

interface Zip215Vector {
	name: string;
	pub_key: string;
	msg: string;
	sig: string;
	valid: boolean;
}

const zip215 = readVectors<{ cases: Zip215Vector[] }>("ed25519-zip215.json").cases;

test("ed25519 accepts exactly what CometBFT accepts (ZIP-215)", () => {
	assert.ok(zip215.some(({ valid }) => valid) && zip215.some(({ valid }) => !valid));
	for (const { name, pub_key, msg, sig, valid } of zip215) {
		const key: PublicKey = { type: "ed25519", bytes: hex(pub_key) };
		assert.equal(verifySignature(key, hex(msg), hex(sig)), valid, `${name}: ${pub_key}`);
	}
});

test("what the native check accepts, ZIP-215 accepts", () => {
	assert.equal(native.name, "sodium");
	let acceptedFast = 0;
	for (const { pub_key, msg, sig, valid } of zip215) {
		if (hex(sig).length !== 64) continue;
		const fast = native.ed25519AcceptsFast(hex(pub_key), hex(msg), hex(sig));
		if (fast) {
			acceptedFast++;
			assert.equal(valid, true);
			assert.equal(ed25519.verify(hex(sig), hex(msg), hex(pub_key), { zip215: true }), true);
		}
	}
	assert.ok(acceptedFast >= 20);
});

const ORDER = secp256k1.Point.CURVE().n;

function bytes32(value: bigint): Uint8Array {
	return fromHex(value.toString(16).padStart(64, "0"));
}

/** A key made so that its signature (with nonce 7) over `message` has the chosen S: S = (z + r·d)/k. */
function signatureWithS(message: Uint8Array, s: bigint) {
	const field = secp256k1.Point.Fn;
	const r = field.create(secp256k1.Point.BASE.multiply(7n).toAffine().x);
	const z = field.create(BigInt(`0x${toHex(sha256(message))}`));
	const scalar = field.mul(field.sub(field.mul(s, 7n), z), field.inv(r));
	return { r, key: publicKeyOf(privateKey("secp256k1", bytes32(scalar))) };
}

test("secp256k1 reduces S modulo the order before it looks at the half, as the Go code does", () => {
	const message = utf8("reduce first");
	const low = 12345n;
	const { r, key } = signatureWithS(message, low);
	assert.equal(verifySignature(key, message, concatBytes(bytes32(r), bytes32(low))), true);
	assert.equal(verifySignature(key, message, concatBytes(bytes32(r), bytes32(low + ORDER))), true);
	assert.equal(verifySignature(key, message, concatBytes(bytes32(r), bytes32(ORDER - low))), false);
	assert.equal(verifySignature(key, message, concatBytes(bytes32(r), bytes32(0n))), false);
	assert.equal(verifySignature(key, message, concatBytes(bytes32(r), bytes32(ORDER))), false);
});

test("what OpenSSL accepts for secp256k1, the portable check accepts, and the other way round", () => {
	fc.assert(
		fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.boolean(), fc.nat(63), (message, broken, at) => {
			const key = privateKeyFromSeed("secp256k1", message);
			const signature = sign(key, message);
			if (broken) signature[at] = (signature[at] as number) ^ 1;
			const bytes = publicKeyOf(key).bytes;
			const fast = native.secp256k1AcceptsFast(bytes, message, signature);
			assert.equal(fast, !broken);
			assert.equal(secp256k1.verify(signature, sha256(message), bytes, { prehash: false, lowS: false }), fast);
		}),
		{ numRuns: 30 },
	);
	assert.equal(native.secp256k1AcceptsFast(new Uint8Array(33).fill(255), utf8("m"), new Uint8Array(64).fill(1)), false);
});

test("secp256k1eth refuses high S, other V and numbers out of range", () => {
	const key = privateKeyFromSeed("secp256k1eth", utf8("seed"));
	const shared = publicKeyOf(key);
	const message = utf8("hello");
	const good = sign(key, message);
	const s = BigInt(`0x${toHex(good.subarray(32, 64))}`);
	const v = good[64] as number;
	const change = (from: number, bytes: Uint8Array): Uint8Array => {
		const changed = good.slice();
		changed.set(bytes, from);
		return changed;
	};
	assert.equal(verifySignature(shared, message, good), true);
	assert.equal(verifySignature(shared, message, change(64, Uint8Array.of(v ^ 1))), false);
	assert.equal(verifySignature(shared, message, change(64, Uint8Array.of(v + 27))), false);
	const high = concatBytes(good.subarray(0, 32), bytes32(ORDER - s), Uint8Array.of(v ^ 1));
	assert.equal(verifySignature(shared, message, high), false);
	for (const at of [0, 32]) {
		for (const number of [0n, ORDER, (1n << 256n) - 1n]) {
			assert.equal(verifySignature(shared, message, change(at, bytes32(number))), false);
		}
	}
});

test("verifySignature never throws", () => {
	const size = fc.constantFrom(0, 1, 32, 33, 64, 65, 1952, 3309);
	const anyBytes = size.chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));
	fc.assert(
		fc.property(fc.constantFrom(...KEY_TYPES), anyBytes, anyBytes, (type, bytes, signature) => {
			assert.equal(verifySignature({ type, bytes }, utf8("m"), signature), false);
		}),
		{ numRuns: 300 },
	);
	for (const type of KEY_TYPES) {
		for (const fill of [0, 1, 255]) {
			const bytes = new Uint8Array(KEY_SIZES[type].publicKey).fill(fill);
			const signature = new Uint8Array(KEY_SIZES[type].signature).fill(fill);
			assert.equal(typeof verifySignature({ type, bytes }, utf8("m"), signature), "boolean");
		}
	}
});

test("a changed bit anywhere makes a signature invalid", () => {
	fc.assert(
		fc.property(
			fc.constantFrom("ed25519" as const, "secp256k1" as const, "secp256k1eth" as const),
			fc.nat(),
			(type, bit) => {
				const key = privateKeyFromSeed(type, new Uint8Array(32).fill(5));
				const message = utf8("reading 22.5");
				const signature = sign(key, message);
				const at = bit % (signature.length * 8);
				signature[at >> 3] = (signature[at >> 3] as number) ^ (1 << (at & 7));
				assert.equal(verifySignature(publicKeyOf(key), message, signature), false);
			},
		),
		{ numRuns: 60 },
	);
});

test("a batch answers per claim, with and without a cache", () => {
	const key = privateKeyFromSeed("ed25519", new Uint8Array(32).fill(9));
	const claims = ["a", "b", "c"].map((text) => ({
		publicKey: publicKeyOf(key),
		message: utf8(text),
		signature: sign(key, utf8(text === "b" ? "other" : text)),
	}));
	assert.deepEqual(verifyBatch(claims), [true, false, true]);
	const cache = new SignatureCache(10);
	assert.deepEqual(verifyBatch(claims, cache), [true, false, true]);
	assert.deepEqual(verifyBatch(claims, cache), [true, false, true]);
	assert.equal(cache.size, 2);
});

test("the cache is bounded, forgets the oldest and never confuses two claims", () => {
	const key = privateKeyFromSeed("ed25519", new Uint8Array(32).fill(3));
	const shared = publicKeyOf(key);
	const cache = new SignatureCache(2);
	for (const text of ["1", "2", "3", "4"]) assert.equal(cache.verify(shared, utf8(text), sign(key, utf8(text))), true);
	assert.equal(cache.size, 2);
	// The same bytes cut elsewhere between signature and message are another claim.
	const signature = sign(key, utf8("xyz"));
	assert.equal(cache.verify(shared, utf8("xyz"), signature), true);
	const longer = concatBytes(signature, utf8("x"));
	assert.equal(cache.verify(shared, utf8("yz"), longer), false);
	assert.equal(cache.verify({ type: "secp256k1", bytes: shared.bytes }, utf8("xyz"), signature), false);
	assert.throws(() => new SignatureCache(0));
});
