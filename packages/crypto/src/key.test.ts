import assert from "node:assert/strict";
import { test } from "node:test";
import { CairnError, DecodeError, toHex, toUpperHex } from "@cairn/kit";
import fc from "fast-check";
import {
	addressOf,
	ed25519KeyFromSecret,
	generatePrivateKey,
	KEY_SIZES,
	KEY_TYPES,
	type KeyType,
	privateKey,
	privateKeyFromSeed,
	publicKey,
	publicKeyOf,
	publicKeysEqual,
} from "./key.ts";
import { type KeyJson, privateKeyFromJson, privateKeyToJson, publicKeyFromJson, publicKeyToJson } from "./key-json.ts";
import { sign, verifySignature } from "./signature.ts";
import { hex, readVectors } from "./test-vector.ts";

interface KeyVector {
	type: KeyType;
	seed: string;
	priv_key_bytes: string;
	pub_key_bytes: string;
	address: string;
	address_display: string;
	priv_key_amino_json: KeyJson;
	pub_key_amino_json: KeyJson;
	signatures: { msg: string; sig: string; valid: boolean }[];
}

const { cases } = readVectors<{ cases: KeyVector[] }>("keys.json");

test("the vectors hold every key type that is built", () => {
	assert.deepEqual(new Set(cases.map(({ type }) => type)), new Set(KEY_TYPES));
});

for (const [index, vector] of cases.entries()) {
	test(`keys, address, JSON and signatures of vector ${index} (${vector.type})`, () => {
		const key = privateKeyFromSeed(vector.type, hex(vector.seed));
		assert.equal(toHex(key.bytes), vector.priv_key_bytes);
		assert.deepEqual(privateKey(vector.type, hex(vector.priv_key_bytes)), key);
		const shared = publicKeyOf(key);
		assert.equal(toHex(shared.bytes), vector.pub_key_bytes);
		assert.deepEqual(publicKey(vector.type, hex(vector.pub_key_bytes)), shared);
		assert.equal(toHex(addressOf(shared)), vector.address);
		assert.equal(toUpperHex(addressOf(shared)), vector.address_display);

		assert.deepEqual(publicKeyToJson(shared), vector.pub_key_amino_json);
		assert.deepEqual(privateKeyToJson(key), vector.priv_key_amino_json);
		assert.deepEqual(publicKeyFromJson(vector.pub_key_amino_json), shared);
		assert.deepEqual(privateKeyFromJson(vector.priv_key_amino_json), key);

		for (const { msg, sig, valid } of vector.signatures) {
			assert.equal(verifySignature(shared, hex(msg), hex(sig)), valid);
			if (valid) assert.equal(toHex(sign(key, hex(msg))), sig);
		}
	});
}

test("a new key of every type signs what its public half verifies", () => {
	for (const type of KEY_TYPES) {
		const key = generatePrivateKey(type, new Uint8Array(32).fill(7));
		const shared = publicKeyOf(key);
		assert.equal(key.bytes.length, KEY_SIZES[type].privateKey);
		assert.equal(shared.bytes.length, KEY_SIZES[type].publicKey);
		const message = hex("00ff");
		const signature = sign(key, message);
		assert.equal(signature.length, KEY_SIZES[type].signature);
		assert.equal(verifySignature(shared, message, signature), true);
		assert.equal(verifySignature(shared, hex("00fe"), signature), false);
		assert.equal(addressOf(shared).length, 20);
		assert.equal(publicKeysEqual(shared, publicKey(type, shared.bytes)), true);
		assert.throws(() => generatePrivateKey(type, new Uint8Array(31)), DecodeError);
	}
});

test("keys of a wrong length, type or content are refused", () => {
	for (const type of KEY_TYPES) {
		for (const length of [0, KEY_SIZES[type].publicKey - 1, KEY_SIZES[type].publicKey + 1]) {
			assert.throws(() => publicKey(type, new Uint8Array(length)), DecodeError);
		}
		for (const length of [0, KEY_SIZES[type].privateKey - 1, KEY_SIZES[type].privateKey + 1]) {
			assert.throws(() => privateKey(type, new Uint8Array(length)), DecodeError);
		}
	}
	assert.throws(() => publicKey("bls12_381", new Uint8Array(96)), /not built/);
	assert.throws(() => publicKey("sr25519", new Uint8Array(32)), /unknown key type "sr25519"/);
	assert.throws(() => publicKey("secp256k1eth", new Uint8Array(33)), /not a point/);
	assert.throws(() => privateKey("secp256k1", new Uint8Array(32)), /not a valid key/);
	assert.throws(() => privateKey("secp256k1eth", new Uint8Array(32).fill(255)), /not a valid key/);
	const torn = ed25519KeyFromSecret(hex("01")).bytes.slice();
	torn[63] = (torn[63] as number) ^ 1;
	assert.throws(() => privateKey("ed25519", torn), /not a valid key/);
});

test("key JSON is refused with a reason that does not repeat a secret", () => {
	const secret = privateKeyToJson(ed25519KeyFromSecret(hex("02")));
	for (const [json, reason] of [
		[null, /expected an object/],
		["x", /expected an object/],
		[[], /expected an object/],
		[{ type: secret.type }, /must be texts/],
		[{ type: "cometbft/PubKeyBls12_381", value: "" }, /not built/],
		[{ type: "tendermint/Nothing", value: "" }, /unknown type "tendermint\/Nothing"/],
		[{ type: "tendermint/PubKeyEd25519", value: "AA==" }, /1 bytes, expected 32/],
	] as const) {
		assert.throws(() => publicKeyFromJson(json), reason);
	}
	assert.throws(
		() => privateKeyFromJson({ ...secret, value: `${secret.value.slice(0, -1)}!` }),
		(error) =>
			error instanceof DecodeError &&
			!JSON.stringify([error.message, error.details]).includes(secret.value.slice(0, 8)),
	);
	assert.throws(() => privateKeyFromJson({ type: "cometbft/PrivKeyBls12_381", value: "" }), /not built/);
});

test("reading keys is total: a key or a CairnError", () => {
	fc.assert(
		fc.property(fc.constantFrom(...KEY_TYPES, "bls12_381", "?"), fc.uint8Array({ maxLength: 70 }), (type, bytes) => {
			for (const read of [publicKey, privateKey]) {
				try {
					assert.deepEqual(read(type, bytes).bytes, bytes);
				} catch (error) {
					assert.ok(error instanceof CairnError, String(error));
				}
			}
		}),
	);
});
