import { bytesEqual, concatBytes } from "@cairn/kit";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { backend } from "#backend";
import { keccak256, sha256 } from "./hash.ts";

const ORDER = secp256k1.Point.CURVE().n;
const HALF_ORDER = ORDER >> 1n;

function toNumber(bytes: Uint8Array): bigint {
	let value = 0n;
	for (const byte of bytes) value = (value << 8n) | BigInt(byte);
	return value;
}

function to32Bytes(value: bigint): Uint8Array {
	const bytes = new Uint8Array(32);
	let rest = value;
	for (let i = 31; i >= 0; i--) {
		bytes[i] = Number(rest & 255n);
		rest >>= 8n;
	}
	return bytes;
}

/** True for 33 bytes that are a compressed point of the curve. */
export function isSecp256k1Point(bytes: Uint8Array): boolean {
	try {
		return bytes.length === 33 && secp256k1.utils.isValidPublicKey(bytes, true);
	} catch {
		return false;
	}
}

/** True for 32 bytes in the range 1 … n−1. */
export function isSecp256k1Scalar(bytes: Uint8Array): boolean {
	const scalar = toNumber(bytes);
	return bytes.length === 32 && scalar > 0n && scalar < ORDER;
}

/** (SHA-256(secret) mod (n−1)) + 1, FIPS 186-3 A.2.1 as Go's `GenPrivKeySecp256k1`. */
export function secp256k1ScalarFromSecret(secret: Uint8Array): Uint8Array {
	return to32Bytes((toNumber(sha256(secret)) % (ORDER - 1n)) + 1n);
}

/** Compressed public key, 33 bytes. */
export function secp256k1PublicKey(scalar: Uint8Array): Uint8Array {
	return secp256k1.getPublicKey(scalar, true);
}

/** 0x04 ‖ X ‖ Y of a valid compressed point. */
export function secp256k1Uncompressed(compressed: Uint8Array): Uint8Array {
	return secp256k1.Point.fromBytes(compressed).toBytes(false);
}

/** R ‖ S over SHA-256 of the message, low S, nonce of RFC 6979. */
export function secp256k1Sign(scalar: Uint8Array, message: Uint8Array): Uint8Array {
	return secp256k1.sign(sha256(message), scalar, { prehash: false, lowS: true, format: "compact" });
}

/**
 * R ‖ S over SHA-256 of the message. As in crypto/secp256k1/secp256k1.go both numbers are first reduced modulo the
 * order; then S must be in the lower half.
 */
export function secp256k1Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
	if (signature.length !== 64) return false;
	const r = toNumber(signature.subarray(0, 32)) % ORDER;
	const s = toNumber(signature.subarray(32)) % ORDER;
	if (r === 0n || s === 0n || s > HALF_ORDER) return false;
	const reduced = concatBytes(to32Bytes(r), to32Bytes(s));
	if (backend.secp256k1AcceptsFast(publicKey, message, reduced)) return true;
	return secp256k1.verify(reduced, sha256(message), publicKey, { prehash: false, lowS: true, format: "compact" });
}

/** R ‖ S ‖ V (V 0 or 1) over Keccak-256 of the message, low S. */
export function secp256k1EthSign(scalar: Uint8Array, message: Uint8Array): Uint8Array {
	const recovered = secp256k1.sign(keccak256(message), scalar, { prehash: false, lowS: true, format: "recovered" });
	return concatBytes(recovered.subarray(1), recovered.subarray(0, 1));
}

/**
 * R ‖ S ‖ V over Keccak-256 of the message: V 0 or 1, R and S in range, S in the lower half, and the key recovered from
 * them equal to `publicKey` (crypto/secp256k1eth/key.go).
 */
export function secp256k1EthVerify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
	if (signature.length !== 65) return false;
	const parity = signature[64] as number;
	const r = toNumber(signature.subarray(0, 32));
	const s = toNumber(signature.subarray(32, 64));
	if (parity > 1 || r === 0n || r >= ORDER || s === 0n || s > HALF_ORDER) return false;
	const recoverable = concatBytes(signature.subarray(64), signature.subarray(0, 64));
	const recovered = secp256k1.recoverPublicKey(recoverable, keccak256(message), { prehash: false });
	return bytesEqual(recovered, publicKey);
}
