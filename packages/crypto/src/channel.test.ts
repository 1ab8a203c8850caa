import assert from "node:assert/strict";
import { test } from "node:test";
import { DecodeError, toHex, utf8 } from "@cairn/kit";
import fc from "fast-check";
import { AEAD_TAG_SIZE, openChaCha20Poly1305, sealChaCha20Poly1305 } from "./aead.ts";
import { backend as native } from "./backend/node.ts";
import { backend as portable } from "./backend/portable.ts";
import { hkdfSha256 } from "./hash.ts";
import { x25519KeyPair, x25519SharedSecret } from "./key-agreement.ts";
import { MerlinTranscript } from "./merlin.ts";
import { hex, readVectors } from "./test-vector.ts";

interface SideVector {
	eph_priv: string;
	eph_pub: string;
	recv_secret: string;
	send_secret: string;
	handshake_wire: string;
}

interface HandshakeVector {
	a: SideVector;
	b: SideVector;
	a_is_least: boolean;
	auth_frame_plaintext_a: string;
	challenge: string;
	dh_secret: string;
	lo_eph_pub: string;
	hi_eph_pub: string;
}

const vectors = readVectors<{ cases: HandshakeVector[]; low_order_remote_keys: { remote_eph_pub: string }[] }>(
	"secretconn.json",
);

test("secrets, keys and challenge of real handshakes", () => {
	assert.ok(vectors.cases.length > 0);
	for (const handshake of vectors.cases) {
		const { a, b } = handshake;
		for (const side of [a, b]) assert.equal(toHex(x25519KeyPair(hex(side.eph_priv)).publicKey), side.eph_pub);
		const shared = x25519SharedSecret(hex(a.eph_priv), hex(b.eph_pub));
		assert.equal(toHex(shared), handshake.dh_secret);
		assert.deepEqual(x25519SharedSecret(hex(b.eph_priv), hex(a.eph_pub)), shared);
		const info = utf8("TENDERMINT_SECRET_CONNECTION_KEY_AND_CHALLENGE_GEN");
		const derived = hkdfSha256(shared, undefined, info, 96);
		const [first, second] = handshake.a_is_least ? [a.recv_secret, a.send_secret] : [a.send_secret, a.recv_secret];
		assert.equal(toHex(derived.subarray(0, 64)), `${first}${second}`);

		const transcript = new MerlinTranscript("TENDERMINT_SECRET_CONNECTION_TRANSCRIPT_HASH");
		transcript.appendMessage("EPHEMERAL_LOWER_PUBLIC_KEY", hex(handshake.lo_eph_pub));
		transcript.appendMessage("EPHEMERAL_UPPER_PUBLIC_KEY", hex(handshake.hi_eph_pub));
		transcript.appendMessage("DH_SECRET", shared);
		assert.equal(toHex(transcript.challengeBytes("SECRET_CONNECTION_MAC", 32)), handshake.challenge);

		const sealed = hex(a.handshake_wire).subarray(35);
		const opened = openChaCha20Poly1305(hex(a.send_secret), new Uint8Array(12), sealed);
		const frame = handshake.auth_frame_plaintext_a;
		assert.equal(toHex(opened).slice(0, frame.length), frame);
		assert.deepEqual(sealChaCha20Poly1305(hex(a.send_secret), new Uint8Array(12), opened), sealed);
	}
});

test("points of low order are refused by both backends", () => {
	assert.ok(vectors.low_order_remote_keys.length > 0);
	const { privateKey } = x25519KeyPair(new Uint8Array(32).fill(7));
	for (const { remote_eph_pub } of vectors.low_order_remote_keys) {
		assert.throws(() => x25519SharedSecret(privateKey, hex(remote_eph_pub)), DecodeError, remote_eph_pub);
		assert.equal(portable.x25519(privateKey, hex(remote_eph_pub)), undefined, remote_eph_pub);
	}
	assert.throws(() => x25519SharedSecret(privateKey, new Uint8Array(31)), DecodeError);
});

test("both backends agree on keys and secrets", () => {
	const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
	fc.assert(
		fc.property(bytes32, bytes32, fc.uint8Array({ maxLength: 50 }), (mine, theirs, message) => {
			assert.deepEqual(native.x25519PublicKey(mine), portable.x25519PublicKey(mine));
			const remote = portable.x25519PublicKey(theirs);
			assert.deepEqual(native.x25519(mine, remote), portable.x25519(mine, remote));
			const key = native.ed25519PrivateKey(mine);
			assert.deepEqual(portable.ed25519PrivateKey(mine), key);
			assert.deepEqual(portable.ed25519Sign(key, message), native.ed25519Sign(key, message));
		}),
		{ numRuns: 20 },
	);
});

test("sealing: RFC 8439 key stream, in place, and no change goes unnoticed", () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), (plaintext, bit) => {
			const key = new Uint8Array(32).fill(1);
			const nonce = new Uint8Array(12).fill(2);
			const sealed = sealChaCha20Poly1305(key, nonce, plaintext);
			const other = new Uint8Array(sealed.length);
			portable.seal(key, nonce, plaintext, other);
			assert.deepEqual(other, sealed);

			const buffer = new Uint8Array(plaintext.length + AEAD_TAG_SIZE);
			buffer.set(plaintext);
			sealChaCha20Poly1305(key, nonce, buffer.subarray(0, plaintext.length), buffer);
			assert.deepEqual(buffer, sealed);
			assert.deepEqual(openChaCha20Poly1305(key, nonce, buffer, buffer.subarray(0, plaintext.length)), plaintext);

			const at = bit % (sealed.length * 8);
			const changed = sealed.slice();
			changed[at >> 3] = (changed[at >> 3] as number) ^ (1 << (at & 7));
			assert.throws(() => openChaCha20Poly1305(key, nonce, changed), DecodeError);
			assert.equal(portable.open(key, nonce, changed, new Uint8Array(plaintext.length)), false);
			assert.throws(() => openChaCha20Poly1305(key, new Uint8Array(12), sealed), DecodeError);
		}),
	);
	assert.throws(() => openChaCha20Poly1305(new Uint8Array(32), new Uint8Array(12), new Uint8Array(15)), /shorter/);
});

test("Merlin's published transcripts", () => {
	// The vectors in the tests of the merlin crate (merlin.cool).
	const simple = new MerlinTranscript("test protocol");
	simple.appendMessage("some label", utf8("some data"));
	assert.equal(
		toHex(simple.challengeBytes("challenge", 32)),
		"d5a21972d0d5fe320c0d263fac7fffb8145aa640af6e9bca177c03c7efcf0615",
	);
	const long = new MerlinTranscript("test protocol");
	long.appendMessage("step1", utf8("some data"));
	let challenge: Uint8Array = new Uint8Array(0);
	for (let i = 0; i < 32; i++) {
		challenge = long.challengeBytes("challenge", 32);
		long.appendMessage("bigdata", new Uint8Array(1024).fill(99));
		long.appendMessage("challengedata", challenge);
	}
	assert.equal(toHex(challenge), "a8c933f54fae76e3f9bea93648c1308e7dfa2152dd51674ff3ca438351cf003c");
});
