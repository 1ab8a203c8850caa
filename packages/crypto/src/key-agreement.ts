import { DecodeError, invariant } from "@cairn/kit";
import { backend } from "#backend";

/** An X25519 key pair (RFC 7748), 32 bytes each. */
export interface X25519KeyPair {
	readonly privateKey: Uint8Array;
	readonly publicKey: Uint8Array;
}

/** The pair of 32 random bytes. */
export function x25519KeyPair(randomBytes: Uint8Array): X25519KeyPair {
	invariant(randomBytes.length === 32, "an X25519 private key has 32 bytes", { length: randomBytes.length });
	return { privateKey: randomBytes.slice(), publicKey: backend.x25519PublicKey(randomBytes) };
}

/**
 * The shared secret with a peer's public key.
 * @throws DecodeError for a wrong length or a point of low order (the secret would be all zero and known to anyone).
 */
export function x25519SharedSecret(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
	invariant(privateKey.length === 32, "an X25519 private key has 32 bytes", { length: privateKey.length });
	if (publicKey.length !== 32) throw new DecodeError("an X25519 public key has 32 bytes", { length: publicKey.length });
	const shared = backend.x25519(privateKey, publicKey);
	if (shared === undefined) throw new DecodeError("X25519 public key is a point of low order");
	return shared;
}
