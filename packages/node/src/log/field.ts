import { toUpperHex } from "@cairn/kit";

/**
 * A field's value as both formats show it: bytes as upper-case hex, bigint as decimal text, errors as their message,
 * sets and maps as their contents. Cycles and depth beyond five end in "…".
 */
export function plainValue(value: unknown, depth = 0): unknown {
	if (typeof value === "bigint") return value.toString();
	if (typeof value === "function" || typeof value === "symbol") return String(value);
	if (typeof value !== "object" || value === null) return value;
	if (value instanceof Uint8Array) return toUpperHex(value);
	if (value instanceof Error) return value.message;
	if (value instanceof Date) return value.toISOString();
	if (depth >= 5) return "…";
	if (value instanceof Map) return plainValue(Object.fromEntries(value), depth);
	if (value instanceof Set || Array.isArray(value)) return [...value].map((item) => plainValue(item, depth + 1));
	return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plainValue(item, depth + 1)]));
}
