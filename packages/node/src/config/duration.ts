/** Milliseconds as a number; fractions are allowed down to a nanosecond. */
export type Milliseconds = number;

const NS_PER_UNIT: Readonly<Record<string, bigint>> = {
	ns: 1n,
	us: 1_000n,
	µs: 1_000n,
	μs: 1_000n,
	ms: 1_000_000n,
	s: 1_000_000_000n,
	m: 60_000_000_000n,
	h: 3_600_000_000_000n,
};

const MAX_INT64 = 2n ** 63n - 1n;
const PIECE = /^(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/u;

/**
 * Reads a duration as Go's `time.ParseDuration` does ("3s", "1m0s", "168h0m0s", "1.5h", "-2ms", "0"), in nanoseconds.
 * Undefined for anything else, values outside int64 included.
 */
export function durationToNs(text: string): bigint | undefined {
	const negative = text.startsWith("-");
	let rest = /^[+-]/.test(text) ? text.slice(1) : text;
	if (rest === "0") return 0n;
	if (rest === "") return undefined;
	let total = 0n;
	while (rest !== "") {
		const piece = PIECE.exec(rest);
		if (piece === null) return undefined;
		const [matched, whole = "", fraction = "", name = ""] = piece;
		const unit = NS_PER_UNIT[name];
		if (unit === undefined || (whole === "" && fraction === "")) return undefined;
		total += BigInt(whole || "0") * unit + (BigInt(fraction || "0") * unit) / 10n ** BigInt(fraction.length);
		if (total > MAX_INT64) return undefined;
		rest = rest.slice(matched.length);
	}
	return negative ? -total : total;
}

/** Milliseconds of a number of nanoseconds. Exact to the nanosecond below 2^33 ms, which are 99 days. */
export function nsToMs(ns: bigint): Milliseconds {
	return Number(ns) / 1e6;
}

/** Nanoseconds of a duration of the configuration, for comparison with block times. */
export function msToNs(ms: Milliseconds): bigint {
	const whole = Math.trunc(ms);
	return BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6));
}

/** Writes a duration as Go's `Duration.String` does: "0s", "1.5ms", "10s", "1m0s", "168h0m0s". */
export function formatDuration(ms: Milliseconds): string {
	const ns = msToNs(ms);
	const sign = ns < 0n ? "-" : "";
	const size = ns < 0n ? -ns : ns;
	if (size === 0n) return "0s";
	if (size < 1_000n) return `${sign}${size}ns`;
	if (size < 1_000_000n) return `${sign}${decimal(size, 1_000n)}µs`;
	if (size < 1_000_000_000n) return `${sign}${decimal(size, 1_000_000n)}ms`;
	const minutes = size / 60_000_000_000n;
	const seconds = `${decimal(size % 60_000_000_000n, 1_000_000_000n)}s`;
	if (minutes === 0n) return `${sign}${seconds}`;
	const hours = minutes / 60n;
	return hours === 0n ? `${sign}${minutes}m${seconds}` : `${sign}${hours}h${minutes % 60n}m${seconds}`;
}

function decimal(value: bigint, unit: bigint): string {
	const fraction = value % unit;
	if (fraction === 0n) return String(value / unit);
	const digits = String(fraction).padStart(String(unit).length - 1, "0");
	return `${value / unit}.${digits.replace(/0+$/, "")}`;
}
