import type { TimeNs } from "@cairn/types";

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIME = /^(\d{4})-(\d{2})-(\d{2})T(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d+))?(?:Z|([+-])(\d{2}):(\d{2}))$/;
const NS_PER_SECOND = 1_000_000_000n;

/** A point in time and the year it was written with. */
export interface Moment {
	readonly time: TimeNs;
	readonly year: number;
}

/** `yyyy-mm-dd` as midnight UTC; null for anything else (Go's `time.Parse`). */
export function parseDate(text: string): Moment | null {
	const match = DATE.exec(text);
	if (match === null) return null;
	const seconds = secondsOfDay(Number(match[1]), Number(match[2]), Number(match[3]));
	return seconds === null ? null : { time: BigInt(seconds) * NS_PER_SECOND, year: Number(match[1]) };
}

/** RFC 3339 as Go's `time.Parse` reads it: hours may have one digit, fractions any number. Null for anything else. */
export function parseTime(text: string): Moment | null {
	const match = TIME.exec(text);
	if (match === null) return null;
	const [hour, minute, second] = [Number(match[4]), Number(match[5]), Number(match[6])];
	const [zoneHours, zoneMinutes] = [Number(match[9] ?? 0), Number(match[10] ?? 0)];
	const day = secondsOfDay(Number(match[1]), Number(match[2]), Number(match[3]));
	if (day === null || hour > 23 || minute > 59 || second > 59 || zoneHours > 24 || zoneMinutes > 60) return null;
	const zone = (match[8] === "-" ? -60 : 60) * (zoneHours * 60 + zoneMinutes);
	const seconds = day + hour * 3600 + minute * 60 + second - zone;
	const nanos = BigInt((match[7] ?? "").slice(0, 9).padEnd(9, "0"));
	return { time: BigInt(seconds) * NS_PER_SECOND + nanos, year: Number(match[1]) };
}

function secondsOfDay(year: number, month: number, day: number): number | null {
	const date = new Date(0);
	date.setUTCFullYear(year, month - 1, day);
	// A day or month out of range has moved on to another one.
	if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
	return date.getTime() / 1000;
}
