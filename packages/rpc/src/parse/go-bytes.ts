import { DecodeError } from "@cairn/kit";
import { textToBytes } from "@cairn/types/proto";

/** Base64 that needs no second look. */
export const STRICT_BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const ALPHABET = /[A-Za-z0-9+/]/;

/** Bytes of standard base64 as Go's `base64.StdEncoding` reads it: line breaks are skipped. @throws DecodeError with Go's words */
export function goBase64(text: string): Uint8Array {
	if (STRICT_BASE64.test(text)) return own(Buffer.from(text, "base64"));
	const fault = base64Fault(text);
	if (fault !== undefined) throw new DecodeError(`illegal base64 data at input byte ${fault}`);
	return own(Buffer.from(text.replace(/[\r\n]/g, ""), "base64"));
}

/** Bytes that share memory with nothing: a Buffer may be a window on a pool, and its `slice` does not copy. */
function own(buffer: Buffer): Uint8Array {
	return new Uint8Array(buffer);
}

/** Offset of the first byte that Go does not take; undefined where it takes all. */
function base64Fault(text: string): number | undefined {
	const bytes = Buffer.from(text, "utf8").toString("latin1");
	let digits = 0;
	for (let at = 0; at < bytes.length; at++) {
		const character = bytes.charAt(at);
		if (isLineBreak(character)) continue;
		if (ALPHABET.test(character)) digits++;
		else return character === "=" && digits % 4 >= 2 ? paddingFault(bytes, at, digits % 4) : at;
	}
	return digits % 4 === 0 ? undefined : bytes.length - (digits % 4);
}

function paddingFault(bytes: string, start: number, digits: number): number | undefined {
	let at = start + 1;
	if (digits === 2) {
		while (isLineBreak(bytes.charAt(at))) at++;
		if (at >= bytes.length) return bytes.length;
		if (bytes.charAt(at) !== "=") return at - 1;
		at++;
	}
	while (isLineBreak(bytes.charAt(at))) at++;
	return at < bytes.length ? at : undefined;
}

function isLineBreak(character: string): boolean {
	return character === "\n" || character === "\r";
}

/** Bytes of hexadecimal of either case. @throws DecodeError with Go's words */
export function goHex(text: string): Uint8Array {
	if (text.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(text)) return own(Buffer.from(text, "hex"));
	for (const byte of textToBytes(text)) {
		if (/[0-9a-fA-F]/.test(String.fromCharCode(byte))) continue;
		throw new DecodeError(`encoding/hex: invalid byte: ${describeByte(byte)}`);
	}
	throw new DecodeError("encoding/hex: odd length hex string");
}

/** Go's `%#U`: the number of a character and, if it can be shown, the character. */
function describeByte(byte: number): string {
	const code = `U+${byte.toString(16).toUpperCase().padStart(4, "0")}`;
	const printable = (byte >= 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
	return printable ? `${code} '${String.fromCharCode(byte)}'` : code;
}
