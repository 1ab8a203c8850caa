import { ml_dsa65 } from "@noble/post-quantum/ml-dsa.js";

// FIPS 204 "pure" mode with an empty context, deterministic signatures: crypto/mldsa65/key.go.

export function mlDsaPrivateKeyFromSeed(seed: Uint8Array): Uint8Array {
	return ml_dsa65.keygen(seed).secretKey;
}

export function mlDsaPublicKey(privateKey: Uint8Array): Uint8Array {
	return ml_dsa65.getPublicKey(privateKey);
}

/** True if the packed bytes can be read as a private key. */
export function isMlDsaPrivateKey(bytes: Uint8Array): boolean {
	try {
		return ml_dsa65.getPublicKey(bytes).length > 0;
	} catch {
		return false;
	}
}

export function mlDsaSign(privateKey: Uint8Array, message: Uint8Array): Uint8Array {
	return ml_dsa65.sign(message, privateKey, { extraEntropy: false });
}

export function mlDsaVerify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
	return ml_dsa65.verify(signature, message, publicKey);
}
