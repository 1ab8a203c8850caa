import { DecodeError } from "@cairn/kit";

/** Decimal digits after the point of every reading, bound and rate in the state. */
export const VALUE_DIGITS = 6;

/** Decimal digits of seconds that make nanoseconds. */
export const TIME_DIGITS = 9;

/** Largest magnitude of a fixed-point number from outside: fits an int64. */
const MAX_FIXED = 4n * 10n ** 18n;
const POWERS: readonly bigint[] = Array.from({ length: 40 }, (_, power) => 10n ** BigInt(power));

function bounded(value: bigint): bigint {
	if (value > MAX_FIXED || value < -MAX_FIXED) throw new DecodeError("a number is too large");
	return value;
}

/** Quotient rounded to the nearest integer, ties to the even one; `divisor` is positive. */
function divideHalfEven(value: bigint, divisor: bigint): bigint {
	const negative = value < 0n;
	const magnitude = negative ? -value : value;
	let quotient = magnitude / divisor;
	const twice = 2n * (magnitude % divisor);
	if (twice > divisor || (twice === divisor && quotient % 2n === 1n)) quotient += 1n;
	return negative ? -quotient : quotient;
}

/** mantissa × 10^exponent in units of 10^-digits, rounded half to even. @throws DecodeError if it is out of range */
export function decimalToFixed(mantissa: bigint, exponent: number, digits: number): bigint {
	const shift = exponent + digits;
	// Beyond these a safe mantissa is zero, or too large.
	if (mantissa === 0n || shift < -36) return 0n;
	if (shift > 36) throw new DecodeError("a number is too large");
	if (shift >= 0) return bounded(mantissa * (POWERS[shift] as bigint));
	return bounded(divideHalfEven(mantissa, POWERS[-shift] as bigint));
}

const scratch = new DataView(new ArrayBuffer(8));

/**
 * An IEEE 754 double in units of 10^-digits, rounded half to even from its exact binary value: integer arithmetic only.
 * @throws DecodeError for NaN, infinities and what is out of range
 */
export function doubleToFixed(value: number, digits: number): bigint {
	if (!Number.isFinite(value)) throw new DecodeError("a number is not finite");
	scratch.setFloat64(0, value);
	const high = scratch.getUint32(0);
	const biased = (high >>> 20) & 0x7ff;
	const fraction = (BigInt(high & 0xfffff) << 32n) | BigInt(scratch.getUint32(4));
	const magnitude = biased === 0 ? fraction : fraction | (1n << 52n);
	const exponent = (biased === 0 ? 1 : biased) - 1075;
	// 2^60 units already exceed the bound, whatever the scale.
	if (exponent > 8) throw new DecodeError("a number is too large");
	const scaled = (high >>> 31 === 1 ? -magnitude : magnitude) * (POWERS[digits] as bigint);
	return bounded(exponent >= 0 ? scaled << BigInt(exponent) : divideHalfEven(scaled, 1n << BigInt(-exponent)));
}

/** Reads `-12.5` exactly. @throws DecodeError on another form, or on more digits than there are places */
export function parseFixed(text: string, digits: number): bigint {
	const match = /^(-?)(\d{1,19})(?:\.(\d{1,18}))?$/.exec(text);
	const fraction = match?.[3] ?? "";
	if (match === null || fraction.length > digits) {
		throw new DecodeError(`${JSON.stringify(text.slice(0, 40))} is not a decimal with at most ${digits} places`);
	}
	const magnitude = BigInt(`${match[2]}${fraction.padEnd(digits, "0")}`);
	return bounded(match[1] === "-" ? -magnitude : magnitude);
}

/** The shortest decimal: `-12.5`, `72`. */
export function formatFixed(value: bigint, digits: number): string {
	const negative = value < 0n;
	const text = (negative ? -value : value).toString().padStart(digits + 1, "0");
	const whole = text.slice(0, text.length - digits);
	const fraction = text.slice(text.length - digits).replace(/0+$/, "");
	return `${negative ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}
