import { DecodeError, invariant } from "@cairn/kit";
import { backend } from "#backend";

export const AEAD_KEY_SIZE = 32;
export const AEAD_NONCE_SIZE = 12;
/** Bytes that sealing adds. */
export const AEAD_TAG_SIZE = 16;

/**
 * ChaCha20-Poly1305 (RFC 8439) without additional data. The result is in `out`, which must be 16 bytes longer than
 * `plaintext` and may share its first byte with it; without `out` a new array is made.
 */
export function sealChaCha20Poly1305(
	key: Uint8Array,
	nonce: Uint8Array,
	plaintext: Uint8Array,
	out: Uint8Array = new Uint8Array(plaintext.length + AEAD_TAG_SIZE),
): Uint8Array {
	invariant(key.length === AEAD_KEY_SIZE && nonce.length === AEAD_NONCE_SIZE, "AEAD key or nonce of a wrong size");
	invariant(out.length === plaintext.length + AEAD_TAG_SIZE, "AEAD output of a wrong size");
	backend.seal(key, nonce, plaintext, out);
	return out;
}

/**
 * Opens what `sealChaCha20Poly1305` made, into `out` (16 bytes shorter than `sealed`; may share its first byte).
 * @throws DecodeError if it is too short or was not sealed with this key and nonce; `out` is then worthless.
 */
export function openChaCha20Poly1305(
	key: Uint8Array,
	nonce: Uint8Array,
	sealed: Uint8Array,
	out?: Uint8Array,
): Uint8Array {
	invariant(key.length === AEAD_KEY_SIZE && nonce.length === AEAD_NONCE_SIZE, "AEAD key or nonce of a wrong size");
	if (sealed.length < AEAD_TAG_SIZE)
		throw new DecodeError("sealed box is shorter than its tag", { length: sealed.length });
	const plaintext = out ?? new Uint8Array(sealed.length - AEAD_TAG_SIZE);
	invariant(plaintext.length === sealed.length - AEAD_TAG_SIZE, "AEAD output of a wrong size");
	if (!backend.open(key, nonce, sealed, plaintext))
		throw new DecodeError("sealed box does not open: wrong key or changed bytes");
	return plaintext;
}
