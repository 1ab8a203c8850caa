import { type Kind, quote, type Reading } from "./kinds.ts";
import { shown } from "./problem.ts";

/** What `cairn start` shows of a flag that CometBFT's `start` also has. */
export interface FlagText {
	/** Flag's name where it is not the dotted key. */
	readonly name?: string;
	readonly help: string;
}

/** One key of config.toml: everything that any part of the program knows about it. */
export interface Key<T> {
	readonly kind: Kind<T>;
	readonly fallback: T;
	/** Written above the key in config.toml. */
	readonly comment: string;
	/** Present for the flags that CometBFT's `start` shows; every other key is a flag too, without a line in the help. */
	readonly flag?: FlagText;
	/** Says something about the file itself: neither a flag nor a variable can change it. */
	readonly fileOnly?: boolean;
}

export type Keys = Readonly<Record<string, Key<unknown>>>;

export function key<T>(kind: Kind<T>, fallback: NoInfer<T>, comment: string, more: Partial<Key<T>> = {}): Key<T> {
	return { kind, fallback, comment, ...more };
}

/** `timeout_propose_delta` and `keep-invalid-txs-in-cache` as TypeScript names. */
export type CamelCase<S extends string> = S extends `${infer A}_${infer B}`
	? `${A}${Capitalize<CamelCase<B>>}`
	: S extends `${infer A}-${infer B}`
		? `${A}${Capitalize<CamelCase<B>>}`
		: S;

export function camelCase(name: string): string {
	return name.replace(/[_-](.)/g, (_, letter: string) => letter.toUpperCase());
}

type ValueOf<K> = K extends Key<infer T> ? T : never;

/** The values of a section, by camelCase name. */
export type Values<K extends Keys> = { readonly [Name in keyof K & string as CamelCase<Name>]: ValueOf<K[Name]> };

/** A rule over several keys of a section that does not hold. */
export interface RuleBreach {
	readonly key: string;
	readonly what: string;
	readonly fix: string;
}

/** One table of config.toml. */
export interface Section<K extends Keys = Keys> {
	/** Dotted path of the table; empty for the keys above the first table. */
	readonly path: string;
	readonly title: string;
	/** Written under the table's header. */
	readonly comment: string;
	readonly keys: K;
	/** Keys that CometBFT reads and Cairn has no use for, with the reason. */
	readonly without: Readonly<Record<string, string>>;
	/** CometBFT's `ValidateBasic` where it goes beyond the kind of a single value. */
	breaches(values: Values<K>): readonly RuleBreach[];
}

export function section<K extends Keys>(
	path: string,
	title: string,
	comment: string,
	keys: K,
	more: Partial<Pick<Section<K>, "without" | "breaches">> = {},
): Section<K> {
	return { path, title, comment, keys, without: {}, breaches: () => [], ...more };
}

/** Dotted name of a key: `p2p.laddr`, `moniker`. */
export function dotted(path: string, name: string): string {
	return path === "" ? name : `${path}.${name}`;
}

/** A list of tables (`bootstrap_peers`), each with the given keys. */
export function tables<K extends Keys>(keys: K, required: readonly (keyof K & string)[]): Kind<readonly Values<K>[]> {
	return {
		name: "list of tables",
		isBoolean: false,
		read: (raw) => {
			if (!Array.isArray(raw)) return { wrong: `${shown(raw)} is not a list of tables`, fix: "write a list: [{ … }]" };
			const values: Values<K>[] = [];
			for (const [index, item] of raw.entries()) {
				const reading = readTable(item, keys, required);
				if ("wrong" in reading) return { wrong: `entry ${index}: ${reading.wrong}`, fix: reading.fix };
				values.push(reading.value);
			}
			return { value: values };
		},
		write: (value) => {
			if (value.length === 0) return "[]";
			return `[\n${value.map((item) => `  { ${writeTable(item, keys)} },`).join("\n")}\n]`;
		},
	};
}

function readTable<K extends Keys>(raw: unknown, keys: K, required: readonly string[]): Reading<Values<K>> {
	if (typeof raw !== "object" || raw === null || Array.isArray(raw)) {
		return { wrong: `${shown(raw)} is not a table`, fix: `write { ${Object.keys(keys).join(" = …, ")} = … }` };
	}
	const given = new Map(Object.entries(raw).map(([name, value]) => [name.toLowerCase(), value]));
	const values: Record<string, unknown> = {};
	for (const [name, spec] of Object.entries(keys)) {
		const value: unknown = given.get(name);
		if (value === undefined || value === "") {
			if (required.includes(name)) return { wrong: `${name} is missing`, fix: `add ${name} = …` };
		}
		const reading = value === undefined ? { value: spec.fallback } : spec.kind.read(value);
		if ("wrong" in reading) return { wrong: `${name}: ${reading.wrong}`, fix: reading.fix };
		values[camelCase(name)] = reading.value;
	}
	return { value: values as Values<K> };
}

function writeTable<K extends Keys>(values: Values<K>, keys: K): string {
	const byName = values as Readonly<Record<string, unknown>>;
	return Object.entries(keys)
		.map(([name, spec]) => `${bareKey(name)} = ${spec.kind.write(byName[camelCase(name)])}`)
		.join(", ");
}

/** A key as TOML wants it. */
export function bareKey(name: string): string {
	return /^[A-Za-z0-9_-]+$/.test(name) ? name : quote(name);
}
