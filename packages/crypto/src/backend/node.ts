import { createPublicKey, hash, verify } from "node:crypto";
import { createRequire } from "node:module";
import type { Backend } from "./backend.ts";
import { backend as portable } from "./portable.ts";

/**
 * What is used of sodium-native, which ships no types. Everything writes to its first argument and throws on failure.
 */
interface Sodium {
	crypto_hash_sha256(out: Uint8Array, bytes: Uint8Array): void;
	crypto_sign_seed_keypair(publicKey: Uint8Array, privateKey: Uint8Array, seed: Uint8Array): void;
	crypto_sign_detached(signature: Uint8Array, message: Uint8Array, privateKey: Uint8Array): void;
	crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
	crypto_aead_chacha20poly1305_ietf_encrypt(
		out: Uint8Array,
		plaintext: Uint8Array,
		additional: null,
		secretNonce: null,
		nonce: Uint8Array,
		key: Uint8Array,
	): number;
	crypto_aead_chacha20poly1305_ietf_decrypt(
		out: Uint8Array,
		secretNonce: null,
		sealed: Uint8Array,
		additional: null,
		nonce: Uint8Array,
		key: Uint8Array,
	): number;
	crypto_scalarmult_base(out: Uint8Array, privateKey: Uint8Array): void;
	crypto_scalarmult(out: Uint8Array, privateKey: Uint8Array, publicKey: Uint8Array): void;
}

/** Above this many bytes OpenSSL's vector instructions outweigh its cost per call. */
const SHORT_HASH_INPUT = 300;

function loadSodium(): Sodium | undefined {
	try {
		return createRequire(import.meta.url)("sodium-native") as Sodium;
	} catch {
		// No binary for this machine (32-bit ARM, musl): the portable backend is slower and just as right.
		return undefined;
	}
}

/** SubjectPublicKeyInfo of a compressed point, up to the point itself. */
const SECP256K1_SPKI = Buffer.from("3036301006072a8648ce3d020106052b8104000a032200", "hex");
const P256_SPKI = Buffer.from("3039301306072a8648ce3d020106082a8648ce3d030107032200", "hex");

function ecdsaAccepts(spki: Buffer): (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean {
	return (publicKey, message, signature) => {
		try {
			const key = createPublicKey({ key: Buffer.concat([spki, publicKey]), format: "der", type: "spki" });
			return verify("sha256", message, { key, dsaEncoding: "ieee-p1363" }, signature);
		} catch {
			// Not a point, or an OpenSSL built without this curve.
			return false;
		}
	};
}

const secp256k1AcceptsFast = ecdsaAccepts(SECP256K1_SPKI);
const p256AcceptsFast = ecdsaAccepts(P256_SPKI);

/** A plain array: a `Buffer` would leak its other meaning of `slice` into the rest of the house. */
function opensslSha256(bytes: Uint8Array): Uint8Array {
	const { buffer, byteOffset, length } = hash("sha256", bytes, "buffer");
	return new Uint8Array(buffer, byteOffset, length);
}

/**
 * Native code writes here, and a copy goes out: a new small array handed to native code would first be moved off the
 * engine's heap, which costs as much as the hash.
 */
const digest = new Uint8Array(32);

function nativeBackend(sodium: Sodium): Backend {
	return {
		name: "sodium",
		sha256(bytes) {
			if (bytes.length > SHORT_HASH_INPUT) return opensslSha256(bytes);
			sodium.crypto_hash_sha256(digest, bytes);
			return digest.slice();
		},
		ed25519PrivateKey(seed) {
			const privateKey = new Uint8Array(64);
			sodium.crypto_sign_seed_keypair(new Uint8Array(32), privateKey, seed);
			return privateKey;
		},
		ed25519Sign(privateKey, message) {
			const signature = new Uint8Array(64);
			sodium.crypto_sign_detached(signature, message, privateKey);
			return signature;
		},
		ed25519AcceptsFast: (publicKey, message, signature) =>
			sodium.crypto_sign_verify_detached(signature, message, publicKey),
		secp256k1AcceptsFast,
		p256AcceptsFast,
		seal(key, nonce, plaintext, out) {
			sodium.crypto_aead_chacha20poly1305_ietf_encrypt(out, plaintext, null, null, nonce, key);
		},
		open(key, nonce, sealed, out) {
			try {
				sodium.crypto_aead_chacha20poly1305_ietf_decrypt(out, null, sealed, null, nonce, key);
				return true;
			} catch {
				return false;
			}
		},
		x25519PublicKey(privateKey) {
			const publicKey = new Uint8Array(32);
			sodium.crypto_scalarmult_base(publicKey, privateKey);
			return publicKey;
		},
		x25519(privateKey, publicKey) {
			const shared = new Uint8Array(32);
			try {
				sodium.crypto_scalarmult(shared, privateKey, publicKey);
				return shared;
			} catch {
				return undefined;
			}
		},
	};
}

const sodium = loadSodium();

/** Where no binary of libsodium fits this machine, OpenSSL still does what it is good at. */
const withoutSodium: Backend = {
	...portable,
	sha256: opensslSha256,
	secp256k1AcceptsFast,
	p256AcceptsFast,
};

/** libsodium and OpenSSL, each for what it does faster (measured: bench/src/crypto.ts). */
export const backend: Backend = sodium === undefined ? withoutSodium : nativeBackend(sodium);
