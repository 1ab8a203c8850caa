import { DecodeError, fromHex, invariant, toHex } from "@cairn/kit";

/** Data without behaviour: what snapshots are made of. Object keys with the value undefined do not count. */
export type PlainData =
	| null
	| boolean
	| number
	| string
	| bigint
	| Uint8Array
	| readonly PlainData[]
	| { readonly [key: string]: PlainData | undefined };

/**
 * One text for one value: JSON with sorted keys, where a text begins with `'`, an integer of any size with `n` and
 * bytes with `x`. Equal values give equal texts, so digests can be taken of it.
 */
export function writePlainData(value: PlainData): string {
	if (value === null || typeof value === "boolean") return String(value);
	if (typeof value === "number") {
		invariant(Number.isFinite(value) && !Object.is(value, -0), "a number in plain data is not finite", { value });
		return String(value);
	}
	if (typeof value === "string") return JSON.stringify(`'${value}`);
	if (typeof value === "bigint") return `"n${value}"`;
	if (value instanceof Uint8Array) return `"x${toHex(value)}"`;
	if (isList(value)) return `[${value.map(writePlainData).join(",")}]`;
	const fields = Object.keys(value).sort();
	const written: string[] = [];
	for (const field of fields) {
		const content = value[field];
		if (content !== undefined) written.push(`${JSON.stringify(field)}:${writePlainData(content)}`);
	}
	return `{${written.join(",")}}`;
}

function isList(
	value: readonly PlainData[] | { readonly [key: string]: PlainData | undefined },
): value is readonly PlainData[] {
	return Array.isArray(value);
}

/** Reads what `writePlainData` wrote. @throws DecodeError on anything else */
export function readPlainData(text: string): PlainData {
	let parsed: unknown;
	try {
		parsed = JSON.parse(text);
	} catch {
		throw new DecodeError("a snapshot is not readable");
	}
	return revive(parsed);
}

function revive(value: unknown): PlainData {
	if (value === null || typeof value === "boolean" || typeof value === "number") return value;
	if (typeof value === "string") return reviveText(value);
	if (Array.isArray(value)) return value.map(revive);
	const entries = Object.entries(value as object).map(([key, content]) => [key, revive(content)] as const);
	return Object.fromEntries(entries);
}

function reviveText(text: string): PlainData {
	const rest = text.slice(1);
	switch (text.charAt(0)) {
		case "'":
			return rest;
		case "x":
			return fromHex(rest);
		case "n":
			if (/^-?\d+$/.test(rest)) return BigInt(rest);
			break;
	}
	throw new DecodeError("a snapshot holds an unknown kind of value", { text: text.slice(0, 80) });
}
