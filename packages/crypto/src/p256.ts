import { DecodeError } from "@cairn/kit";
import { p256 } from "@noble/curves/nist.js";
import { backend } from "#backend";
import { sha256 } from "./hash.ts";

const SIGNATURE_SIZE = 64;
const HALF_ORDER = p256.Point.CURVE().n >> 1n;

/** True for 33 bytes that are a compressed point of NIST P-256. */
export function isP256Point(bytes: Uint8Array): boolean {
	try {
		return bytes.length === 33 && p256.utils.isValidPublicKey(bytes, true);
	} catch {
		return false;
	}
}

/** Compressed public key (33 bytes) of a 32-byte scalar. @throws DecodeError for what is not a scalar of the curve */
export function p256PublicKey(scalar: Uint8Array): Uint8Array {
	if (scalar.length !== 32 || !p256.utils.isValidSecretKey(scalar)) {
		throw new DecodeError("P-256 private key: not a valid key");
	}
	return p256.getPublicKey(scalar, true);
}

/** R ‖ S over SHA-256 of the message, low S, nonce of RFC 6979. */
export function signP256(scalar: Uint8Array, message: Uint8Array): Uint8Array {
	return p256.sign(sha256(message), scalar, { prehash: false, lowS: true, format: "compact" });
}

/**
 * R ‖ S over SHA-256 of the message, with S in the lower half of the order: of the two signatures that ECDSA allows for
 * one nonce only one is good. Never throws: malformed input is simply not valid.
 */
export function verifyP256(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
	if (signature.length !== SIGNATURE_SIZE || publicKey.length !== 33) return false;
	let s = 0n;
	for (const byte of signature.subarray(32)) s = (s << 8n) | BigInt(byte);
	if (s > HALF_ORDER) return false;
	if (backend.p256AcceptsFast(publicKey, message, signature)) return true;
	try {
		return p256.verify(signature, sha256(message), publicKey, { prehash: false, lowS: true, format: "compact" });
	} catch {
		return false;
	}
}
