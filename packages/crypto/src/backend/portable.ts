import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { Backend } from "./backend.ts";

/** Pure JavaScript: runs everywhere, some twenty times slower than the native one. */
export const backend: Backend = {
	name: "portable",
	sha256: (bytes) => sha256(bytes),
	ed25519PrivateKey(seed) {
		const privateKey = new Uint8Array(64);
		privateKey.set(seed);
		privateKey.set(ed25519.getPublicKey(seed), 32);
		return privateKey;
	},
	ed25519Sign: (privateKey, message) => ed25519.sign(message, privateKey.subarray(0, 32)),
	// There is no faster check than the exact one here, so nothing is accepted early.
	ed25519AcceptsFast: () => false,
	secp256k1AcceptsFast: () => false,
	p256AcceptsFast: () => false,
	seal(key, nonce, plaintext, out) {
		out.set(chacha20poly1305(key, nonce).encrypt(plaintext));
	},
	open(key, nonce, sealed, out) {
		try {
			out.set(chacha20poly1305(key, nonce).decrypt(sealed));
			return true;
		} catch {
			return false;
		}
	},
	x25519PublicKey: (privateKey) => x25519.getPublicKey(privateKey),
	x25519(privateKey, publicKey) {
		try {
			return x25519.getSharedSecret(privateKey, publicKey);
		} catch {
			return undefined;
		}
	},
};
