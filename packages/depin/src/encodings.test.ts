import assert from "node:assert/strict";
import { test } from "node:test";
import { isP256Point, privateKeyFromSeed, publicKeyOf } from "@cairn/crypto";
import { DecodeError, fromHex, toHex, utf8 } from "@cairn/kit";
import fc from "fast-check";
import { fromBase58, toBase58 } from "./base58.ts";
import { decodeBech32, encodeBech32 } from "./bech32.ts";
import { accountAddress, didOf, isAccountAddress, signingKey, signingKeyFromDid } from "./state-machine/device-key.ts";

test("base58: the vectors of draft-msporny-base58, and any bytes there and back", () => {
	assert.equal(toBase58(utf8("Hello World!")), "2NEpo7TZRRrLZSi2U");
	assert.equal(
		toBase58(utf8("The quick brown fox jumps over the lazy dog.")),
		"USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z",
	);
	assert.equal(toBase58(fromHex("0000287fb4cd")), "11233QC4");
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => assert.deepEqual(fromBase58(toBase58(bytes)), bytes)),
	);
	for (const text of ["0", "O", "I", "l", "a b", "1".repeat(129)]) assert.throws(() => fromBase58(text), DecodeError);
});

/** Valid and invalid strings of BIP-173. */
test("bech32: the vectors of BIP-173", () => {
	for (const text of ["A12UEL5L", "a12uel5l", "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w"]) {
		const { prefix, bytes } = decodeBech32(text);
		assert.equal(encodeBech32(prefix, bytes), text.toLowerCase());
	}
	const wrong = [
		"\x201nwldj5",
		"\x7f1axkwrx",
		"pzry9x0s0muk",
		"1pzry9x0s0muk",
		"x1b4n0q5v",
		"li1dgmt3",
		"A1G7SGD8",
		"10a06t8",
		"1qzzfhee",
		"a12UEL5L",
		"",
	];
	for (const text of wrong) assert.throws(() => decodeBech32(text), DecodeError, text);
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
			assert.deepEqual(decodeBech32(encodeBech32("cairn", bytes)), { prefix: "cairn", bytes });
		}),
	);
});

test("did:key: the examples of the method, all three kinds", () => {
	// https://w3c-ccg.github.io/did-method-key/: the ed25519 one is of the seed of 32 zero bytes.
	const zero = publicKeyOf(privateKeyFromSeed("ed25519", new Uint8Array(32))).bytes;
	const did = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";
	assert.equal(didOf(signingKey("ed25519", zero).id), did);
	assert.equal(toHex(signingKeyFromDid(did).bytes), toHex(zero));
	const p256 = signingKeyFromDid("did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169");
	assert.equal(p256.scheme.name, "p256");
	assert.ok(isP256Point(p256.bytes));
	const secp = signingKeyFromDid("did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme");
	assert.equal(secp.scheme.name, "secp256k1");
	// Another codec (BLS12-381), another length, another method.
	for (const text of [
		"did:key:zUC7LbYAQUjoTVSJyieL3cxpbdA1QjWdqqtFMDoMRg4qkZtQWRrrd4LLVCboCd5xbxET3gNM6ALinG57wBZo5VoQ3AokhE9qpJehX4SHdsDJUGa9u3z22PEGLd1fBwzzLhTkJmV",
		`did:key:z${toBase58(fromHex("ed0100"))}`,
		"did:web:example.org",
		"",
	]) {
		assert.throws(() => signingKeyFromDid(text), DecodeError, text);
	}
});

test("account addresses are bech32 with our prefix, of 20 bytes", () => {
	const address = accountAddress(signingKey("ed25519", new Uint8Array(32)).id);
	assert.match(address, /^cairn1[a-z0-9]{38}$/);
	assert.ok(isAccountAddress(address));
	assert.ok(!isAccountAddress(address.toUpperCase()));
	assert.ok(!isAccountAddress(encodeBech32("cosmos", new Uint8Array(20))));
	assert.ok(!isAccountAddress(encodeBech32("cairn", new Uint8Array(32))));
	assert.ok(!isAccountAddress(`${address.slice(0, -1)}x`));
});
