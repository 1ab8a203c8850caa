import { CairnError, fromHex, InvariantError, toHex } from "@cairn/kit";
import { fail } from "./checker.ts";

/** Text of any value, names of objects sorted, so that equal values give equal text. */
function textOf(value: unknown): string {
	if (typeof value === "bigint") return `${value}n`;
	if (value instanceof Uint8Array) return toHex(value);
	if (Array.isArray(value)) return `[${value.map(textOf).join(",")}]`;
	if (typeof value === "object" && value !== null) {
		const entries = Object.entries(value).filter(([, item]) => item !== undefined);
		return `{${entries
			.sort(([a], [b]) => (a < b ? -1 : 1))
			.map(([name, item]) => `${JSON.stringify(name)}:${textOf(item)}`)
			.join(",")}}`;
	}
	return JSON.stringify(value) ?? "undefined";
}

/** Where two texts part, and what follows in each. */
function difference(ours: string, theirs: string): string {
	let at = 0;
	while (at < ours.length && ours.charAt(at) === theirs.charAt(at)) at++;
	const from = Math.max(0, at - 30);
	const cut = (text: string) => (from > 0 ? "…" : "") + text.slice(from, from + 110);
	return `ours ${cut(ours)}, expected ${cut(theirs)}`;
}

/** Fails unless both values are equal in depth; bytes equal their hex. */
export function same(what: string, ours: unknown, theirs: unknown): void {
	if (theirs === undefined) fail(`${what}: missing from the file`);
	const [a, b] = [textOf(ours), textOf(theirs)];
	if (a !== b) fail(`${what}: ${difference(a, b)}`);
}

/** Fails unless the bytes are those of the hex text. */
export function sameBytes(what: string, ours: Uint8Array, theirs: string | undefined): void {
	if (typeof theirs !== "string") fail(`${what}: missing from the file`);
	const text = toHex(ours);
	if (text !== theirs) fail(`${what}: ${difference(text, theirs)}`);
}

/** Fails unless both are the same integer; 64-bit integers are decimal text in the files. */
export function sameInteger(what: string, ours: bigint | number, theirs: string | number | undefined): void {
	if (theirs === undefined) fail(`${what}: missing from the file`);
	if (String(ours) !== String(theirs)) fail(`${what}: ours ${ours}, expected ${theirs}`);
}

/** What a call gave, or the typed error with which it refused. */
export type Outcome<T> =
	| { readonly accepted: true; readonly value: T }
	| { readonly accepted: false; readonly error: CairnError };

/** Runs product code. An error that is not a refusal (a bug of ours) passes through and fails the case. */
export function outcomeOf<T>(call: () => T): Outcome<T> {
	try {
		return { accepted: true, value: call() };
	} catch (cause) {
		if (cause instanceof CairnError && !(cause instanceof InvariantError)) return { accepted: false, error: cause };
		throw cause;
	}
}

/** Fails unless the call is accepted or refused as expected. Gives the outcome. */
export function sameVerdict<T>(what: string, expected: boolean, call: () => T): Outcome<T> {
	const outcome = outcomeOf(call);
	if (outcome.accepted && !expected) fail(`${what}: accepted, but must be refused`);
	if (!outcome.accepted && expected) fail(`${what}: refused, but must be accepted (${outcome.error.message})`);
	return outcome;
}

/** As `sameVerdict`, with the error text (or null) of the file as what is expected. */
export function sameError<T>(what: string, error: string | null | undefined, call: () => T): Outcome<T> {
	if (error === undefined) fail(`${what}: missing from the file`);
	return sameVerdict(what, error === null, call);
}

/** A moment as the files write it. */
export interface JsonTime {
	readonly seconds: string;
	readonly nanos: number;
}

export function timeOf(time: JsonTime): bigint {
	return BigInt(time.seconds) * 1_000_000_000n + BigInt(time.nanos);
}

export { fromHex as hex };

/** As `outcomeOf`, for a promise. */
export async function outcomeOfPromise<T>(call: () => Promise<T>): Promise<Outcome<T>> {
	try {
		return { accepted: true, value: await call() };
	} catch (cause) {
		if (cause instanceof CairnError && !(cause instanceof InvariantError)) return { accepted: false, error: cause };
		throw cause;
	}
}
