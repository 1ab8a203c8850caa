/**
 * A decimal number of any length: 0.d₁d₂d₃… × 10^exponent with d₁ not zero. Comparing two of them needs no arithmetic,
 * however large the exponents are that somebody writes into an event.
 */
export interface Decimal {
	readonly sign: -1 | 0 | 1;
	/** Without zeros at either end; empty for zero and infinity. */
	readonly digits: string;
	/** Infinity for infinity. */
	readonly exponent: number;
}

const INFINITE = /^([+-]?)(?:Inf|inf)$/;
const DECIMAL = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d+))?$/;

/** Reads what Go's `big.ParseFloat` reads in base 10: digits, fraction, exponent, infinity. Null for anything else. */
export function parseDecimal(text: string): Decimal | null {
	const infinite = INFINITE.exec(text);
	if (infinite !== null) return { sign: infinite[1] === "-" ? -1 : 1, digits: "", exponent: Number.POSITIVE_INFINITY };
	const match = DECIMAL.exec(text);
	if (match === null) return null;
	const [, sign, whole = "", fraction = "", bare, power = "0"] = match;
	const after = bare ?? fraction;
	const all = whole + after;
	const start = all.search(/[1-9]/);
	if (start < 0) return { sign: 0, digits: "", exponent: 0 };
	const digits = all.slice(start).replace(/0+$/, "");
	return { sign: sign === "-" ? -1 : 1, digits, exponent: whole.length - start + Number(power) };
}

/** Negative, zero or positive as `a` is less than, equal to or greater than `b`. */
export function compareDecimals(a: Decimal, b: Decimal): number {
	if (a.sign !== b.sign) return a.sign - b.sign;
	return a.sign * compareMagnitudes(a, b);
}

function compareMagnitudes(a: Decimal, b: Decimal): number {
	if (a.exponent !== b.exponent) return a.exponent < b.exponent ? -1 : 1;
	if (a.digits === b.digits) return 0;
	// Digits behind a common point compare as text: a prefix is the smaller one.
	return a.digits < b.digits ? -1 : 1;
}
