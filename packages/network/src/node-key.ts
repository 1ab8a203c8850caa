import {
	addressOf,
	generatePrivateKey,
	type PrivateKey,
	type PublicKey,
	privateKeyFromJson,
	privateKeyToJson,
	publicKeyOf,
} from "@cairn/crypto";
import { CairnError, DecodeError, type Disk, fromUtf8, type Random, toHex, utf8 } from "@cairn/kit";

/** The identity of a node towards its peers. */
export interface NodeKey {
	readonly privateKey: PrivateKey;
	/** Lower-case hex of the address of the public key. */
	readonly id: string;
}

/** Hex of the address of a public key: how nodes name each other. */
export function nodeIdOf(key: PublicKey): string {
	return toHex(addressOf(key));
}

/** @throws CairnError `node-key` unless it is an ed25519 key: the handshake knows no other */
export function nodeKeyOf(privateKey: PrivateKey): NodeKey {
	if (privateKey.type !== "ed25519") {
		throw new CairnError("node-key", "operator", `node keys are ed25519, this one is ${privateKey.type}`);
	}
	return { privateKey, id: nodeIdOf(publicKeyOf(privateKey)) };
}

/** The text of node_key.json, as CometBFT writes it. */
export function nodeKeyToJson(key: NodeKey): string {
	return JSON.stringify({ priv_key: privateKeyToJson(key.privateKey) });
}

/** Reads node_key.json; `file` is named in the error. @throws CairnError `node-key`; the text never holds the key. */
export function parseNodeKey(text: string, file = "node_key.json"): NodeKey {
	const broken = (problem: string): CairnError =>
		new CairnError("node-key", "operator", `${file}: ${problem}; restore the file, or remove it to get a new node id`, {
			file,
		});
	let json: unknown;
	try {
		json = JSON.parse(text);
	} catch {
		throw broken("not JSON");
	}
	if (typeof json !== "object" || json === null || !("priv_key" in json)) throw broken('no "priv_key" in it');
	try {
		return nodeKeyOf(privateKeyFromJson(json.priv_key));
	} catch (cause) {
		if (cause instanceof DecodeError || (cause instanceof CairnError && cause.code === "node-key"))
			throw broken(cause.message);
		throw cause;
	}
}

/** Reads the node key, or makes and saves a new one where there is no file. @throws CairnError `node-key` */
export async function loadOrMakeNodeKey(disk: Disk, random: Random, file: string): Promise<NodeKey> {
	const bytes = await disk.read(file);
	if (bytes !== undefined) return parseNodeKey(fromUtf8(bytes), file);
	const key = nodeKeyOf(generatePrivateKey("ed25519", random.bytes(32)));
	await disk.writeAtomic(file, utf8(nodeKeyToJson(key)));
	return key;
}
