import { nearest } from "./nearest.ts";
import type { ConfigProblem } from "./problem.ts";
import { KNOWN_KEYS, type KnownKey } from "./schema.ts";

/** Environment variables, as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A value from the environment and the variable that it came from. */
export interface FromEnvironment {
	readonly variable: string;
	readonly value: string;
}

/**
 * Name of a key's variable without prefix: `P2P_LADDR`, `MEMPOOL_KEEP_INVALID_TXS_IN_CACHE`; keys of [cairn] without
 * `CAIRN_`.
 */
export function variableOf(known: Pick<KnownKey, "dotted">): string {
	return known.dotted
		.replace(/^cairn\./, "")
		.replace(/[.-]/g, "_")
		.toUpperCase();
}

/**
 * Looks a variable up: `CAIRN_<name>`, then CometBFT's `CMT<name>` and `CMT_<name>` (libs/cli/setup.go copies the
 * former over the latter). An empty variable counts as absent, as in CometBFT.
 */
export function lookup(environment: Environment, name: string, cometToo = true): FromEnvironment | undefined {
	const variables = cometToo ? [`CAIRN_${name}`, `CMT${name}`, `CMT_${name}`] : [`CAIRN_${name}`];
	for (const variable of variables) {
		const value = environment[variable];
		if (value !== undefined && value !== "") return { variable, value };
	}
	return undefined;
}

/** The value of one key in the environment. */
export function fromEnvironment(environment: Environment, known: KnownKey): FromEnvironment | undefined {
	if (known.key.fileOnly) return undefined;
	return lookup(environment, variableOf(known), known.section.path !== "cairn");
}

/** Warnings for `CAIRN_…` variables that look like a mistyped name of a key. */
export function mistypedVariables(environment: Environment): readonly ConfigProblem[] {
	const names = new Set(["HOME", "TRACE", ...KNOWN_KEYS.map(variableOf)]);
	const found: ConfigProblem[] = [];
	for (const variable of Object.keys(environment).sort()) {
		const name = /^CAIRN_(.+)$/.exec(variable)?.[1];
		if (name === undefined || names.has(name)) continue;
		const meant = nearest(name, names);
		if (meant === undefined) continue;
		found.push({
			where: `environment variable ${variable}`,
			key: "",
			what: "is no key of the configuration and is ignored",
			fix: `did you mean CAIRN_${meant}?`,
		});
	}
	return found;
}
