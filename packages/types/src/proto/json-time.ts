import { DecodeError } from "@cairn/kit";
import { secondsOfText, textOfSeconds } from "./calendar.ts";
import {
	type DurationNs,
	END_TIMESTAMP_SECONDS,
	MIN_TIMESTAMP_SECONDS,
	NANOS_PER_SECOND_BIG,
	type TimeNs,
} from "./scalars.ts";

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;
const DURATION = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/;

/** Nine digits, cut to three, six or nine as protobuf's JSON mapping does; empty for zero. */
function fraction(nanos: bigint): string {
	if (nanos === 0n) return "";
	const digits = nanos.toString().padStart(9, "0");
	if (digits.endsWith("000000")) return `.${digits.slice(0, 3)}`;
	return digits.endsWith("000") ? `.${digits.slice(0, 6)}` : `.${digits}`;
}

/** RFC 3339 in UTC with as many digits as needed (none, 3, 6 or 9). */
export function timestampToText(time: TimeNs): string {
	const nanos = ((time % NANOS_PER_SECOND_BIG) + NANOS_PER_SECOND_BIG) % NANOS_PER_SECOND_BIG;
	const seconds = Number((time - nanos) / NANOS_PER_SECOND_BIG);
	return `${textOfSeconds(seconds)}${fraction(nanos)}Z`;
}

/** Reads RFC 3339 with any offset. @throws DecodeError also outside years 1 to 9999 and on days that do not exist */
export function parseTimestamp(text: string): TimeNs {
	const match = RFC3339.exec(text);
	if (match === null) throw new DecodeError("not an RFC 3339 time", { text: text.slice(0, 80) });
	const [, year = "", month = "", day = "", hour = "", minute = "", second = "", digits = "", sign = "+", ...offset] =
		match;
	const local = secondsOfText(`${year}-${month}-${day}T${hour}:${minute}:${second}`);
	if (local === undefined) throw new DecodeError("no such moment", { text: text.slice(0, 80) });
	const [offsetHours = "0", offsetMinutes = "0"] = offset;
	const shift = (Number(offsetHours) * 60 + Number(offsetMinutes)) * 60 * (sign === "-" ? -1 : 1);
	const seconds = local - shift;
	if (seconds < MIN_TIMESTAMP_SECONDS || seconds >= END_TIMESTAMP_SECONDS)
		throw new DecodeError("time outside years 1 to 9999", { text: text.slice(0, 80) });
	return BigInt(seconds) * NANOS_PER_SECOND_BIG + BigInt(digits.padEnd(9, "0"));
}

/** Seconds with as many digits as needed and the letter s. */
export function durationToText(span: DurationNs): string {
	const size = span < 0n ? -span : span;
	return `${span < 0n ? "-" : ""}${size / NANOS_PER_SECOND_BIG}${fraction(size % NANOS_PER_SECOND_BIG)}s`;
}

/** @throws DecodeError also when it does not fit int64 nanoseconds */
export function parseDuration(text: string): DurationNs {
	const match = DURATION.exec(text);
	if (match === null) throw new DecodeError("not a duration like 1.5s", { text: text.slice(0, 80) });
	const [, sign = "", seconds = "0", digits = ""] = match;
	const size = BigInt(seconds) * NANOS_PER_SECOND_BIG + BigInt(digits.padEnd(9, "0"));
	const span = sign === "-" ? -size : size;
	if (BigInt.asIntN(64, span) !== span)
		throw new DecodeError("duration does not fit 64 bits", { text: text.slice(0, 80) });
	return span;
}
