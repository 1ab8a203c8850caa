/** A moment as nanoseconds since 1970-01-01T00:00:00Z; may be negative. Years 1 to 9999. */
export type TimeNs = bigint;

/** A span of time in nanoseconds (int64). */
export type DurationNs = bigint;

/** Go's zero `time.Time`, 0001-01-01T00:00:00Z: what a timestamp is when the field is absent. */
export const ZERO_TIME: TimeNs = -62135596800_000000000n;

/** Seconds of the earliest timestamp protobuf allows, 0001-01-01T00:00:00Z. */
export const MIN_TIMESTAMP_SECONDS = -62135596800;

/** Seconds just after the latest timestamp protobuf allows, 10000-01-01T00:00:00Z. */
export const END_TIMESTAMP_SECONDS = 253402300800;

export const NANOS_PER_SECOND = 1_000_000_000;
export const NANOS_PER_SECOND_BIG = 1_000_000_000n;

export const MAX_INT64 = 9223372036854775807n;
export const MIN_INT64 = -9223372036854775808n;
export const MAX_UINT64 = 18446744073709551615n;

/** The one empty array that decoded messages share; never write to it (it cannot hold anything). */
export const NO_BYTES: Uint8Array = new Uint8Array(0);

const words = new Uint32Array(2);
const signedWord = new BigInt64Array(words.buffer);
const unsignedWord = new BigUint64Array(words.buffer);
const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
const LOW = littleEndian ? 0 : 1;
const HIGH = littleEndian ? 1 : 0;

/** The int64 with these two 32-bit halves. One bigint is made, no arithmetic is done. */
export function int64Of(low: number, high: number): bigint {
	words[LOW] = low;
	words[HIGH] = high;
	return signedWord[0] as bigint;
}

/** The uint64 with these two 32-bit halves. */
export function uint64Of(low: number, high: number): bigint {
	words[LOW] = low;
	words[HIGH] = high;
	return unsignedWord[0] as bigint;
}

/** Low half of a 64-bit integer, 0 to 2^32-1; `highWord` afterwards gives the high half of the same integer. */
export function splitWord(value: bigint): number {
	unsignedWord[0] = value;
	return words[LOW] as number;
}

/** High half of the integer last given to `splitWord`. */
export function highWord(): number {
	return words[HIGH] as number;
}
