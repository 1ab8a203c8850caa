/**
 * Protobuf strings. Go strings may hold any bytes and gogoproto checks nothing, so neither do we; yet what was
 * decoded must encode to the same bytes. Bytes that are not UTF-8 are therefore kept as lone low surrogates U+DC80
 * to U+DCFF (the scheme of Python's PEP 383), which no valid UTF-8 can produce.
 */
const ESCAPE = 0xdc00;
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Length in bytes of the valid UTF-8 sequence at `at`, or 0. Ranges are those of the Unicode standard, table 3-7. */
function sequenceLength(bytes: Uint8Array, at: number): number {
	const lead = bytes[at] as number;
	if (lead < 0x80) return 1;
	const next = bytes[at + 1] ?? 0;
	if (lead >= 0xc2 && lead <= 0xdf) return isTail(next) ? 2 : 0;
	if (lead >= 0xe0 && lead <= 0xef) {
		const low = lead === 0xe0 ? 0xa0 : 0x80;
		const high = lead === 0xed ? 0x9f : 0xbf;
		return next >= low && next <= high && isTail(bytes[at + 2]) ? 3 : 0;
	}
	if (lead >= 0xf0 && lead <= 0xf4) {
		const low = lead === 0xf0 ? 0x90 : 0x80;
		const high = lead === 0xf4 ? 0x8f : 0xbf;
		return next >= low && next <= high && isTail(bytes[at + 2]) && isTail(bytes[at + 3]) ? 4 : 0;
	}
	return 0;
}

function isTail(byte: number | undefined): boolean {
	return byte !== undefined && (byte & 0xc0) === 0x80;
}

function decodeEscaping(bytes: Uint8Array): string {
	let text = "";
	let start = 0;
	let at = 0;
	while (at < bytes.length) {
		const length = sequenceLength(bytes, at);
		if (length > 0) {
			at += length;
			continue;
		}
		text += strictDecoder.decode(bytes.subarray(start, at)) + String.fromCharCode(ESCAPE + (bytes[at] as number));
		at += 1;
		start = at;
	}
	return text + strictDecoder.decode(bytes.subarray(start));
}

/** Text of any bytes; never throws. Invalid bytes are escaped so that `textToBytes` gives them back. */
export function textOfBytes(bytes: Uint8Array): string {
	try {
		return strictDecoder.decode(bytes);
	} catch {
		return decodeEscaping(bytes);
	}
}

/** Bytes of a text: UTF-8, with escaped bytes turned back. Other lone surrogates become U+FFFD. */
export function textToBytes(text: string): Uint8Array {
	if (!/[\udc80-\udcff]/u.test(text)) return encoder.encode(text);
	const parts: number[] = [];
	for (const character of text) {
		const code = character.codePointAt(0) ?? 0;
		if (code >= ESCAPE + 0x80 && code <= ESCAPE + 0xff) parts.push(code - ESCAPE);
		else for (const byte of encoder.encode(character)) parts.push(byte);
	}
	return Uint8Array.from(parts);
}
