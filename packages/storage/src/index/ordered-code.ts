import { DecodeError } from "@cairn/kit";
import { textOfBytes, textToBytes } from "@cairn/types/proto";

/**
 * The order-preserving encoding of google/orderedcode in which CometBFT writes the keys of its block index: the bytes
 * of two encoded lists compare as the lists do.
 */
export type OrderedItem = string | bigint;

/** First bits of an encoded integer of n bytes: n ones and a zero. */
const LEADING_ONES = [0x00, 0x80, 0xc0, 0xe0, 0xf0, 0xf8, 0xfc, 0xfe] as const;

/** Strings and int64s one behind the other. */
export function encodeOrdered(...items: readonly OrderedItem[]): Uint8Array {
	const out: number[] = [];
	for (const item of items) {
		if (typeof item === "string") appendString(out, item);
		else appendInt64(out, item);
	}
	return Uint8Array.from(out);
}

/** 0x00 0x01 ends a string; 0x00 and 0xff inside it are escaped as 0x00 0xff and 0xff 0x00. */
function appendString(out: number[], text: string): void {
	for (const byte of textToBytes(text)) {
		out.push(byte);
		if (byte === 0x00) out.push(0xff);
		else if (byte === 0xff) out.push(0x00);
	}
	out.push(0x00, 0x01);
}

/** As many leading one bits as there are bytes, a zero bit, the number big-endian; negative numbers inverted. */
function appendInt64(out: number[], value: bigint): void {
	if (value >= -64n && value < 64n) {
		out.push(Number(value & 0xffn) ^ 0x80);
		return;
	}
	const negative = value < 0n;
	const bytes: number[] = [];
	for (let rest = negative ? ~value : value; rest > 0n; rest >>= 8n) bytes.unshift(Number(rest & 0xffn));
	let ones = bytes.length + 1;
	const needsFullByte = ones > 7;
	if (needsFullByte) ones -= 7;
	// The length bits and the number's first bits share a byte where they fit.
	if ((bytes[0] as number) < 1 << (8 - ones)) ones--;
	else bytes.unshift(0);
	bytes[0] = (bytes[0] as number) | (LEADING_ONES[ones] ?? 0);
	if (needsFullByte) bytes.unshift(0xff);
	for (const byte of bytes) out.push(negative ? byte ^ 0xff : byte);
}

/** Reads items one after the other. Each method throws a DecodeError where another kind of item stands. */
export class OrderedReader {
	readonly #bytes: Uint8Array;
	#at: number;

	constructor(bytes: Uint8Array, at = 0) {
		this.#bytes = bytes;
		this.#at = at;
	}

	get isAtEnd(): boolean {
		return this.#at === this.#bytes.length;
	}

	/** Another reader at the same place. */
	fork(): OrderedReader {
		return new OrderedReader(this.#bytes, this.#at);
	}

	string(): string {
		const text: number[] = [];
		for (;;) {
			const byte = this.#next();
			if (byte !== 0x00 && byte !== 0xff) {
				text.push(byte);
				continue;
			}
			const mark = this.#next();
			if (byte === 0x00 && mark === 0x01) return textOfBytes(Uint8Array.from(text));
			if (mark !== (byte === 0x00 ? 0xff : 0x00)) throw corrupt();
			text.push(byte);
		}
	}

	int64(): bigint {
		const first = this.#next();
		if (first >= 0x40 && first < 0xc0) return BigInt.asIntN(8, BigInt(first ^ 0x80));
		const invert = first < 0x80 ? 0xff : 0x00;
		let byte = first ^ invert;
		let length = 0;
		if (byte === 0xff) {
			byte = this.#next() ^ invert;
			if (byte > 0xc0) throw corrupt();
			length = 7;
		}
		for (let mask = 0x80; (byte & mask) !== 0; mask >>= 1) {
			byte &= ~mask;
			length++;
		}
		let value = BigInt(byte);
		for (let i = 1; i < length; i++) value = (value << 8n) | BigInt(this.#next() ^ invert);
		value = BigInt.asIntN(64, value);
		return invert === 0 ? value : ~value;
	}

	#next(): number {
		const byte = this.#bytes[this.#at];
		if (byte === undefined) throw corrupt();
		this.#at++;
		return byte;
	}
}

function corrupt(): DecodeError {
	return new DecodeError("orderedcode: corrupt input");
}
