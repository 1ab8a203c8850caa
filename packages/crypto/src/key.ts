import { bytesEqual, DecodeError, toUpperHex } from "@cairn/kit";
import { backend } from "#backend";
import { keccak256, ripemd160, sha256, sha256Truncated } from "./hash.ts";
import { isMlDsaPrivateKey, mlDsaPrivateKeyFromSeed, mlDsaPublicKey } from "./ml-dsa.ts";
import {
	isSecp256k1Point,
	isSecp256k1Scalar,
	secp256k1PublicKey,
	secp256k1ScalarFromSecret,
	secp256k1Uncompressed,
} from "./secp256k1.ts";

/** Signature schemes by the names of genesis files and validator updates (Go's `KeyType` constants). */
export type KeyType = "ed25519" | "secp256k1" | "secp256k1eth" | "ml_dsa_65";

export interface PublicKey {
	readonly type: KeyType;
	readonly bytes: Uint8Array;
}

/** `bytes` in Go's form: ed25519 seed ‖ public key (64), secp256k1 scalars (32), ML-DSA-65 packed (4032). */
export interface PrivateKey {
	readonly type: KeyType;
	readonly bytes: Uint8Array;
}

interface KeySizes {
	readonly publicKey: number;
	readonly privateKey: number;
	readonly signature: number;
}

/** Bytes of keys and signatures per type. */
export const KEY_SIZES: Readonly<Record<KeyType, KeySizes>> = {
	ed25519: { publicKey: 32, privateKey: 64, signature: 64 },
	secp256k1: { publicKey: 33, privateKey: 32, signature: 64 },
	secp256k1eth: { publicKey: 33, privateKey: 32, signature: 65 },
	ml_dsa_65: { publicKey: 1952, privateKey: 4032, signature: 3309 },
};

export const KEY_TYPES: readonly KeyType[] = ["ed25519", "secp256k1", "secp256k1eth", "ml_dsa_65"];

/** Bytes of every address. */
export const ADDRESS_SIZE = 20;

/** Bytes of the random seed that makes a new key of any type. */
export const SEED_SIZE = 32;

export function isKeyType(text: string): text is KeyType {
	return (KEY_TYPES as readonly string[]).includes(text);
}

/** Narrows a name from outside. @throws DecodeError for unknown types, and for bls12_381 that it is not built. */
export function keyType(text: string): KeyType {
	if (isKeyType(text)) return text;
	if (text === "bls12_381") throw new DecodeError("key type bls12_381 is not built, as in the default cometbft binary");
	throw new DecodeError(`unknown key type ${JSON.stringify(text.slice(0, 40))}`);
}

function checkSize(what: string, bytes: Uint8Array, expected: number): void {
	if (bytes.length !== expected) throw new DecodeError(`${what}: ${bytes.length} bytes, expected ${expected}`);
}

/**
 * A public key from outside (copied). Lengths are checked as in crypto/encoding/codec.go; secp256k1eth must also be a
 * point.
 * @throws DecodeError
 */
export function publicKey(type: string, bytes: Uint8Array): PublicKey {
	const known = keyType(type);
	checkSize(`${known} public key`, bytes, KEY_SIZES[known].publicKey);
	if (known === "secp256k1eth" && !isSecp256k1Point(bytes)) {
		throw new DecodeError("secp256k1eth public key: not a point of the curve");
	}
	return { type: known, bytes: bytes.slice() };
}

/**
 * A private key from outside (copied). An ed25519 key whose two halves do not belong together is refused: signing
 * with it would give the key away. @throws DecodeError
 */
export function privateKey(type: string, bytes: Uint8Array): PrivateKey {
	const known = keyType(type);
	checkSize(`${known} private key`, bytes, KEY_SIZES[known].privateKey);
	if (!isWellFormed(known, bytes)) throw new DecodeError(`${known} private key: not a valid key`);
	return { type: known, bytes: bytes.slice() };
}

function isWellFormed(type: KeyType, bytes: Uint8Array): boolean {
	switch (type) {
		case "ed25519":
			return bytesEqual(backend.ed25519PrivateKey(bytes.subarray(0, 32)), bytes);
		case "secp256k1":
		case "secp256k1eth":
			return isSecp256k1Scalar(bytes);
		case "ml_dsa_65":
			return isMlDsaPrivateKey(bytes);
	}
}

/**
 * The key that CometBFT derives from the same seed: 32 bytes for ed25519 (RFC 8032) and ML-DSA-65 (FIPS 204 ξ), any
 * secret for secp256k1 and secp256k1eth (SHA-256, then mapped into the range of scalars). @throws DecodeError on a
 * wrong length
 */
export function privateKeyFromSeed(type: KeyType, seed: Uint8Array): PrivateKey {
	switch (type) {
		case "ed25519":
			checkSize("ed25519 seed", seed, SEED_SIZE);
			return { type, bytes: backend.ed25519PrivateKey(seed) };
		case "secp256k1":
		case "secp256k1eth":
			return { type, bytes: secp256k1ScalarFromSecret(seed) };
		case "ml_dsa_65":
			checkSize("ml_dsa_65 seed", seed, SEED_SIZE);
			return { type, bytes: mlDsaPrivateKeyFromSeed(seed) };
	}
}

/** Go's `GenPrivKeyFromSecret` of ed25519: the seed is SHA-256 of a secret of any length. */
export function ed25519KeyFromSecret(secret: Uint8Array): PrivateKey {
	return privateKeyFromSeed("ed25519", sha256(secret));
}

/** A new key from 32 cryptographically strong random bytes (`world.random.bytes(32)`). */
export function generatePrivateKey(type: KeyType, randomBytes: Uint8Array): PrivateKey {
	checkSize("randomness for a new key", randomBytes, SEED_SIZE);
	return privateKeyFromSeed(type, randomBytes);
}

/** The public half. */
export function publicKeyOf(key: PrivateKey): PublicKey {
	switch (key.type) {
		case "ed25519":
			return { type: key.type, bytes: key.bytes.slice(32) };
		case "secp256k1":
		case "secp256k1eth":
			return { type: key.type, bytes: secp256k1PublicKey(key.bytes) };
		case "ml_dsa_65":
			return { type: key.type, bytes: mlDsaPublicKey(key.bytes) };
	}
}

/**
 * The 20-byte address: SHA-256 truncated (ed25519, ML-DSA-65), RIPEMD-160 of SHA-256 (secp256k1), Ethereum's address
 * (secp256k1eth).
 */
export function addressOf(key: PublicKey): Uint8Array {
	switch (key.type) {
		case "ed25519":
		case "ml_dsa_65":
			return sha256Truncated(key.bytes);
		case "secp256k1":
			return ripemd160(sha256(key.bytes));
		case "secp256k1eth":
			return keccak256(secp256k1Uncompressed(key.bytes).subarray(1)).slice(12);
	}
}

export function publicKeysEqual(a: PublicKey, b: PublicKey): boolean {
	return a.type === b.type && bytesEqual(a.bytes, b.bytes);
}

/** For logs and error messages: `ed25519:8CEF1B65…`. */
export function describePublicKey(key: PublicKey): string {
	return `${key.type}:${toUpperHex(key.bytes.subarray(0, 16))}`;
}
