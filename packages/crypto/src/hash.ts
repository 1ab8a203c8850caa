import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac as nobleHmac } from "@noble/hashes/hmac.js";
import { ripemd160 as nobleRipemd160 } from "@noble/hashes/legacy.js";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { backend } from "#backend";

/** Which implementation answers: `sodium`, or `portable` (browsers, machines without a prebuilt binary). */
export const backendName: string = backend.name;

export const SHA256_SIZE = 32;

/** SHA-256, 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
	return backend.sha256(bytes);
}

/** The first 20 bytes of SHA-256: addresses and node ids (CometBFT's `tmhash.SumTruncated`). */
export function sha256Truncated(bytes: Uint8Array): Uint8Array {
	return backend.sha256(bytes).slice(0, 20);
}

/** RIPEMD-160, 20 bytes (addresses of secp256k1 keys). */
export function ripemd160(bytes: Uint8Array): Uint8Array {
	return nobleRipemd160(bytes);
}

/** Ethereum's Keccak-256 (the padding from before SHA-3), 32 bytes. */
export function keccak256(bytes: Uint8Array): Uint8Array {
	return keccak_256(bytes);
}

/** HMAC-SHA-256, 32 bytes. */
export function hmac(key: Uint8Array, message: Uint8Array): Uint8Array {
	return nobleHmac(nobleSha256, key, message);
}

/** HKDF-SHA-256 (RFC 5869): `length` bytes from a secret; `salt` undefined means 32 zero bytes. */
export function hkdfSha256(
	secret: Uint8Array,
	salt: Uint8Array | undefined,
	info: Uint8Array,
	length: number,
): Uint8Array {
	return hkdf(nobleSha256, secret, salt, info, length);
}

/** Equality without early exit: for secrets and authentication tags. */
export function constantTimeEqual(a: Uint8Array, b: Uint8Array): boolean {
	if (a.length !== b.length) return false;
	let difference = 0;
	for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
	return difference === 0;
}
