import { p256PublicKey, privateKeyFromSeed, publicKeyOf, sign, signP256 } from "@cairn/crypto";
import { type SchemeName, type SigningKey, signingKey } from "../state-machine/device-key.ts";

/** Something that signs for one key: in software, or a secure element behind the same shape. */
export interface Signer {
	readonly key: SigningKey;
	/** R ‖ S, 64 bytes. ECDSA signs SHA-256 of the message and gives S in the lower half of the order. */
	sign(message: Uint8Array): Uint8Array;
}

/**
 * A signer in software. `secret` is 32 bytes: the seed of RFC 8032 for ed25519, the scalar for p256, any secret for
 * secp256k1 (mapped into the range of scalars as CometBFT does).
 * @throws DecodeError for what is not a key
 */
export function softwareSigner(scheme: SchemeName, secret: Uint8Array): Signer {
	if (scheme === "p256") {
		const scalar = secret.slice();
		return { key: signingKey(scheme, p256PublicKey(scalar)), sign: (message) => signP256(scalar, message) };
	}
	const privateKey = privateKeyFromSeed(scheme, secret);
	return { key: signingKey(scheme, publicKeyOf(privateKey).bytes), sign: (message) => sign(privateKey, message) };
}
