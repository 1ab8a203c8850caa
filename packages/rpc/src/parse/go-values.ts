import { DecodeError } from "@cairn/kit";
import { type TimeNs, timeFromRfc3339 } from "@cairn/types";
import { goBase64, goHex } from "./go-bytes.ts";
import { GoJson } from "./go-json.ts";

// Reading of values as CometBFT's `libs/json` (decoder.go) does it: 64-bit integers stand in quotes, null is the zero value
// of every type. Each function takes the text of one value and throws DecodeError with Go's words.

const NULL = "null";

/** The integer types of parameters, by Go's names. */
export type GoInteger = "int64" | "int" | "uint";

/** A 64-bit integer in quotes. */
export function goInteger(text: string, type: GoInteger): bigint {
	if (text === NULL) return 0n;
	if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) {
		throw new DecodeError(`invalid 64-bit integer encoding ${quoted(text)}, expected string`);
	}
	return bareInteger(text.slice(1, -1), type);
}

const BOUNDS: Readonly<Record<string, readonly [bigint, bigint]>> = {
	int64: [-(2n ** 63n), 2n ** 63n - 1n],
	int: [-(2n ** 63n), 2n ** 63n - 1n],
	uint: [0n, 2n ** 64n - 1n],
	int32: [-(2n ** 31n), 2n ** 31n - 1n],
	uint32: [0n, 2n ** 32n - 1n],
	uint8: [0n, 255n],
};

/** An integer without quotes. */
export function bareInteger(text: string, type: string): bigint {
	const json = GoJson.parse(text);
	if (json.kind === "null") return 0n;
	if (json.kind !== "number") throw json.mismatch(type);
	const [least, most] = BOUNDS[type] ?? [0n, 0n];
	const value = /^-?\d+$/.test(json.text) ? BigInt(json.text) : undefined;
	// Go refuses a minus before unsigned integers, that of "-0" too.
	const isNegative = least === 0n && json.text.startsWith("-");
	if (value === undefined || value < least || value > most || isNegative) {
		throw new DecodeError(`json: cannot unmarshal number ${json.text} into Go value of type ${type}`);
	}
	return value;
}

export function goString(text: string): string {
	if (text === NULL) return "";
	const json = GoJson.parse(text);
	if (json.kind === "null") return "";
	if (json.kind !== "string") throw json.mismatch("string");
	return json.string();
}

export function goBool(text: string): boolean {
	if (text === NULL) return false;
	const json = GoJson.parse(text);
	if (json.kind === "null") return false;
	if (json.kind !== "bool") throw json.mismatch("bool");
	return json.text === "true";
}

/** Bytes in base64, or as an array of numbers. */
export function goBytes(text: string, type = "[]uint8"): Uint8Array {
	if (text === NULL) return new Uint8Array(0);
	const json = GoJson.parse(text);
	if (json.kind === "null") return new Uint8Array(0);
	if (json.kind === "string") return goBase64(json.string());
	if (json.kind !== "array") throw json.mismatch(type);
	return Uint8Array.from(json.items(), (item) => Number(bareInteger(item.text, "uint8")));
}

/** Bytes in hexadecimal (`HexBytes`). Escapes are not resolved. */
export function goHexBytes(text: string): Uint8Array {
	if (text === NULL) return new Uint8Array(0);
	if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) {
		throw new DecodeError(`invalid hex string: ${text}`);
	}
	return goHex(text.slice(1, -1));
}

export function goTime(text: string): TimeNs {
	if (!text.startsWith('"') || !text.endsWith('"') || text.length < 2) {
		throw new DecodeError(`JSON time must be an RFC3339 string, but got ${quoted(text)}`);
	}
	if (!text.endsWith('Z"')) throw new DecodeError(`JSON time must be UTC and end with 'Z', but got ${quoted(text)}`);
	return timeFromRfc3339(goString(text));
}

/** The items of an array; of null, none. */
export function goList(text: string, type: string): readonly GoJson[] {
	if (text === NULL) return [];
	const json = GoJson.parse(text);
	if (json.kind === "null") return [];
	if (json.kind !== "array") throw json.mismatch(type);
	return json.items();
}

/** Go's `%q`, as far as texts of requests need it: bytes that are no UTF-8 as such. */
function quoted(text: string): string {
	return JSON.stringify(text).replace(/\\\\|\\udc([89a-f][0-9a-f])/g, (match, byte: string | undefined) => {
		return byte === undefined ? match : `\\x${byte}`;
	});
}
