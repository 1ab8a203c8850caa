import { DecodeError } from "@cairn/kit";

const CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const CHECKSUM_LENGTH = 6;

function polymod(values: readonly number[]): number {
	let checksum = 1;
	for (const value of values) {
		const top = checksum >>> 25;
		checksum = ((checksum & 0x1ffffff) << 5) ^ value;
		for (const [bit, word] of GENERATOR.entries()) if ((top >> bit) & 1) checksum ^= word;
	}
	return checksum;
}

function expandPrefix(prefix: string): number[] {
	const codes = [...prefix].map((character) => character.charCodeAt(0));
	return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
}

/** Regroups bits; undefined where the padding is not allowed. */
function convertBits(data: Iterable<number>, from: number, to: number, pad: boolean): number[] | undefined {
	let held = 0;
	let bits = 0;
	const out: number[] = [];
	for (const value of data) {
		held = ((held << from) | value) & 0xffff;
		bits += from;
		for (; bits >= to; bits -= to) out.push((held >> (bits - to)) & ((1 << to) - 1));
	}
	const rest = (held << (to - bits)) & ((1 << to) - 1);
	if (pad) return bits > 0 ? [...out, rest] : out;
	return bits >= from || rest !== 0 ? undefined : out;
}

/** Bech32 of BIP-173 (not bech32m), as Cosmos addresses use it. */
export function encodeBech32(prefix: string, bytes: Uint8Array): string {
	const data = convertBits(bytes, 8, 5, true) ?? [];
	const checksum = polymod([...expandPrefix(prefix), ...data, 0, 0, 0, 0, 0, 0]) ^ 1;
	const tail = Array.from({ length: CHECKSUM_LENGTH }, (_, i) => (checksum >> (5 * (5 - i))) & 31);
	return `${prefix}1${[...data, ...tail].map((value) => CHARSET.charAt(value)).join("")}`;
}

/** Reads bech32 of at most 90 characters, in one case. @throws DecodeError */
export function decodeBech32(text: string): { prefix: string; bytes: Uint8Array } {
	const wrong = (what: string): DecodeError => new DecodeError(`bech32: ${what}`, { text: text.slice(0, 100) });
	if (text.length > 90 || text.length < 8) throw wrong("wrong length");
	if (/[^\x21-\x7e]/.test(text)) throw wrong("a character is not allowed");
	const lower = text.toLowerCase();
	if (lower !== text && text.toUpperCase() !== text) throw wrong("mixes cases");
	const separator = lower.lastIndexOf("1");
	if (separator < 1 || separator + 1 + CHECKSUM_LENGTH > lower.length) throw wrong("has no prefix, or is cut short");
	const prefix = lower.slice(0, separator);
	const data = [...lower.slice(separator + 1)].map((character) => CHARSET.indexOf(character));
	if (data.includes(-1)) throw wrong("a character is not allowed");
	if (polymod([...expandPrefix(prefix), ...data]) !== 1) throw wrong("the checksum does not match: mistyped?");
	const bytes = convertBits(data.slice(0, -CHECKSUM_LENGTH), 5, 8, false);
	if (bytes === undefined) throw wrong("wrong padding");
	return { prefix, bytes: Uint8Array.from(bytes) };
}
