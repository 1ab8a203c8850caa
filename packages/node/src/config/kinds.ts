import { durationToNs, formatDuration, type Milliseconds, nsToMs } from "./duration.ts";
import { shown } from "./problem.ts";

/** A value that was understood, or why not and what would be right. */
export type Reading<T> = { readonly value: T } | { readonly wrong: string; readonly fix: string };

/**
 * How one kind of value is read and written. `read` takes what TOML gives and also texts (environment, flags), with the
 * same leniency as CometBFT's reader: "4" is a number, "true" and 1 are booleans, "a,b" is a list.
 */
export interface Kind<T> {
	/** Word for help texts: `duration`, `count`, `address`… */
	readonly name: string;
	readonly isBoolean: boolean;
	read(raw: unknown): Reading<T>;
	/** The value in TOML. */
	write(value: T): string;
}

const wrong = (what: string, fix: string) => ({ wrong: what, fix });

/** A text in TOML's double quotes. */
export function quote(text: string): string {
	return JSON.stringify(text).replaceAll("\u007f", "\\u007f");
}

/** Any text. Numbers and booleans are taken as their text. */
export function text(name = "text"): Kind<string> {
	return {
		name,
		isBoolean: false,
		read: (raw) => {
			if (typeof raw === "string") return { value: raw };
			if (typeof raw === "number" || typeof raw === "bigint") return { value: String(raw) };
			if (typeof raw === "boolean") return { value: raw ? "1" : "0" };
			if (Array.isArray(raw)) {
				return wrong(`${shown(raw)} is a list`, `write one text with commas: ${quote(raw.map(String).join(","))}`);
			}
			return wrong(`${shown(raw)} is not a text`, 'write a text in double quotes: "…"');
		},
		write: quote,
	};
}

/** One of the given texts. */
export function choice<const T extends string>(options: readonly T[], also: readonly T[] = []): Kind<T> {
	const listed = options.map(quote).join(" or ");
	return {
		name: options.join("|"),
		isBoolean: false,
		read: (raw) => {
			const found = [...options, ...also].find((option) => option === raw);
			return found === undefined ? wrong(`${shown(raw)} is not known`, `write ${listed}`) : { value: found };
		},
		write: quote,
	};
}

const TRUE_WORDS = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const FALSE_WORDS = new Set(["0", "f", "F", "FALSE", "false", "False"]);

/** True or false, in every spelling of Go's `strconv.ParseBool`. */
export function boolean(): Kind<boolean> {
	return {
		name: "true|false",
		isBoolean: true,
		read: (raw) => {
			if (typeof raw === "boolean") return { value: raw };
			if (typeof raw === "number" || typeof raw === "bigint") return { value: Number(raw) !== 0 };
			if (typeof raw === "string" && TRUE_WORDS.has(raw)) return { value: true };
			if (typeof raw === "string" && FALSE_WORDS.has(raw)) return { value: false };
			return wrong(`${shown(raw)} is neither true nor false`, "write true or false, without quotes");
		},
		write: String,
	};
}

/** Bounds of a whole number; `max` is the limit of the Go type that CometBFT reads into. */
export interface IntegerBounds {
	readonly min?: number;
	readonly max?: bigint;
}

const INT64_MAX = 2n ** 63n - 1n;
const WHOLE_NUMBER = /^[+-]?(?:0[xX][0-9a-fA-F_]+|[0-9][0-9_]*)$/;

/**
 * A whole number. Values between 2^53 and the bound, which people write for "no limit", become 2^53 - 1.
 */
export function integer(bounds: IntegerBounds = {}): Kind<number> {
	const { min, max = INT64_MAX } = bounds;
	return {
		name: "number",
		isBoolean: false,
		read: (raw) => {
			const value = wholeNumber(raw);
			if (value === undefined) return wrong(`${shown(raw)} is not a whole number`, "write a number without quotes: 10");
			if (value > max) return wrong(`${value} is too large`, `write at most ${max}`);
			if (min !== undefined && value < BigInt(min)) {
				return wrong(min === 0 ? `${value} is negative` : `${value} is too small`, `write at least ${min}`);
			}
			if (value < -max - 1n) return wrong(`${value} is too small`, `write at least ${-max - 1n}`);
			return { value: saturate(value) };
		},
		write: String,
	};
}

function saturate(value: bigint): number {
	if (value > BigInt(Number.MAX_SAFE_INTEGER)) return Number.MAX_SAFE_INTEGER;
	if (value < BigInt(Number.MIN_SAFE_INTEGER)) return Number.MIN_SAFE_INTEGER;
	return Number(value);
}

function wholeNumber(raw: unknown): bigint | undefined {
	if (typeof raw === "bigint") return raw;
	if (typeof raw === "number") return Number.isSafeInteger(raw) ? BigInt(raw) : undefined;
	if (typeof raw !== "string" || !WHOLE_NUMBER.test(raw)) return undefined;
	const digits = raw.replaceAll("_", "").replace(/^[+-]/, "");
	try {
		const size = BigInt(digits);
		return raw.startsWith("-") ? -size : size;
	} catch {
		return undefined;
	}
}

/**
 * A duration, kept in milliseconds. A bare number is nanoseconds, as Go reads it, and must then be a whole
 * millisecond.
 */
export function duration(options: { readonly negative?: boolean } = {}): Kind<Milliseconds> {
	return {
		name: "duration",
		isBoolean: false,
		read: (raw) => {
			const ns = typeof raw === "string" ? durationToNs(raw) : wholeNumber(raw);
			if (ns === undefined) return wrong(`${shown(raw)} is not a duration`, durationFix(raw));
			if (typeof raw !== "string" && ns % 1_000_000n !== 0n) {
				return wrong(`${shown(raw)} without a unit means nanoseconds`, `write the unit: "${ns}s" or "${ns}ms"`);
			}
			if (ns < 0n && options.negative !== true) return wrong(`${shown(raw)} is negative`, 'write "0s" or more');
			return { value: nsToMs(ns) };
		},
		write: (value) => quote(formatDuration(value)),
	};
}

function durationFix(raw: unknown): string {
	const bare = typeof raw === "string" && /^\d+(\.\d+)?$/.test(raw.trim());
	const example = bare ? `"${raw.trim()}s" or "${raw.trim()}ms"` : '"3s", "500ms" or "1m30s"';
	return `write a number with a unit: ${example}`;
}

/** A list of texts; from the environment or a flag, separated by commas. */
export function textList(): Kind<readonly string[]> {
	return { name: "list", isBoolean: false, read: readTexts, write: (value) => `[${value.map(quote).join(", ")}]` };
}

/** A list that CometBFT's files hold as one text with commas. */
export function commaList(): Kind<readonly string[]> {
	return { name: "list", isBoolean: false, read: readTexts, write: (value) => quote(value.join(",")) };
}

function readTexts(raw: unknown): Reading<readonly string[]> {
	if (typeof raw === "string") return { value: raw === "" ? [] : raw.split(",").map((item) => item.trim()) };
	if (Array.isArray(raw) && raw.every((item) => typeof item === "string")) return { value: raw };
	return wrong(`${shown(raw)} is not a list of texts`, 'write a list: ["one", "two"]');
}
