import { type KeyType, publicKey } from "@cairn/crypto";
import { fromBase64 } from "@cairn/kit";
import { type abci, textOfBytes } from "@cairn/types/proto";

/** Return codes of the example application (abci/example/kvstore/code.go). */
export const KV_CODE_OK = 0;
export const KV_CODE_INVALID_TX_FORMAT = 2;

const EQUALS = 0x3d;
const COLON = 0x3a;
/** `val=`, which a transaction that changes a validator begins with. */
const PREFIX = [0x76, 0x61, 0x6c, EQUALS] as const;
const MAX_INT64 = 9223372036854775807n;

/** `val=<key type>!<base64 key>!<power>`: adds, changes or (power 0) removes a validator. */
export interface ValidatorTransaction {
	readonly keyType: KeyType;
	readonly key: Uint8Array;
	readonly power: bigint;
}

export function isValidatorTransaction(tx: Uint8Array): boolean {
	return PREFIX.every((byte, index) => tx[index] === byte);
}

/** One character per byte. */
function latin1(bytes: Uint8Array): string {
	let text = "";
	for (const byte of bytes) text += String.fromCharCode(byte);
	return text;
}

/**
 * Reads a validator transaction; null where it is malformed. Beyond CometBFT's example, whose node halts on a key type
 * that it does not know, a key of a wrong length or a key type that the chain does not allow, those are malformed too.
 */
export function parseValidatorTransaction(tx: Uint8Array): ValidatorTransaction | null {
	const parts = latin1(tx.subarray(PREFIX.length)).split("!");
	if (parts.length !== 3) return null;
	const [typeName, keyText, powerText] = parts as [string, string, string];
	const keyType = typeName === "" ? "ed25519" : typeName;
	if (keyType !== "ed25519" && keyType !== "secp256k1") return null;
	const power = parsePower(powerText);
	if (power === null) return null;
	try {
		// Go's decoder skips line ends inside base64.
		const { bytes } = publicKey(keyType, fromBase64(keyText.replace(/[\r\n]/g, "")));
		return { keyType, key: bytes, power };
	} catch {
		return null;
	}
}

/** As Go's `strconv.ParseInt(text, 10, 64)`, not negative. */
function parsePower(text: string): bigint | null {
	if (!/^[+-]?\d{1,100}$/.test(text)) return null;
	const power = BigInt(text.replace("+", ""));
	return power < 0n || power > MAX_INT64 ? null : power;
}

/** `key=value` or `key:value`, with exactly one of the two signs, and not at either end. */
export function isPairTransaction(tx: Uint8Array): boolean {
	let signs = 0;
	let at = -1;
	for (let i = 0; i < tx.length; i++) {
		if (tx[i] !== EQUALS && tx[i] !== COLON) continue;
		signs++;
		at = i;
	}
	return signs === 1 && at > 0 && at < tx.length - 1;
}

/** The transaction with its first `:` made `=`, as blocks hold it. */
export function normalizedTransaction(tx: Uint8Array): Uint8Array {
	const at = tx.indexOf(COLON);
	if (at === -1) return tx;
	const changed = tx.slice();
	changed[at] = EQUALS;
	return changed;
}

/** Both sides of the one `=`; null when there is none, or more than one. */
export function splitPair(tx: Uint8Array): { readonly key: Uint8Array; readonly value: Uint8Array } | null {
	const at = tx.indexOf(EQUALS);
	if (at === -1 || tx.indexOf(EQUALS, at + 1) !== -1) return null;
	return { key: tx.subarray(0, at), value: tx.subarray(at + 1) };
}

const attribute = (key: string, value: string, index: boolean): abci.EventAttribute =>
	Object.freeze({ key, value, index });

const CREATORS = [attribute("creator", "Cosmoshi Netowoko", true), attribute("creator", "Cosmoshi", true)] as const;
const INDEXED = attribute("index_key", "index is working", true);
const NOT_INDEXED = attribute("noindex_key", "index is working", false);

function appEvent(creator: abci.EventAttribute, text: string): abci.Event {
	return { type: "app", attributes: [creator, attribute("key", text, true), INDEXED, NOT_INDEXED] };
}

/** The two events of every transaction: its key and its value (the whole of it twice, where it is not one pair). */
export function transactionEvents(tx: Uint8Array): readonly abci.Event[] {
	const pair = splitPair(tx);
	const key = textOfBytes(pair === null ? tx : pair.key);
	const value = pair === null ? key : textOfBytes(pair.value);
	return [appEvent(CREATORS[0], key), appEvent(CREATORS[1], value)];
}
