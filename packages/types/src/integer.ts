import { DecodeError } from "@cairn/kit";

/** Narrows an int64 of the wire to a number. @throws DecodeError beyond the safe integers, never a rounding */
export function safeInteger(value: bigint, what: string): number {
	const number = Number(value);
	if (!Number.isSafeInteger(number)) throw new DecodeError(`${what} out of range`, { value: String(value) });
	return number;
}
