/** What is at a path of keys and indexes in parsed JSON; undefined where there is no such thing. */
export function valueAt(value: unknown, ...path: readonly (string | number)[]): unknown {
	let at = value;
	for (const step of path) {
		if (typeof at !== "object" || at === null) return undefined;
		at = (at as Readonly<Record<string | number, unknown>>)[step];
	}
	return at;
}

/** A text at a path; empty where there is none. */
export function textAt(value: unknown, ...path: readonly (string | number)[]): string {
	const found = valueAt(value, ...path);
	return typeof found === "string" ? found : "";
}

/** A whole number at a path, written as a number or as a text as CometBFT does with 64 bits; 0 where there is none. */
export function numberAt(value: unknown, ...path: readonly (string | number)[]): number {
	const found = valueAt(value, ...path);
	const number = typeof found === "string" && /^-?\d+$/.test(found) ? Number(found) : found;
	return Number.isSafeInteger(number) ? Number(number) : 0;
}

/** A list at a path; empty where there is none, as Go writes `null` for it. */
export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
	const found = valueAt(value, ...path);
	return Array.isArray(found) ? found : [];
}
