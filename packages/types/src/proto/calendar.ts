const SECONDS_PER_DAY = 86_400;

/** Days of the proleptic Gregorian calendar since 1970-01-01 (Howard Hinnant, "chrono-compatible date algorithms"). */
function dayNumber(year: number, month: number, day: number): number {
	// Years begin in March, so that the leap day is their last.
	const shifted = month <= 2 ? year - 1 : year;
	const era = Math.floor(shifted / 400);
	const yearOfEra = shifted - era * 400;
	const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
	const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
	return era * 146_097 + dayOfEra - 719_468;
}

function digits(value: number, width: number): string {
	return String(value).padStart(width, "0");
}

/** `2006-01-02T15:04:05` of seconds since 1970, in UTC. */
export function textOfSeconds(seconds: number): string {
	const days = Math.floor(seconds / SECONDS_PER_DAY);
	const rest = seconds - days * SECONDS_PER_DAY;
	const shifted = days + 719_468;
	const era = Math.floor(shifted / 146_097);
	const dayOfEra = shifted - era * 146_097;
	const yearOfEra = Math.floor(
		(dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
	);
	const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
	const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
	const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
	const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
	const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
	const clock = [Math.floor(rest / 3600), Math.floor((rest % 3600) / 60), rest % 60].map((n) => digits(n, 2));
	return `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}T${clock.join(":")}`;
}

/** Seconds since 1970 of a text like `2006-01-02T15:04:05`, in UTC; undefined where there is no such moment. */
export function secondsOfText(text: string): number | undefined {
	const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)$/.exec(text);
	if (match === null) return undefined;
	const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
		number,
		number,
		number,
		number,
		number,
		number,
	];
	if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) return undefined;
	const seconds = dayNumber(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
	// A day that the month does not have comes back as another.
	return textOfSeconds(seconds) === text ? seconds : undefined;
}
