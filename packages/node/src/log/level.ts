/** Levels from quiet to loud; `none` logs nothing at all. */
export const LOG_LEVELS = ["none", "error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What is logged: per module, and for all others. */
export interface LogLevels {
	readonly fallback: LogLevel;
	readonly modules: ReadonlyMap<string, LogLevel>;
}

/** Why a log level cannot be understood, and what would be right. */
export interface LogLevelBreach {
	readonly what: string;
	readonly fix: string;
}

const EXPECTED = "write debug, info, warn, error or none, or pairs of module:level: consensus:debug,p2p:none,*:error";

/**
 * Reads CometBFT's grammar (libs/cli/flags/log_level.go): one level, or pairs `module:level` separated by commas,
 * where `*` stands for all other modules; without `*` these log at info. Gives a breach for anything else.
 */
export function parseLogLevels(text: string): LogLevels | LogLevelBreach {
	if (text === "") return { what: "is empty", fix: EXPECTED };
	const pairs = text.includes(":") ? text.split(",") : [`*:${text}`];
	const modules = new Map<string, LogLevel>();
	let fallback: LogLevel = "info";
	for (const pair of pairs) {
		const parts = pair.split(":");
		const [module = "", name = ""] = parts;
		const level = LOG_LEVELS.find((candidate) => candidate === name);
		if (parts.length !== 2) return { what: `"${pair}" is not a pair of module:level`, fix: EXPECTED };
		if (level === undefined) return { what: `"${name}" is not a level`, fix: EXPECTED };
		if (module === "*") fallback = level;
		else modules.set(module, level);
	}
	return { fallback, modules };
}

export function logLevelBreach(text: string): LogLevelBreach | undefined {
	const parsed = parseLogLevels(text);
	return "what" in parsed ? parsed : undefined;
}

/** Whether a line of this level is written where `allowed` is set. */
export function isLogged(level: LogLevel, allowed: LogLevel): boolean {
	return LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(allowed);
}
