import { DecodeError } from "@cairn/kit";
import {
	type DurationNs,
	END_TIMESTAMP_SECONDS,
	int64Of,
	MIN_TIMESTAMP_SECONDS,
	NANOS_PER_SECOND,
	NANOS_PER_SECOND_BIG,
	NO_BYTES,
	type TimeNs,
	uint64Of,
} from "./scalars.ts";
import { textOfBytes } from "./text.ts";

const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_LENGTH = 2;
const WIRE_GROUP_START = 3;
const WIRE_GROUP_END = 4;
const WIRE_FIXED32 = 5;

/** Up to this many bytes, text is built character by character: cheaper than a call into the decoder. */
const SHORT_TEXT = 32;

/** Protobuf's bound on a duration: 10 000 years of 365.25 days. */
const MAX_DURATION_SECONDS = 315576000000;
/** Largest count of whole seconds whose nanoseconds fit an int64. */
const MAX_INT64_SECONDS = 9223372036;

/**
 * A cursor over bytes in protobuf wire format. It accepts and refuses what gogoproto's generated code accepts and
 * refuses: varints have at most 10 bytes and lose their bits above 64, tags lose theirs above 35, and every length
 * is checked.
 *
 * A value may be read across the end of the message that it stands in, never across the end of the buffer: the
 * message's read function calls `finish`, which refuses that.
 */
export class Reader {
	readonly bytes: Uint8Array;
	/** Offset of the next byte. */
	pos: number;
	readonly #limit: number;
	/** Halves of the last 64-bit varint, as unsigned 32-bit numbers. */
	#low = 0;
	#high = 0;

	constructor(bytes: Uint8Array) {
		this.bytes = bytes;
		this.pos = 0;
		this.#limit = bytes.length;
	}

	#next(): number {
		if (this.pos >= this.#limit) throw new DecodeError("truncated message", { offset: this.pos });
		return this.bytes[this.pos++] as number;
	}

	/** Reads the rest of a varint after its first byte, into `#low` and `#high`. */
	#longVarint(first: number): void {
		let low = first & 0x7f;
		let high = 0;
		for (let shift = 7; shift < 70; shift += 7) {
			const byte = this.#next();
			const bits = byte & 0x7f;
			if (shift < 28) low |= bits << shift;
			else if (shift === 28) {
				low |= bits << 28;
				high = bits >>> 4;
			} else if (shift < 64) high |= bits << (shift - 32);
			if (byte < 0x80) {
				this.#low = low >>> 0;
				this.#high = high >>> 0;
				return;
			}
		}
		throw new DecodeError("varint of more than 10 bytes", { offset: this.pos });
	}

	/** The low 32 bits of a varint, as a signed number. */
	int32(): number {
		const first = this.#next();
		if (first < 0x80) return first;
		this.#longVarint(first);
		return this.#low | 0;
	}

	/** The low 32 bits of a varint, as an unsigned number. */
	uint32(): number {
		const first = this.#next();
		if (first < 0x80) return first;
		this.#longVarint(first);
		return this.#low;
	}

	bool(): boolean {
		const first = this.#next();
		if (first < 0x80) return first !== 0;
		this.#longVarint(first);
		return this.#low !== 0 || this.#high !== 0;
	}

	int64(): bigint {
		const first = this.#next();
		if (first < 0x80) return BigInt(first);
		this.#longVarint(first);
		return int64Of(this.#low, this.#high);
	}

	uint64(): bigint {
		const first = this.#next();
		if (first < 0x80) return BigInt(first);
		this.#longVarint(first);
		return uint64Of(this.#low, this.#high);
	}

	/** Eight bytes, least significant first, as a signed integer. */
	sfixed64(): bigint {
		if (this.pos + 8 > this.#limit) throw new DecodeError("truncated message", { offset: this.pos });
		const bytes = this.bytes;
		const at = this.pos;
		this.pos = at + 8;
		return int64Of(littleEndian32(bytes, at), littleEndian32(bytes, at + 4));
	}

	/** Field number times 8 plus wire type. @throws DecodeError on field number 0 or below, or the end of a group */
	tag(): number {
		const first = this.#next();
		let tag = first;
		if (first >= 0x80) {
			this.#longVarint(first);
			const field = (this.#low >>> 3) | (this.#high << 29) | 0;
			tag = field * 8 + (this.#low & 7);
		}
		if (tag < 8) throw new DecodeError("illegal field number", { offset: this.pos });
		if ((tag & 7) === WIRE_GROUP_END) throw new DecodeError("end of a group outside a group", { offset: this.pos });
		return tag;
	}

	/** Reads a length and gives the offset where what it measures ends. @throws DecodeError when that is beyond `end` */
	lengthEnd(end: number): number {
		const first = this.#next();
		let length = first;
		if (first >= 0x80) {
			this.#longVarint(first);
			if (this.#high !== 0) throw new DecodeError("length out of range", { offset: this.pos });
			length = this.#low;
		}
		const stop = this.pos + length;
		if (stop > end) throw new DecodeError("length beyond the end of the message", { offset: this.pos, length });
		return stop;
	}

	/** A view of the input, not a copy: it changes when the input's buffer is reused. Never a `Buffer`. */
	view(end: number): Uint8Array {
		const stop = this.lengthEnd(end);
		const start = this.pos;
		if (stop === start) return NO_BYTES;
		this.pos = stop;
		const bytes = this.bytes;
		return new Uint8Array(bytes.buffer, bytes.byteOffset + start, stop - start);
	}

	text(end: number): string {
		const stop = this.lengthEnd(end);
		const start = this.pos;
		this.pos = stop;
		const bytes = this.bytes;
		if (stop - start > SHORT_TEXT) return textOfBytes(bytes.subarray(start, stop));
		let text = "";
		for (let at = start; at < stop; at++) {
			const byte = bytes[at] as number;
			if (byte >= 0x80) return textOfBytes(bytes.subarray(start, stop));
			text += String.fromCharCode(byte);
		}
		return text;
	}

	/** A google.protobuf.Timestamp. @throws DecodeError outside years 1 to 9999 or nanoseconds outside 0 to 999999999 */
	timestamp(end: number): TimeNs {
		const stop = this.lengthEnd(end);
		this.#secondsAndNanos(stop);
		const seconds = this.#high;
		const nanos = this.#low;
		if (seconds < MIN_TIMESTAMP_SECONDS || seconds >= END_TIMESTAMP_SECONDS)
			throw new DecodeError("timestamp outside years 1 to 9999", { seconds });
		if (nanos < 0 || nanos >= NANOS_PER_SECOND)
			throw new DecodeError("nanoseconds of a timestamp out of range", { nanos });
		if (seconds < 0 || seconds > MAX_INT64_SECONDS - 1) return BigInt(seconds) * NANOS_PER_SECOND_BIG + BigInt(nanos);
		// seconds * 10^9 + nanos in two halves, each step exact in a double.
		const upper = Math.floor(seconds / 65536) * NANOS_PER_SECOND;
		const lower = (upper % 65536) * 65536 + (seconds % 65536) * NANOS_PER_SECOND + nanos;
		return int64Of(lower % 4294967296, Math.floor(upper / 65536) + Math.floor(lower / 4294967296));
	}

	/** A google.protobuf.Duration. @throws DecodeError when it does not fit int64 nanoseconds or its signs differ */
	duration(end: number): DurationNs {
		const stop = this.lengthEnd(end);
		this.#secondsAndNanos(stop);
		const seconds = this.#high;
		const nanos = this.#low;
		if (seconds < -MAX_DURATION_SECONDS || seconds > MAX_DURATION_SECONDS)
			throw new DecodeError("duration out of range", { seconds });
		if (
			nanos <= -NANOS_PER_SECOND ||
			nanos >= NANOS_PER_SECOND ||
			(seconds < 0 && nanos > 0) ||
			(seconds > 0 && nanos < 0)
		)
			throw new DecodeError("nanoseconds of a duration out of range", { seconds, nanos });
		const total = BigInt(seconds) * NANOS_PER_SECOND_BIG + BigInt(nanos);
		if (BigInt.asIntN(64, total) !== total) throw new DecodeError("duration does not fit 64 bits", { seconds, nanos });
		return total;
	}

	/** Leaves seconds in `#high` (out of double precision only where far out of any range) and nanoseconds in `#low`. */
	#secondsAndNanos(stop: number): void {
		let seconds = 0;
		let nanos = 0;
		while (this.pos < stop) {
			const tag = this.tag();
			if (tag === 8) {
				const first = this.#next();
				if (first < 0x80) seconds = first;
				else {
					this.#longVarint(first);
					seconds = (this.#high | 0) * 4294967296 + this.#low;
				}
			} else if (tag === 16) nanos = this.int32();
			else this.unknown(tag, stop, 6);
		}
		this.finish(stop);
		this.#high = seconds;
		this.#low = nanos;
	}

	/**
	 * Skips the value of a field that the message does not know. `known` has bit n set for every known field n: those
	 * came with the wrong wire type. @throws DecodeError
	 */
	unknown(tag: number, end: number, known: number): void {
		const field = Math.floor(tag / 8);
		if (field < 32 && ((known >>> field) & 1) === 1)
			throw new DecodeError("wrong wire type", { field, wireType: tag & 7, offset: this.pos });
		const wireType = tag & 7;
		if (wireType !== WIRE_GROUP_START) this.#skipValue(wireType, end);
		else {
			let depth = 1;
			while (depth > 0) {
				if (this.pos >= end) throw new DecodeError("truncated group", { offset: this.pos });
				const inner = this.uint32() & 7;
				if (inner === WIRE_GROUP_START) depth++;
				else if (inner === WIRE_GROUP_END) depth--;
				else this.#skipValue(inner, end);
			}
		}
		if (this.pos > end) throw new DecodeError("truncated message", { offset: this.pos });
	}

	#skipValue(wireType: number, end: number): void {
		if (wireType === WIRE_VARINT) this.uint32();
		else if (wireType === WIRE_FIXED64) this.pos += 8;
		else if (wireType === WIRE_LENGTH) this.pos = this.lengthEnd(end);
		else if (wireType === WIRE_FIXED32) this.pos += 4;
		else throw new DecodeError("illegal wire type", { wireType, offset: this.pos });
	}

	/** Checks that a message ended where its length said. @throws DecodeError */
	finish(end: number): void {
		if (this.pos !== end) throw new DecodeError("value beyond the end of its message", { offset: this.pos, end });
	}
}

function littleEndian32(bytes: Uint8Array, at: number): number {
	return (
		((bytes[at] as number) |
			((bytes[at + 1] as number) << 8) |
			((bytes[at + 2] as number) << 16) |
			((bytes[at + 3] as number) << 24)) >>>
		0
	);
}
