import { DecodeError, fromBase64, toBase64 } from "@cairn/kit";
import { type KeyType, type PrivateKey, type PublicKey, privateKey, publicKey } from "./key.ts";

/** A key in CometBFT's JSON files and RPC answers: the Amino name of its type, and base64. */
export interface KeyJson {
	readonly type: string;
	readonly value: string;
}

const PUBLIC_NAMES: Readonly<Record<KeyType, string>> = {
	ed25519: "tendermint/PubKeyEd25519",
	secp256k1: "tendermint/PubKeySecp256k1",
	secp256k1eth: "tendermint/PubKeySecp256k1eth",
	ml_dsa_65: "cometbft/PubKeyMlDsa65",
};

const PRIVATE_NAMES: Readonly<Record<KeyType, string>> = {
	ed25519: "tendermint/PrivKeyEd25519",
	secp256k1: "tendermint/PrivKeySecp256k1",
	secp256k1eth: "tendermint/PrivKeySecp256k1eth",
	ml_dsa_65: "cometbft/PrivKeyMlDsa65",
};

const NOT_BUILT = new Set(["cometbft/PubKeyBls12_381", "cometbft/PrivKeyBls12_381"]);

export function publicKeyToJson(key: PublicKey): KeyJson {
	return { type: PUBLIC_NAMES[key.type], value: toBase64(key.bytes) };
}

export function privateKeyToJson(key: PrivateKey): KeyJson {
	return { type: PRIVATE_NAMES[key.type], value: toBase64(key.bytes) };
}

/** Reads `{"type": "tendermint/PubKeyEd25519", "value": "…"}`. @throws DecodeError */
export function publicKeyFromJson(json: unknown): PublicKey {
	const { type, bytes } = readKey(json, PUBLIC_NAMES, "public key");
	return publicKey(type, bytes);
}

/** Reads `{"type": "tendermint/PrivKeyEd25519", "value": "…"}`. @throws DecodeError; the text never holds the value. */
export function privateKeyFromJson(json: unknown): PrivateKey {
	const { type, bytes } = readKey(json, PRIVATE_NAMES, "private key");
	return privateKey(type, bytes);
}

function readKey(
	json: unknown,
	names: Readonly<Record<KeyType, string>>,
	what: string,
): { type: KeyType; bytes: Uint8Array } {
	if (typeof json !== "object" || json === null || Array.isArray(json)) {
		throw new DecodeError(`${what}: expected an object with "type" and "value"`);
	}
	const { type: name, value } = json as Record<string, unknown>;
	if (typeof name !== "string" || typeof value !== "string") {
		throw new DecodeError(`${what}: "type" and "value" must be texts`);
	}
	if (NOT_BUILT.has(name)) throw new DecodeError(`${what}: ${name} is not built, as in the default cometbft binary`);
	const type = (Object.keys(names) as KeyType[]).find((key) => names[key] === name);
	if (type === undefined) {
		throw new DecodeError(
			`${what}: unknown type ${JSON.stringify(name.slice(0, 60))}, expected one of ${Object.values(names).join(", ")}`,
		);
	}
	return { type, bytes: readBase64(value, what) };
}

function readBase64(value: string, what: string): Uint8Array {
	try {
		return fromBase64(value);
	} catch {
		// The error of the decoder quotes its input, which may be a secret.
		throw new DecodeError(`${what}: "value" is not base64`);
	}
}
