import { sha256, verifyP256, verifySignature } from "@cairn/crypto";
import { bytesEqual, concatBytes, DecodeError } from "@cairn/kit";
import { fromBase58, toBase58 } from "../base58.ts";
import { decodeBech32, encodeBech32 } from "../bech32.ts";

/** Signature schemes of devices and accounts. */
export type SchemeName = "ed25519" | "p256" | "secp256k1";

/** How a scheme is named around us. */
export interface Scheme {
	readonly name: SchemeName;
	/** Algorithm of the COSE header (IANA COSE Algorithms): EdDSA, ES256, ES256K. */
	readonly coseAlgorithm: number;
	/** Multicodec of the public key, as unsigned varint. */
	readonly multicodec: Uint8Array;
	readonly keySize: number;
}

export const SCHEMES: readonly Scheme[] = [
	{ name: "ed25519", coseAlgorithm: -8, multicodec: Uint8Array.of(0xed, 0x01), keySize: 32 },
	{ name: "p256", coseAlgorithm: -7, multicodec: Uint8Array.of(0x80, 0x24), keySize: 33 },
	{ name: "secp256k1", coseAlgorithm: -47, multicodec: Uint8Array.of(0xe7, 0x01), keySize: 33 },
];

/** Every signature of every scheme: R ‖ S. */
export const SIGNATURE_SIZE = 64;

/** Longest multicodec key. */
export const MAX_KEY_ID_SIZE = 35;

/** Prefix of account addresses. */
export const ACCOUNT_PREFIX = "cairn";

const ADDRESS_SIZE = 20;

/** A public key with its scheme. */
export interface SigningKey {
	readonly scheme: Scheme;
	/** 32 bytes, or a compressed point of 33. */
	readonly bytes: Uint8Array;
	/** Multicodec prefix and bytes: the `kid` of a message, and what a did:key spells. */
	readonly id: Uint8Array;
}

export function schemeOf(name: SchemeName): Scheme {
	const scheme = SCHEMES.find((each) => each.name === name);
	if (scheme === undefined) throw new DecodeError(`unknown signature scheme ${JSON.stringify(name)}`);
	return scheme;
}

export function signingKey(name: SchemeName, bytes: Uint8Array): SigningKey {
	const scheme = schemeOf(name);
	return signingKeyFromId(concatBytes(scheme.multicodec, bytes));
}

/** Reads a multicodec key. @throws DecodeError */
export function signingKeyFromId(id: Uint8Array): SigningKey {
	for (const scheme of SCHEMES) {
		const [first, second] = scheme.multicodec;
		if (id[0] !== first || id[1] !== second) continue;
		const bytes = id.subarray(2);
		if (bytes.length !== scheme.keySize) {
			throw new DecodeError(`${scheme.name} key of ${bytes.length} bytes, expected ${scheme.keySize}`);
		}
		return { scheme, bytes, id };
	}
	throw new DecodeError("a key of an unknown kind: expected multicodec ed25519-pub, p256-pub or secp256k1-pub");
}

const DID_PREFIX = "did:key:z";

/** The did:key of a multicodec key (W3C did:key method). */
export function didOf(id: Uint8Array): string {
	return DID_PREFIX + toBase58(id);
}

/** The key that a did:key spells. @throws DecodeError */
export function signingKeyFromDid(did: string): SigningKey {
	if (!did.startsWith(DID_PREFIX)) throw new DecodeError(`${JSON.stringify(did.slice(0, 80))} is not a did:key`);
	const key = signingKeyFromId(fromBase58(did.slice(DID_PREFIX.length)));
	if (didOf(key.id) !== did) throw new DecodeError("a did:key that is not in its normal form");
	return key;
}

/** The account of a key: bech32 of the first 20 bytes of SHA-256 over the multicodec key. */
export function accountAddress(id: Uint8Array): string {
	return encodeBech32(ACCOUNT_PREFIX, sha256(id).subarray(0, ADDRESS_SIZE));
}

/** True for the address of an account in its normal form. */
export function isAccountAddress(text: string): boolean {
	try {
		const { prefix, bytes } = decodeBech32(text);
		return prefix === ACCOUNT_PREFIX && bytes.length === ADDRESS_SIZE && text === text.toLowerCase();
	} catch {
		return false;
	}
}

/**
 * Whether the signature is the key's over the message. ECDSA signs SHA-256 and only with S in the lower half, so that
 * nobody else can make a second transaction of the same message; ed25519 is ZIP-215.
 */
export function verifyWith(key: SigningKey, message: Uint8Array, signature: Uint8Array): boolean {
	switch (key.scheme.name) {
		case "ed25519":
			return verifySignature({ type: "ed25519", bytes: key.bytes }, message, signature);
		case "secp256k1":
			return verifySignature({ type: "secp256k1", bytes: key.bytes }, message, signature);
		case "p256":
			return verifyP256(key.bytes, message, signature);
	}
}

export function sameKey(a: SigningKey, b: SigningKey): boolean {
	return bytesEqual(a.id, b.id);
}
