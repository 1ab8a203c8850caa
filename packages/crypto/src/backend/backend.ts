/**
 * The primitives that have more than one implementation: libsodium and OpenSSL under Node.js, pure JavaScript in a
 * browser. Lengths of keys and nonces are checked by the callers in this package, never by a backend.
 */
export interface Backend {
	/** `sodium` or `portable`, for `doctor` and bug reports. */
	readonly name: string;
	sha256(bytes: Uint8Array): Uint8Array;
	/** The 64-byte private key (seed, then public key) of a 32-byte seed. */
	ed25519PrivateKey(seed: Uint8Array): Uint8Array;
	ed25519Sign(privateKey: Uint8Array, message: Uint8Array): Uint8Array;
	/**
	 * True only for signatures that ZIP-215 accepts; false may also mean "ask the ZIP-215 check". Sizes are right.
	 */
	ed25519AcceptsFast(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
	/**
	 * True only for a valid ECDSA signature over SHA-256 of the message; false may also mean "ask the portable check".
	 * `signature` is R ‖ S, both reduced, S in the lower half.
	 */
	secp256k1AcceptsFast(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
	/** The same over NIST P-256. */
	p256AcceptsFast(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
	/** Writes ciphertext and tag to `out` (16 bytes longer than `plaintext`), which may start at the same byte. */
	seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, out: Uint8Array): void;
	/** False if the tag does not match; then `out` holds nothing of use. */
	open(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, out: Uint8Array): boolean;
	x25519PublicKey(privateKey: Uint8Array): Uint8Array;
	/** Undefined if the shared secret would be all zero (a point of low order). */
	x25519(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;
}
