import { DecodeError } from "@cairn/kit";
import { GO_ZERO_TIME, type TimeNs } from "./model.ts";
import { secondsOfText, textOfSeconds } from "./proto/calendar.ts";
import { highWord, MAX_INT64, splitWord } from "./proto/scalars.ts";

const NS_PER_SECOND = 1_000_000_000n;

/** Whole seconds (rounded down) and nanoseconds of [0, 1e9) of an instant, as protobuf's Timestamp counts them. */
export function splitTime(time: TimeNs): { seconds: number; nanos: number } {
	if (time < 0n || time > MAX_INT64) return splitFarTime(time);
	// Long division by 10^9 of 64 bits in limbs of 32, 16 and 16: each step is exact in a double, no bigint is made.
	const low = splitWord(time);
	const high = highWord();
	const middle = (high % 1e9) * 65536 + (low >>> 16);
	const last = (middle % 1e9) * 65536 + (low & 0xffff);
	const seconds = Math.floor(high / 1e9) * 4294967296 + Math.floor(middle / 1e9) * 65536 + Math.floor(last / 1e9);
	return { seconds, nanos: last % 1e9 };
}

function splitFarTime(time: TimeNs): { seconds: number; nanos: number } {
	let seconds = time / NS_PER_SECOND;
	let nanos = time - seconds * NS_PER_SECOND;
	if (nanos < 0n) {
		seconds -= 1n;
		nanos += NS_PER_SECOND;
	}
	return { seconds: Number(seconds), nanos: Number(nanos) };
}

/** The instant in UTC as Go's `time.RFC3339Nano` prints it: fraction without trailing zeroes, `Z` at the end. */
export function timeToRfc3339(time: TimeNs): string {
	const { seconds, nanos } = splitTime(time);
	const whole = textOfSeconds(seconds);
	if (nanos === 0) return `${whole}Z`;
	return `${whole}.${String(nanos).padStart(9, "0").replace(/0+$/, "")}Z`;
}

const RFC3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/;

/**
 * Reads an RFC 3339 time as strictly as Go's JSON decoder: two-digit fields, no leap second, `T` and `Z` in capitals.
 * Digits beyond nanoseconds are dropped. @throws DecodeError
 */
export function timeFromRfc3339(text: string): TimeNs {
	const match = RFC3339.exec(text);
	if (match === null) throw new DecodeError("not an RFC 3339 time", { text: text.slice(0, 80) });
	const [, local = "", fraction = "", zone = "Z"] = match;
	const seconds = secondsOfText(local);
	if (seconds === undefined) throw new DecodeError("no such time", { text });
	return BigInt(seconds - zoneSeconds(zone, text)) * NS_PER_SECOND + BigInt(fraction.slice(0, 9).padEnd(9, "0"));
}

function zoneSeconds(zone: string, text: string): number {
	if (zone === "Z") return 0;
	const hours = Number(zone.slice(1, 3));
	const minutes = Number(zone.slice(4, 6));
	if (hours > 23 || minutes > 59) throw new DecodeError("no such time zone", { text });
	return (zone.startsWith("-") ? -1 : 1) * (hours * 3600 + minutes * 60);
}

export interface WeightedTime {
	readonly time: TimeNs;
	readonly weight: bigint;
}

/**
 * The first time, in ascending order, at which the weights passed reach half of `totalWeight` (rounded down). As
 * `WeightedMedian` of CometBFT v0.40.0 (`types/time/time.go`): the half itself counts (`<=`). Go's zero time for no
 * times.
 */
export function weightedMedian(times: readonly WeightedTime[], totalWeight: bigint): TimeNs {
	const sorted = [...times].sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
	let median = totalWeight / 2n;
	for (const { time, weight } of sorted) {
		if (median <= weight) return time;
		median -= weight;
	}
	return GO_ZERO_TIME;
}
