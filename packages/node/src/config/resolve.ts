import { parse, TomlError } from "smol-toml";
import { type Environment, fromEnvironment, mistypedVariables } from "./environment.ts";
import { camelCase, type RuleBreach } from "./key.ts";
import { resolvePaths } from "./paths.ts";
import { ConfigError, type ConfigProblem, shown } from "./problem.ts";
import {
	type Config,
	DEFAULTS,
	type FlatValues,
	KNOWN_KEYS,
	type KnownKey,
	SECTIONS,
	sectionValues,
} from "./schema.ts";
import { type KeyLines, locateKeys } from "./toml-lines.ts";
import { unknownKeys } from "./unknown-keys.ts";

/** Everything that a configuration is made of. */
export interface ConfigSources {
	/** Absolute path of the home folder. */
	readonly home: string;
	readonly file?: ConfigFile;
	readonly environment: Environment;
	/** Texts given on the command line, by dotted key. */
	readonly flags: ReadonlyMap<string, string>;
	/** Default of `moniker`. */
	readonly hostname: string;
}

export interface ConfigFile {
	readonly path: string;
	readonly text: string;
}

export interface ResolvedConfig {
	readonly config: Config;
	/** The same by dotted key, for writing. */
	readonly values: FlatValues;
	/** What CometBFT would have passed over in silence, and what has no effect here. */
	readonly warnings: readonly ConfigProblem[];
	/** Unknown keys among the warnings: `cairn config check` makes them errors. */
	readonly unknown: readonly ConfigProblem[];
	/** Where each value came from, by dotted key, as `ConfigProblem.where`. */
	readonly origins: ReadonlyMap<string, string>;
}

const DEFAULT_ORIGIN = "default";

/**
 * Reads a configuration: flags win over `CAIRN_…`, these over CometBFT's `CMT_…`, these over the file, the file over
 * defaults. All problems are found before it fails. @throws ConfigError
 */
export function resolveConfig(sources: ConfigSources): ResolvedConfig {
	const document = sources.file === undefined ? emptyDocument : readDocument(sources.file);
	const problems: ConfigProblem[] = [];
	const values = new Map(DEFAULTS);
	const origins = new Map<string, string>();
	values.set("moniker", sources.hostname);
	for (const known of KNOWN_KEYS) {
		const given = firstGiven(known, sources, document);
		origins.set(known.dotted, given?.where ?? DEFAULT_ORIGIN);
		if (given === undefined) continue;
		const reading = known.key.kind.read(given.raw);
		if ("wrong" in reading) {
			problems.push({ where: given.where, key: given.name, what: reading.wrong, fix: reading.fix });
		} else values.set(known.dotted, reading.value);
	}
	const unknown = unknownKeys(document.table, document.where);
	problems.push(...unknown.errors);
	// Rules over several keys can only be judged when every single value could be read.
	if (problems.length === 0) problems.push(...brokenRules(values, origins, sources.file));
	if (problems.length > 0) throw new ConfigError(problems);
	const warnings = [...unknown.unknown, ...unknown.without, ...mistypedVariables(sources.environment)];
	return { config: buildConfig(sources.home, values), values, warnings, unknown: unknown.unknown, origins };
}

/** The configuration of `cairn init`: all defaults. */
export function defaultConfig(home: string, hostname: string): ResolvedConfig {
	return resolveConfig({ home, environment: {}, flags: new Map(), hostname });
}

interface Document {
	readonly table: Readonly<Record<string, unknown>>;
	/** Values by lower-case dotted key. */
	readonly values: ReadonlyMap<string, unknown>;
	readonly where: (dotted: string) => string;
}

const emptyDocument: Document = { table: {}, values: new Map(), where: () => DEFAULT_ORIGIN };

function readDocument(file: ConfigFile): Document {
	let table: Readonly<Record<string, unknown>>;
	try {
		table = parse(file.text, { integersAsBigInt: "asNeeded" });
	} catch (error) {
		const line = error instanceof TomlError ? `:${error.line}` : "";
		const what =
			error instanceof Error ? (error.message.split("\n")[0] ?? "").replace(/^Invalid TOML document: /, "") : "";
		throw new ConfigError([
			{
				where: `${file.path}${line}`,
				key: "",
				what: `is not TOML: ${what}`,
				fix: "mend the line; texts need double quotes",
			},
		]);
	}
	const lines: KeyLines = locateKeys(file.text);
	const where = (key: string) => {
		const line = lines.get(key.toLowerCase());
		return line === undefined ? file.path : `${file.path}:${line}`;
	};
	return { table, values: flatten(table), where };
}

function flatten(table: Readonly<Record<string, unknown>>, prefix = ""): Map<string, unknown> {
	const flat = new Map<string, unknown>();
	for (const [name, value] of Object.entries(table)) {
		const path = `${prefix}${name}`.toLowerCase();
		flat.set(path, value);
		if (isTable(value)) for (const [inner, item] of flatten(value, `${path}.`)) flat.set(inner, item);
	}
	return flat;
}

/** Whether a TOML value is a table (dates are objects too). */
export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

interface Given {
	readonly raw: unknown;
	readonly where: string;
	/** How the source names the key; empty where `where` already does. */
	readonly name: string;
}

function firstGiven(known: KnownKey, sources: ConfigSources, document: Document): Given | undefined {
	const flag = sources.flags.get(known.dotted);
	if (flag !== undefined) return { raw: flag, where: `flag --${flagName(known)}`, name: "" };
	const variable = fromEnvironment(sources.environment, known);
	if (variable !== undefined)
		return { raw: variable.value, where: `environment variable ${variable.variable}`, name: "" };
	const raw = document.values.get(known.dotted);
	return raw === undefined ? undefined : { raw, where: document.where(known.dotted), name: known.dotted };
}

/** Name of a key's flag, without the dashes. */
export function flagName(known: KnownKey): string {
	return known.key.flag?.name ?? known.dotted;
}

function brokenRules(
	values: FlatValues,
	origins: ReadonlyMap<string, string>,
	file: ConfigFile | undefined,
): ConfigProblem[] {
	const libp2p = values.get("p2p.libp2p.enabled") === true;
	const found: ConfigProblem[] = [];
	const add = (path: string, breach: RuleBreach) => {
		const key = path === "" ? breach.key : `${path}.${breach.key}`;
		const origin = origins.get(key) ?? DEFAULT_ORIGIN;
		const where = origin === DEFAULT_ORIGIN ? (file?.path ?? "configuration") : origin;
		// A flag and a variable already name the key.
		const shownKey = where.startsWith("flag ") || where.startsWith("environment ") ? "" : key;
		found.push({ where, key: shownKey, what: breach.what, fix: breach.fix });
	};
	for (const section of SECTIONS) {
		if (section.path.startsWith("p2p.libp2p.") && !libp2p) continue;
		for (const breach of section.breaches(sectionValues(section, values))) add(section.path, breach);
	}
	if (values.get("mempool.type") === "nop" && values.get("consensus.create_empty_blocks") === false) {
		add("consensus", {
			key: "create_empty_blocks",
			what: 'cannot be false with mempool.type = "nop", where no transaction ever waits',
			fix: "write true, or another mempool.type",
		});
	}
	return found;
}

/** Puts flat values into the nested form. Their types are those of the schema, which made them. */
function buildConfig(home: string, values: FlatValues): Config {
	const root: Record<string, unknown> = { paths: resolvePaths(home, values) };
	for (const section of SECTIONS) {
		const names = section.path === "" ? ["base"] : section.path.split(".").map(camelCase);
		let folder = root;
		for (const name of names) {
			const inner = folder[name] ?? {};
			folder[name] = inner;
			folder = inner as Record<string, unknown>;
		}
		Object.assign(folder, sectionValues(section, values));
	}
	return root as unknown as Config;
}

/** A value for people: as config.toml would show it. */
export function shownValue(known: KnownKey, values: FlatValues): string {
	const value = values.get(known.dotted);
	return value === undefined ? shown(value) : known.key.kind.write(value);
}
