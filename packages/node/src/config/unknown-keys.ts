import { dotted } from "./key.ts";
import { nearest, nearestOfAll } from "./nearest.ts";
import type { ConfigProblem } from "./problem.ts";
import { KNOWN_KEYS, SECTIONS } from "./schema.ts";

/** What a file says that no key of the schema takes. */
export interface UnknownKeys {
	/** Under `[cairn]`, where nobody else's keys can be. */
	readonly errors: readonly ConfigProblem[];
	/** Elsewhere: CometBFT passes over them in silence. */
	readonly unknown: readonly ConfigProblem[];
	/** Keys of CometBFT that have no effect here. */
	readonly without: readonly ConfigProblem[];
}

const KNOWN = new Set(KNOWN_KEYS.map((known) => known.dotted));
const TABLES = new Set(SECTIONS.map((section) => section.path).filter((path) => path !== ""));
const WITHOUT = new Map(
	SECTIONS.flatMap((section) =>
		Object.entries(section.without).map(([name, reason]) => [dotted(section.path, name), reason] as const),
	),
);

/** Finds keys and tables that the schema does not know; `where` gives the place of a dotted key. */
export function unknownKeys(table: Readonly<Record<string, unknown>>, where: (key: string) => string): UnknownKeys {
	const found = { errors: [] as ConfigProblem[], unknown: [] as ConfigProblem[], without: [] as ConfigProblem[] };
	const walk = (inner: Readonly<Record<string, unknown>>, path: string) => {
		for (const [name, value] of Object.entries(inner)) {
			const key = dotted(path, name.toLowerCase());
			const reason = WITHOUT.get(key);
			if (KNOWN.has(key)) continue;
			if (reason !== undefined) {
				if (value === false || value === "") continue;
				found.without.push({ where: where(key), key, what: "has no effect", fix: reason });
			} else if (TABLES.has(key) && typeof value === "object" && value !== null && !Array.isArray(value)) {
				walk(value as Readonly<Record<string, unknown>>, key);
			} else if (key === "cairn" || key.startsWith("cairn.")) found.errors.push(unknown(key, where));
			else found.unknown.push(unknown(key, where));
		}
	};
	walk(table, "");
	return found;
}

function unknown(key: string, where: (key: string) => string): ConfigProblem {
	const what = TABLES.has(key) ? "is a table, not a value" : "is not a known key";
	return { where: where(key), key, what, fix: suggestion(key) };
}

/** The nearest key of the same table, else the same name in another table, else the nearest table or key of all. */
function suggestion(key: string): string {
	if (TABLES.has(key)) return `write [${key}] on a line of its own and its keys below`;
	const at = key.lastIndexOf(".");
	const table = key.slice(0, Math.max(at, 0));
	const name = key.slice(at + 1);
	const siblings = [...KNOWN, ...TABLES].filter(
		(known) => dotted(table, known.slice(known.lastIndexOf(".") + 1)) === known,
	);
	const sibling = nearest(
		name,
		siblings.map((known) => known.slice(known.lastIndexOf(".") + 1)),
	);
	if (sibling !== undefined) return `did you mean ${dotted(table, sibling)}?`;
	const moved = [...KNOWN].find((known) => known.endsWith(`.${name}`) || known === name);
	if (moved !== undefined) return `did you mean ${moved}, in ${placeOf(moved)}?`;
	const others = [...KNOWN, ...TABLES].filter((known) => known !== table);
	const close = nearest(key, others);
	if (close !== undefined) return `did you mean ${close}?`;
	const pool = siblings.length > 0 && table !== "" ? siblings : others;
	return `remove it (the nearest known key is ${nearestOfAll(key, pool)})`;
}

function placeOf(key: string): string {
	const at = key.lastIndexOf(".");
	return at < 0 ? "the part above the first table" : `[${key.slice(0, at)}]`;
}
