import { hkdfSha256, MerlinTranscript, x25519SharedSecret } from "@cairn/crypto";
import { compareBytes, DecodeError, utf8 } from "@cairn/kit";
import { refusal } from "./refusal.ts";

const KEY_INFO = utf8("TENDERMINT_SECRET_CONNECTION_KEY_AND_CHALLENGE_GEN");
const KEY_SIZE = 32;
const CHALLENGE_SIZE = 32;

/** What both sides derive from the two ephemeral keys. */
export interface SessionKeys {
	readonly sendKey: Uint8Array;
	readonly receiveKey: Uint8Array;
	/** Both sides sign this with their node keys: it binds the session to the two identities. */
	readonly challenge: Uint8Array;
}

/**
 * The keys of a session (station-to-station, p2p/conn/secret_connection.go): HKDF-SHA256 of the shared secret
 * gives two keys, of which the side with the lower ephemeral key receives with the first; the challenge comes from
 * a Merlin transcript of both ephemeral keys and the secret.
 * @throws CairnError `p2p-low-order-key` when the other side's key is a point of low order
 */
export function deriveSessionKeys(
	localPrivate: Uint8Array,
	localPublic: Uint8Array,
	remotePublic: Uint8Array,
): SessionKeys {
	const secret = sharedSecret(localPrivate, remotePublic);
	const localIsLower = compareBytes(localPublic, remotePublic) < 0;
	const transcript = new MerlinTranscript("TENDERMINT_SECRET_CONNECTION_TRANSCRIPT_HASH");
	transcript.appendMessage("EPHEMERAL_LOWER_PUBLIC_KEY", localIsLower ? localPublic : remotePublic);
	transcript.appendMessage("EPHEMERAL_UPPER_PUBLIC_KEY", localIsLower ? remotePublic : localPublic);
	transcript.appendMessage("DH_SECRET", secret);
	const challenge = transcript.challengeBytes("SECRET_CONNECTION_MAC", CHALLENGE_SIZE);
	const keys = hkdfSha256(secret, undefined, KEY_INFO, 2 * KEY_SIZE);
	const first = keys.slice(0, KEY_SIZE);
	const second = keys.slice(KEY_SIZE);
	return localIsLower
		? { receiveKey: first, sendKey: second, challenge }
		: { receiveKey: second, sendKey: first, challenge };
}

function sharedSecret(localPrivate: Uint8Array, remotePublic: Uint8Array): Uint8Array {
	try {
		return x25519SharedSecret(localPrivate, remotePublic);
	} catch (cause) {
		if (!(cause instanceof DecodeError)) throw cause;
		throw refusal("p2p-low-order-key", "the other side sent an ephemeral key of low order", {}, cause);
	}
}
