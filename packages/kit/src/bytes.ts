import { DecodeError } from "./errors.ts";

const HEX_LOWER = "0123456789abcdef";
const byteToHex: readonly string[] = Array.from(
	{ length: 256 },
	(_, byte) => HEX_LOWER.charAt(byte >> 4) + HEX_LOWER.charAt(byte & 15),
);
const byteToUpperHex: readonly string[] = byteToHex.map((pair) => pair.toUpperCase());

export const EMPTY_BYTES: Uint8Array = new Uint8Array(0);

/** True if both hold the same bytes. Not constant time: never use it on secrets. */
export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
	if (a.length !== b.length) return false;
	for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
	return true;
}

/** Lexicographic order, as Go's `bytes.Compare`: negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
	const shared = Math.min(a.length, b.length);
	for (let i = 0; i < shared; i++) {
		const difference = (a[i] as number) - (b[i] as number);
		if (difference !== 0) return difference;
	}
	return a.length - b.length;
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
	let length = 0;
	for (const part of parts) length += part.length;
	const joined = new Uint8Array(length);
	let offset = 0;
	for (const part of parts) {
		joined.set(part, offset);
		offset += part.length;
	}
	return joined;
}

/** Lower-case hex without a prefix. */
export function toHex(bytes: Uint8Array): string {
	let text = "";
	for (const byte of bytes) text += byteToHex[byte];
	return text;
}

/** Upper-case hex, the form CometBFT prints hashes and addresses in. */
export function toUpperHex(bytes: Uint8Array): string {
	let text = "";
	for (const byte of bytes) text += byteToUpperHex[byte];
	return text;
}

/** Reads hex of either case, without a prefix. @throws DecodeError on an odd length or another character. */
export function fromHex(text: string): Uint8Array {
	if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text))
		throw new DecodeError("not hexadecimal", { text: text.slice(0, 80) });
	const bytes = new Uint8Array(text.length / 2);
	for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
	return bytes;
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Standard base64 with padding. */
export function toBase64(bytes: Uint8Array): string {
	let text = "";
	for (let i = 0; i < bytes.length; i += 3) {
		const a = bytes[i] as number;
		const b = bytes[i + 1];
		const c = bytes[i + 2];
		text += BASE64.charAt(a >> 2) + BASE64.charAt(((a & 3) << 4) | ((b ?? 0) >> 4));
		text += b === undefined ? "=" : BASE64.charAt(((b & 15) << 2) | ((c ?? 0) >> 6));
		text += c === undefined ? "=" : BASE64.charAt(c & 63);
	}
	return text;
}

/** Strict standard base64 (padding required), as Go's `base64.StdEncoding`. @throws DecodeError */
export function fromBase64(text: string): Uint8Array {
	if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text))
		throw new DecodeError("not base64", { text: text.slice(0, 80) });
	const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
	const bytes = new Uint8Array((text.length / 4) * 3 - padding);
	let offset = 0;
	for (let i = 0; i < text.length; i += 4) {
		let word = 0;
		for (let k = 0; k < 4; k++) word = (word << 6) | Math.max(0, BASE64.indexOf(text.charAt(i + k)));
		if (offset < bytes.length) bytes[offset++] = (word >> 16) & 255;
		if (offset < bytes.length) bytes[offset++] = (word >> 8) & 255;
		if (offset < bytes.length) bytes[offset++] = word & 255;
	}
	return bytes;
}

/** UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array {
	return new TextEncoder().encode(text);
}

/** Text of UTF-8 bytes; malformed sequences become U+FFFD. */
export function fromUtf8(bytes: Uint8Array): string {
	return new TextDecoder().decode(bytes);
}
