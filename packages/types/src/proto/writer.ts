import { InvariantError } from "@cairn/kit";
import {
	type DurationNs,
	END_TIMESTAMP_SECONDS,
	highWord,
	MAX_INT64,
	MAX_UINT64,
	MIN_INT64,
	MIN_TIMESTAMP_SECONDS,
	NANOS_PER_SECOND,
	NANOS_PER_SECOND_BIG,
	splitWord,
	type TimeNs,
	ZERO_TIME,
} from "./scalars.ts";
import { textToBytes } from "./text.ts";

/**
 * Outputs are cut from slabs of this size: allocating each for itself costs more than all of the encoding. An
 * output keeps its slab alive, so slabs are small.
 */
const SLAB = 16384;
/** Below this, a loop beats the call of `set`. */
const SHORT_BYTES = 40;
/** Longest varint plus longest tag. */
const SCALAR_ROOM = 20;

/**
 * Writes protobuf wire format from the back to the front: when the length of an embedded message is due, its bytes
 * are already there, so nothing is measured or moved. Fields must therefore be written in falling order of their
 * numbers, and the value of each before its tag. Tags are field number times 8 plus wire type.
 *
 * Values that do not fit their field are our own mistakes: InvariantError.
 */
export class Writer {
	#bytes: Uint8Array = new Uint8Array(SLAB);
	/** Offset of the byte written last. */
	#pos: number = SLAB;
	/** Offset where the output being written ends. */
	#end: number = SLAB;

	/** How many bytes have been written. Taken before an embedded message and given to `message` after it. */
	get size(): number {
		return this.#end - this.#pos;
	}

	/**
	 * What was written after `mark` (see `size`); the writer forgets it. The bytes never change any more, but they
	 * are a view of a buffer that they share with other outputs: never hand out their `.buffer`.
	 */
	take(mark: number): Uint8Array {
		const bytes = this.#bytes;
		const pos = this.#pos;
		const end = this.#end - mark;
		if (mark === 0 && bytes.length === SLAB) {
			this.#end = pos;
			return new Uint8Array(bytes.buffer, pos, end - pos);
		}
		const taken = bytes.slice(pos, end);
		this.#pos = end;
		if (mark === 0) {
			this.#bytes = new Uint8Array(SLAB);
			this.#pos = SLAB;
			this.#end = SLAB;
		}
		return taken;
	}

	/** Forgets what was written after `mark`: a failed encode must leave the shared writer as it was. */
	rewind(mark: number): void {
		this.#pos = this.#end - mark;
	}

	#reserve(room: number): void {
		if (this.#pos < room) this.#grow(room);
	}

	#grow(room: number): void {
		const written = this.#bytes.subarray(this.#pos, this.#end);
		const needed = written.length + room;
		const capacity = needed <= SLAB ? SLAB : needed * 2;
		this.#bytes = new Uint8Array(capacity);
		this.#bytes.set(written, capacity - written.length);
		this.#pos = capacity - written.length;
		this.#end = capacity;
	}

	/** Writes a varint of a non-negative safe integer. Room must have been reserved. */
	#varint(value: number): void {
		const bytes = this.#bytes;
		if (value < 0x80) {
			bytes[--this.#pos] = value;
			return;
		}
		if (value < 0x4000) {
			const pos = this.#pos - 2;
			bytes[pos] = (value & 0x7f) | 0x80;
			bytes[pos + 1] = value >> 7;
			this.#pos = pos;
			return;
		}
		let length = 3;
		for (let rest = Math.floor(value / 0x200000); rest > 0; rest = Math.floor(rest / 128)) length++;
		let pos = this.#pos - length;
		this.#pos = pos;
		let rest = value;
		while (rest > 0x7fffffff) {
			bytes[pos++] = (rest % 128) | 0x80;
			rest = Math.floor(rest / 128);
		}
		while (rest > 0x7f) {
			bytes[pos++] = (rest & 0x7f) | 0x80;
			rest >>>= 7;
		}
		bytes[pos] = rest;
	}

	/** Writes a ten-byte (or nine-byte) varint of a 64-bit pattern given as halves. Room must have been reserved. */
	#varint64(low: number, high: number): void {
		const length = high >= 0x80000000 ? 10 : 9;
		let pos = this.#pos - length;
		this.#pos = pos;
		const bytes = this.#bytes;
		bytes[pos++] = (low & 0x7f) | 0x80;
		bytes[pos++] = ((low >>> 7) & 0x7f) | 0x80;
		bytes[pos++] = ((low >>> 14) & 0x7f) | 0x80;
		bytes[pos++] = ((low >>> 21) & 0x7f) | 0x80;
		bytes[pos++] = (low >>> 28) | ((high << 4) & 0x7f) | 0x80;
		bytes[pos++] = ((high >>> 3) & 0x7f) | 0x80;
		bytes[pos++] = ((high >>> 10) & 0x7f) | 0x80;
		bytes[pos++] = ((high >>> 17) & 0x7f) | 0x80;
		bytes[pos++] = ((high >>> 24) & 0x7f) | (length === 10 ? 0x80 : 0);
		if (length === 10) bytes[pos] = 1;
	}

	#int64Value(value: bigint): void {
		if (value >= 0n && value <= 9007199254740991n) {
			this.#varint(Number(value));
			return;
		}
		const low = splitWord(value);
		const high = highWord();
		if (high >= 0x1000000) this.#varint64(low, high);
		else this.#varint64Short(low, high);
	}

	/** Between 2^53 and 2^56 a varint has only eight bytes. */
	#varint64Short(low: number, high: number): void {
		let pos = this.#pos - 8;
		this.#pos = pos;
		const bytes = this.#bytes;
		for (let shift = 0; shift < 28; shift += 7) bytes[pos++] = ((low >>> shift) & 0x7f) | 0x80;
		bytes[pos++] = (low >>> 28) | ((high << 4) & 0x7f) | 0x80;
		bytes[pos++] = ((high >>> 3) & 0x7f) | 0x80;
		bytes[pos++] = ((high >>> 10) & 0x7f) | 0x80;
		bytes[pos] = (high >>> 17) & 0x7f;
	}

	int32(tag: number, value: number): void {
		this.#reserve(SCALAR_ROOM);
		if ((value | 0) !== value) throw new InvariantError("not an int32", { value });
		if (value >= 0) this.#varint(value);
		else this.#varint64(value >>> 0, 0xffffffff);
		this.#varint(tag);
	}

	uint32(tag: number, value: number): void {
		this.#reserve(SCALAR_ROOM);
		if (value >>> 0 !== value) throw new InvariantError("not a uint32", { value });
		this.#varint(value);
		this.#varint(tag);
	}

	bool(tag: number, value: boolean): void {
		this.#reserve(SCALAR_ROOM);
		this.#bytes[--this.#pos] = value ? 1 : 0;
		this.#varint(tag);
	}

	int64(tag: number, value: bigint): void {
		this.#reserve(SCALAR_ROOM);
		if (value > MAX_INT64 || value < MIN_INT64) throw new InvariantError("not an int64", { value });
		this.#int64Value(value);
		this.#varint(tag);
	}

	uint64(tag: number, value: bigint): void {
		this.#reserve(SCALAR_ROOM);
		if (value > MAX_UINT64 || value < 0n) throw new InvariantError("not a uint64", { value });
		this.#int64Value(value);
		this.#varint(tag);
	}

	sfixed64(tag: number, value: bigint): void {
		this.#reserve(SCALAR_ROOM);
		if (value > MAX_INT64 || value < MIN_INT64) throw new InvariantError("not an int64", { value });
		const low = splitWord(value);
		const high = highWord();
		const bytes = this.#bytes;
		const pos = this.#pos - 8;
		this.#pos = pos;
		for (let i = 0; i < 4; i++) {
			bytes[pos + i] = (low >>> (8 * i)) & 0xff;
			bytes[pos + 4 + i] = (high >>> (8 * i)) & 0xff;
		}
		this.#varint(tag);
	}

	bytes(tag: number, value: Uint8Array): void {
		const length = value.length;
		this.#reserve(length + SCALAR_ROOM);
		const pos = this.#pos - length;
		const bytes = this.#bytes;
		if (length < SHORT_BYTES) for (let i = 0; i < length; i++) bytes[pos + i] = value[i] as number;
		else bytes.set(value, pos);
		this.#pos = pos;
		this.#varint(length);
		this.#varint(tag);
	}

	string(tag: number, value: string): void {
		const length = value.length;
		this.#reserve(length + SCALAR_ROOM);
		const pos = this.#pos - length;
		const bytes = this.#bytes;
		for (let i = 0; i < length; i++) {
			const code = value.charCodeAt(i);
			if (code >= 0x80) {
				this.bytes(tag, textToBytes(value));
				return;
			}
			bytes[pos + i] = code;
		}
		this.#pos = pos;
		this.#varint(length);
		this.#varint(tag);
	}

	/** Closes an embedded message (or packed field) begun when `size` was `mark`: writes its length and tag before it. */
	message(tag: number, mark: number): void {
		this.#reserve(SCALAR_ROOM);
		this.#varint(this.size - mark);
		this.#varint(tag);
	}

	/** One element of a packed field. */
	packedUint32(value: number): void {
		this.#reserve(SCALAR_ROOM);
		if (value >>> 0 !== value) throw new InvariantError("not a uint32", { value });
		this.#varint(value);
	}

	/** One element of a packed field. */
	packedUint64(value: bigint): void {
		this.#reserve(SCALAR_ROOM);
		if (value > MAX_UINT64 || value < 0n) throw new InvariantError("not a uint64", { value });
		this.#int64Value(value);
	}

	/** A google.protobuf.Timestamp, always written. */
	timestamp(tag: number, time: TimeNs): void {
		const mark = this.size;
		if (time === ZERO_TIME) this.int64(8, BigInt(MIN_TIMESTAMP_SECONDS));
		else if (time >= 0n && time <= MAX_INT64) {
			// Division without bigints: the quotient in doubles is off by one at most, the remainder exact modulo 2^32.
			const low = splitWord(time);
			let seconds = Math.floor((highWord() * 4294967296 + low) / NANOS_PER_SECOND);
			let nanos = (low - Math.imul(seconds, NANOS_PER_SECOND)) | 0;
			if (nanos < 0) {
				seconds -= 1;
				nanos += NANOS_PER_SECOND;
			} else if (nanos >= NANOS_PER_SECOND) {
				seconds += 1;
				nanos -= NANOS_PER_SECOND;
			}
			this.#secondsAndNanos(seconds, nanos);
		} else this.#distantTimestamp(time);
		this.message(tag, mark);
	}

	/** Before 1970 or after 2262. */
	#distantTimestamp(time: TimeNs): void {
		const nanos = ((time % NANOS_PER_SECOND_BIG) + NANOS_PER_SECOND_BIG) % NANOS_PER_SECOND_BIG;
		const seconds = Number((time - nanos) / NANOS_PER_SECOND_BIG);
		if (seconds < MIN_TIMESTAMP_SECONDS || seconds >= END_TIMESTAMP_SECONDS)
			throw new InvariantError("time outside years 1 to 9999", { time });
		this.#secondsAndNanos(seconds, Number(nanos));
	}

	/** A google.protobuf.Duration, always written; seconds and nanoseconds carry the same sign. */
	duration(tag: number, span: DurationNs): void {
		const mark = this.size;
		if (span > MAX_INT64 || span < MIN_INT64) throw new InvariantError("not an int64 of nanoseconds", { span });
		const seconds = Number(span / NANOS_PER_SECOND_BIG);
		this.#secondsAndNanos(seconds, Number(span % NANOS_PER_SECOND_BIG));
		this.message(tag, mark);
	}

	#secondsAndNanos(seconds: number, nanos: number): void {
		if (nanos !== 0) this.int32(16, nanos);
		this.#reserve(SCALAR_ROOM);
		if (seconds > 0) {
			this.#varint(seconds);
			this.#varint(8);
		} else if (seconds < 0) this.int64(8, BigInt(seconds));
	}
}
