import { DecodeError } from "@cairn/kit";
import { decimalToFixed, doubleToFixed } from "./fixed-point.ts";

/** Major types of RFC 8949 §3.1. */
const UNSIGNED = 0;
const NEGATIVE = 1;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const TAG = 6;
const SIMPLE = 7;

/** Tag of a decimal fraction, [exponent, mantissa] (RFC 8949 §3.4.4). */
const DECIMAL_FRACTION = 4;

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);
const strictText = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads CBOR strictly, item by item: definite lengths, shortest heads (RFC 8949 §4.2.1), valid UTF-8, integers that
 * are safe. What it hands out are views of the input. Every failure is a DecodeError; work is linear in the input.
 */
export class CborReader {
	readonly #bytes: Uint8Array;
	readonly #view: DataView;
	#at = 0;

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
		this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	}

	/** Offset of the next item. */
	get position(): number {
		return this.#at;
	}

	/** An unsigned integer up to 2^53−1. */
	uint(): number {
		const { major, value } = this.#head();
		if (major !== UNSIGNED) throw this.#unexpected("an unsigned integer", major);
		return this.#safe(value);
	}

	/** An integer of either sign within ±(2^53−1). */
	int(): number {
		const { major, value } = this.#head();
		if (major !== UNSIGNED && major !== NEGATIVE) throw this.#unexpected("an integer", major);
		const magnitude = this.#safe(value);
		return major === UNSIGNED ? magnitude : this.#safe(-1 - magnitude);
	}

	/** A byte string of at most `max` bytes, as a view. */
	bytes(max: number): Uint8Array {
		const { major, value } = this.#head();
		if (major !== BYTES) throw this.#unexpected("a byte string", major);
		return this.#take(this.#safe(value), max);
	}

	/** A text of at most `max` bytes of UTF-8. */
	text(max: number): string {
		const { major, value } = this.#head();
		if (major !== TEXT) throw this.#unexpected("a text", major);
		const bytes = this.#take(this.#safe(value), max);
		try {
			return strictText.decode(bytes);
		} catch {
			throw new DecodeError(`CBOR: the text before offset ${this.#at} is not UTF-8`);
		}
	}

	/** Opens an array and says how many items follow. */
	array(max: number): number {
		const { major, value } = this.#head();
		if (major !== ARRAY) throw this.#unexpected("an array", major);
		return this.#count(value, max);
	}

	/** Opens a map and says how many pairs follow. */
	map(max: number): number {
		const { major, value } = this.#head();
		if (major !== MAP) throw this.#unexpected("a map", major);
		return this.#count(value, max);
	}

	/** A tag number. */
	tag(): number {
		const { major, value } = this.#head();
		if (major !== TAG) throw this.#unexpected("a tag", major);
		return this.#safe(value);
	}

	/**
	 * A number of any kind that CBOR has for one (integer, half, single, double, decimal fraction) in units of
	 * 10^-digits, rounded half to even: the same on every machine.
	 */
	fixed(digits: number): bigint {
		const first = this.#bytes[this.#at] ?? 0;
		if (first >> 5 === SIMPLE) return doubleToFixed(this.#float(), digits);
		if (first >> 5 !== TAG) return decimalToFixed(BigInt(this.int()), 0, digits);
		if (this.tag() !== DECIMAL_FRACTION) throw new DecodeError("CBOR: expected a number, found another tag");
		if (this.array(2) !== 2) throw new DecodeError("CBOR: a decimal fraction has two parts");
		const exponent = this.int();
		return decimalToFixed(BigInt(this.int()), exponent, digits);
	}

	/** Nothing may follow. */
	end(): void {
		if (this.#at !== this.#bytes.length) {
			throw new DecodeError(`CBOR: ${this.#bytes.length - this.#at} bytes follow the end`);
		}
	}

	#float(): number {
		const info = (this.#bytes[this.#at] as number) & 31;
		const size = info === 25 ? 2 : info === 26 ? 4 : info === 27 ? 8 : 0;
		if (size === 0) throw new DecodeError(`CBOR: no number at offset ${this.#at}`);
		if (this.#at + 1 + size > this.#bytes.length) throw this.#cut();
		const at = this.#at + 1;
		this.#at = at + size;
		if (size === 4) return this.#view.getFloat32(at);
		return size === 8 ? this.#view.getFloat64(at) : halfToDouble(this.#view.getUint16(at));
	}

	#head(): { major: number; value: number | bigint } {
		const first = this.#bytes[this.#at];
		if (first === undefined) throw this.#cut();
		const major = first >> 5;
		const info = first & 31;
		if (info < 24) {
			this.#at += 1;
			return { major, value: info };
		}
		if (info > 27) throw new DecodeError(`CBOR: indefinite or reserved length at offset ${this.#at}`);
		const size = 1 << (info - 24);
		if (this.#at + 1 + size > this.#bytes.length) throw this.#cut();
		const value = this.#argument(this.#at + 1, size);
		const shortest = size === 1 ? 24 : 2 ** (4 * size);
		if (value < shortest) throw new DecodeError(`CBOR: not the shortest form at offset ${this.#at}`);
		this.#at += 1 + size;
		return { major, value };
	}

	#argument(at: number, size: number): number | bigint {
		if (size === 1) return this.#view.getUint8(at);
		if (size === 2) return this.#view.getUint16(at);
		return size === 4 ? this.#view.getUint32(at) : this.#view.getBigUint64(at);
	}

	#safe(value: number | bigint): number {
		if (typeof value === "bigint" ? value > MAX_SAFE : !Number.isSafeInteger(value)) {
			throw new DecodeError(`CBOR: an integer before offset ${this.#at} is too large`);
		}
		return Number(value);
	}

	#count(value: number | bigint, max: number): number {
		const count = this.#safe(value);
		if (count > max) throw new DecodeError(`CBOR: ${count} items, at most ${max} allowed`);
		return count;
	}

	#take(length: number, max: number): Uint8Array {
		if (length > max) throw new DecodeError(`CBOR: a string of ${length} bytes, at most ${max} allowed`);
		if (length > this.#bytes.length - this.#at) throw this.#cut();
		const taken = this.#bytes.subarray(this.#at, this.#at + length);
		this.#at += length;
		return taken;
	}

	#cut(): DecodeError {
		return new DecodeError(`CBOR: ends inside an item at offset ${this.#at}`);
	}

	#unexpected(wanted: string, major: number): DecodeError {
		return new DecodeError(`CBOR: expected ${wanted} before offset ${this.#at}, found major type ${major}`);
	}
}

/** IEEE 754 half precision (RFC 8949 appendix D). */
function halfToDouble(half: number): number {
	const exponent = (half >> 10) & 31;
	const mantissa = half & 1023;
	const sign = half & 0x8000 ? -1 : 1;
	if (exponent === 0) return sign * mantissa * 2 ** -24;
	if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
	return sign * (mantissa + 1024) * 2 ** (exponent - 25);
}

/** Writes CBOR in its deterministic form (RFC 8949 §4.2.1); the caller gives map keys in order. */
export class CborWriter {
	#bytes = new Uint8Array(256);
	#view = new DataView(this.#bytes.buffer);
	#length = 0;

	uint(value: number): this {
		return this.#head(UNSIGNED, value);
	}

	int(value: number): this {
		return value < 0 ? this.#head(NEGATIVE, -1 - value) : this.#head(UNSIGNED, value);
	}

	bytes(value: Uint8Array): this {
		this.#head(BYTES, value.length);
		return this.raw(value);
	}

	text(value: string): this {
		const bytes = new TextEncoder().encode(value);
		this.#head(TEXT, bytes.length);
		return this.raw(bytes);
	}

	array(length: number): this {
		return this.#head(ARRAY, length);
	}

	map(pairs: number): this {
		return this.#head(MAP, pairs);
	}

	tag(number: number): this {
		return this.#head(TAG, number);
	}

	/** `value` in units of 10^-digits: an integer where it is whole, else a decimal fraction without trailing zeroes. */
	fixed(value: bigint, digits: number): this {
		let mantissa = value;
		let exponent = -digits;
		while (exponent < 0 && mantissa % 10n === 0n) {
			mantissa /= 10n;
			exponent += 1;
		}
		if (exponent < 0) this.tag(DECIMAL_FRACTION).array(2).int(exponent);
		return this.int(Number(mantissa));
	}

	/** Bytes that are CBOR already. */
	raw(bytes: Uint8Array): this {
		this.#reserve(bytes.length);
		this.#bytes.set(bytes, this.#length);
		this.#length += bytes.length;
		return this;
	}

	/** What was written, as an array of its own. */
	finish(): Uint8Array {
		return this.#bytes.slice(0, this.#length);
	}

	#head(major: number, value: number): this {
		if (!Number.isSafeInteger(value) || value < 0) throw new DecodeError(`CBOR: ${value} is not a safe integer`);
		this.#reserve(9);
		const view = this.#view;
		const at = this.#length;
		const size = value < 24 ? 0 : value < 256 ? 1 : value < 65_536 ? 2 : value < 2 ** 32 ? 4 : 8;
		view.setUint8(at, (major << 5) | (size === 0 ? value : 24 + Math.log2(size)));
		if (size === 1) view.setUint8(at + 1, value);
		else if (size === 2) view.setUint16(at + 1, value);
		else if (size === 4) view.setUint32(at + 1, value);
		else if (size === 8) view.setBigUint64(at + 1, BigInt(value));
		this.#length += 1 + size;
		return this;
	}

	#reserve(more: number): void {
		if (this.#length + more <= this.#bytes.length) return;
		const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + more));
		larger.set(this.#bytes.subarray(0, this.#length));
		this.#bytes = larger;
		this.#view = new DataView(larger.buffer);
	}
}
