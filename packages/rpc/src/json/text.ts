import { type Flavor, toUpperHex } from "@cairn/kit";
import { type TimeNs, timeToRfc3339 } from "@cairn/types";

/** JSON as text, complete and valid. Encoders put it together from such pieces in the order of Go's structs. */
export type Json = Flavor<string, "JSON">;

/** What Go's encoder escapes beyond JSON's own rules, so that answers are harmless inside HTML. */
const HARMFUL_IN_HTML = /[<>&\u2028\u2029]/g;

/** A text as Go's `encoding/json` writes it. */
export function jsonString(text: string): Json {
	const quoted = JSON.stringify(text);
	const valid = quoted.includes("\\ud") ? withoutSurrogates(quoted) : quoted;
	return valid.search(HARMFUL_IN_HTML) < 0 ? valid : escapeHtml(valid);
}

/** Bytes that were no UTF-8 stand in our texts as lone surrogates; Go shows each as U+FFFD. */
function withoutSurrogates(quoted: string): string {
	return quoted.replace(/\\\\|\\ud[89a-f][0-9a-f]{2}/g, (match) => (match === "\\\\" ? match : "\\ufffd"));
}

/** Applies Go's escapes for HTML to JSON: those characters occur only inside texts. */
export function escapeHtml(json: string): string {
	return json.replace(HARMFUL_IN_HTML, (character) => {
		return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
	});
}

/** A 64-bit integer: in quotes, so that no reader rounds it. */
export function jsonInt64(value: bigint | number): Json {
	return `"${value}"`;
}

/** A hash or an address: upper-case hexadecimal (Go's `HexBytes`); empty for none. */
export function jsonHex(bytes: Uint8Array): Json {
	return `"${toUpperHex(bytes)}"`;
}

/** Base64 of bytes that are there, even if none. */
export function jsonBase64(bytes: Uint8Array): Json {
	return `"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64")}"`;
}

/** Base64, or null where there are no bytes (a nil slice in Go). */
export function jsonBytes(bytes: Uint8Array): Json {
	return bytes.length === 0 ? "null" : jsonBase64(bytes);
}

export function jsonTime(time: TimeNs): Json {
	return `"${timeToRfc3339(time)}"`;
}

export function jsonList<T>(items: readonly T[], encode: (item: T) => Json): Json {
	return `[${items.map(encode).join(",")}]`;
}

/** As `jsonList`, but null for an empty list (a nil slice in Go). */
export function jsonListOrNull<T>(items: readonly T[], encode: (item: T) => Json): Json {
	return items.length === 0 ? "null" : jsonList(items, encode);
}

export function jsonOrNull<T>(value: T | null, encode: (value: T) => Json): Json {
	return value === null ? "null" : encode(value);
}

/** An object of the members that are given; `undefined` ones are left out (Go's `omitempty`). */
export function jsonObject(members: Readonly<Record<string, Json | undefined>>): Json {
	const pairs: string[] = [];
	for (const name of Object.keys(members)) {
		const value = members[name];
		if (value !== undefined) pairs.push(`"${name}":${value}`);
	}
	return `{${pairs.join(",")}}`;
}

/** A value of a type that Go knows by name (`libs/json` RegisterType). */
export function jsonTyped(type: string, value: Json): Json {
	return `{"type":"${type}","value":${value}}`;
}

/** JSON of foreign origin without space between its tokens, escaped for HTML (Go's `json.Compact` with escapes). */
export function compactJson(json: string): Json {
	// Texts are passed in runs: matched character by character, a long one would exhaust the stack of the matcher.
	const tokens = /("[^"\\]*(?:\\.[^"\\]*)*")|[ \t\r\n]+/g;
	return escapeHtml(json.replace(tokens, (_, text: string | undefined) => text ?? ""));
}
