import { ed25519 } from "@noble/curves/ed25519.js";
import { backend } from "#backend";
import { KEY_SIZES, type PrivateKey, type PublicKey } from "./key.ts";
import { mlDsaSign, mlDsaVerify } from "./ml-dsa.ts";
import { secp256k1EthSign, secp256k1EthVerify, secp256k1Sign, secp256k1Verify } from "./secp256k1.ts";
import type { SignatureCache } from "./signature-cache.ts";

/** One signature to check. */
export interface SignatureClaim {
	readonly publicKey: PublicKey;
	readonly message: Uint8Array;
	readonly signature: Uint8Array;
}

/**
 * Exactly ZIP-215, so that every node agrees with CometBFT and with every other build of this one. The native check
 * accepts a subset of it and is asked first; what it refuses is decided by the exact and slow one (milliseconds, which
 * a peer can force: charge it to that peer).
 */
function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
	if (backend.ed25519AcceptsFast(publicKey, message, signature)) return true;
	return ed25519.verify(signature, message, publicKey, { zip215: true });
}

/** Whether the signature is the key's over the message. Never throws: malformed input is simply not valid. */
export function verifySignature(publicKey: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
	const sizes = KEY_SIZES[publicKey.type];
	if (signature.length !== sizes.signature || publicKey.bytes.length !== sizes.publicKey) return false;
	try {
		switch (publicKey.type) {
			case "ed25519":
				return verifyEd25519(publicKey.bytes, message, signature);
			case "secp256k1":
				return secp256k1Verify(publicKey.bytes, message, signature);
			case "secp256k1eth":
				return secp256k1EthVerify(publicKey.bytes, message, signature);
			case "ml_dsa_65":
				return mlDsaVerify(publicKey.bytes, message, signature);
		}
	} catch {
		// The libraries throw for points off the curve and the like; all of that is "not valid".
		return false;
	}
}

/** Verdicts in the order of the claims; with a cache, known good signatures are not computed again. */
export function verifyBatch(claims: readonly SignatureClaim[], cache?: SignatureCache): boolean[] {
	return claims.map(({ publicKey, message, signature }) =>
		cache === undefined ? verifySignature(publicKey, message, signature) : cache.verify(publicKey, message, signature),
	);
}

/** Signs deterministically: the same key and message give the same bytes. */
export function sign(key: PrivateKey, message: Uint8Array): Uint8Array {
	switch (key.type) {
		case "ed25519":
			return backend.ed25519Sign(key.bytes, message);
		case "secp256k1":
			return secp256k1Sign(key.bytes, message);
		case "secp256k1eth":
			return secp256k1EthSign(key.bytes, message);
		case "ml_dsa_65":
			return mlDsaSign(key.bytes, message);
	}
}
