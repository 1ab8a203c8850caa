import {
	addressOf,
	type KeyJson,
	type KeyType,
	privateKey,
	privateKeyFromJson,
	privateKeyFromSeed,
	privateKeyToJson,
	publicKey,
	publicKeyFromJson,
	publicKeyOf,
	publicKeyToJson,
	sign,
	verifySignature,
} from "@cairn/crypto";
import { fromUtf8, toUpperHex, utf8 } from "@cairn/kit";
import { nodeIdOf, nodeKeyOf, nodeKeyToJson, parseNodeKey } from "@cairn/network";
import { formatKeyFile, parseKeyFile } from "@cairn/signer";
import { newValidator, publicKeyFromProto, publicKeyToProto, validatorLeaf } from "@cairn/types";
import { crypto as cryptoProto } from "@cairn/types/proto";
import type { Checker } from "../checker.ts";
import { hex, same, sameBytes } from "../expectation.ts";

interface KeyCase {
	readonly type: KeyType;
	readonly seed: string;
	readonly priv_key_bytes: string;
	readonly pub_key_bytes: string;
	readonly address: string;
	readonly address_display: string;
	readonly pub_key_proto: string;
	readonly simple_validator_leaf_power7: string;
	readonly pub_key_amino_json: KeyJson;
	readonly priv_key_amino_json: KeyJson;
	readonly signatures: readonly { readonly msg: string; readonly sig: string; readonly valid: boolean }[];
	readonly node_id?: string;
	readonly node_key_json?: string;
	readonly priv_validator_key_json?: string;
}

function checkKey(each: KeyCase): void {
	const key = privateKeyFromSeed(each.type, hex(each.seed));
	sameBytes("priv_key_bytes", key.bytes, each.priv_key_bytes);
	same("private key of its bytes", privateKey(each.type, hex(each.priv_key_bytes)), key);
	const shared = publicKeyOf(key);
	sameBytes("pub_key_bytes", shared.bytes, each.pub_key_bytes);
	same("public key of its bytes", publicKey(each.type, hex(each.pub_key_bytes)), shared);
	sameBytes("address", addressOf(shared), each.address);
	same("address_display", toUpperHex(addressOf(shared)), each.address_display);
	const proto = hex(each.pub_key_proto);
	sameBytes("pub_key_proto", cryptoProto.PublicKey.encode(publicKeyToProto(shared)), each.pub_key_proto);
	same("public key of its proto", publicKeyFromProto(cryptoProto.PublicKey.decode(proto)), shared);
	sameBytes("simple_validator_leaf_power7", validatorLeaf(newValidator(shared, 7n)), each.simple_validator_leaf_power7);
	same("pub_key_amino_json", publicKeyToJson(shared), each.pub_key_amino_json);
	same("public key of its JSON", publicKeyFromJson(each.pub_key_amino_json), shared);
	same("priv_key_amino_json", privateKeyToJson(key), each.priv_key_amino_json);
	same("private key of its JSON", privateKeyFromJson(each.priv_key_amino_json), key);
	if (each.node_id !== undefined) same("node_id", nodeIdOf(shared), each.node_id);
	if (each.node_key_json !== undefined) {
		same("node_key_json", nodeKeyToJson(nodeKeyOf(key)), each.node_key_json);
		same("key in node_key_json", parseNodeKey(each.node_key_json).privateKey, key);
	}
	if (each.priv_validator_key_json !== undefined) {
		same("priv_validator_key_json", fromUtf8(formatKeyFile(key)), each.priv_validator_key_json);
		same("key in priv_validator_key_json", parseKeyFile(utf8(each.priv_validator_key_json), "vector"), key);
	}
	for (const [index, { msg, sig, valid }] of each.signatures.entries()) {
		same(`signatures[${index}] valid`, verifySignature(shared, hex(msg), hex(sig)), valid);
		// Go signs ML-DSA with fresh randomness: nothing to compare.
		if (valid && each.type !== "ml_dsa_65") sameBytes(`signatures[${index}]`, sign(key, hex(msg)), sig);
	}
}

export const checkKeys: Checker = (file, tally) => {
	const { cases } = file.content as { cases: readonly KeyCase[] };
	return tally.checkEach("cases", cases, checkKey);
};
