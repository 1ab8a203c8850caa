import { CairnError, type Logger } from "@cairn/kit";
import { lookup } from "../config/environment.ts";
import { chooseHome } from "../config/home.ts";
import { boolean } from "../config/kinds.ts";
import { loadConfig } from "../config/load.ts";
import { problemText } from "../config/problem.ts";
import type { ResolvedConfig } from "../config/resolve.ts";
import type { Config } from "../config/schema.ts";
import { type LogLevels, parseLogLevels } from "../log/level.ts";
import { createLogger } from "../log/logger.ts";
import type { CliContext } from "./context.ts";

/** Flags that every command takes. */
export interface GlobalOptions {
	readonly home?: string;
	readonly log_level?: string;
}

/** The home folder that a command works on. @throws CairnError `usage` for an empty `--home` */
export function homeOf(context: CliContext, options: GlobalOptions): string {
	if (options.home === "") {
		throw new CairnError("usage", "operator", "--home is empty; give a folder, or leave it out for the default");
	}
	return chooseHome(options.home, context.environment, context.userFolder).path;
}

/** Reads the configuration of the home folder, with the flags of `start` where there are any. @throws ConfigError */
export async function readConfig(
	context: CliContext,
	options: GlobalOptions,
	flags: ReadonlyMap<string, string> = new Map(),
): Promise<ResolvedConfig> {
	const all = new Map(flags);
	if (options.log_level !== undefined) all.set("log_level", options.log_level);
	const { environment, hostname } = context;
	return loadConfig(context.world.disk, { home: homeOf(context, options), environment, flags: all, hostname });
}

/** As `readConfig`, with the warnings on standard error: standard output belongs to the command's result. */
export async function readConfigAloud(context: CliContext, options: GlobalOptions): Promise<ResolvedConfig> {
	const resolved = await readConfig(context, options);
	for (const warning of resolved.warnings) context.printError(`WARNING ${problemText(warning)}\n`);
	return resolved;
}

/** The logger that a configuration asks for, on standard output as CometBFT's. */
export function loggerFor(context: CliContext, config: Config): Logger {
	const { logColor } = config.cairn;
	return createLogger({
		format: config.base.logFormat,
		levels: levelsOf(config.base.logLevel),
		color: logColor === "always" || (logColor === "auto" && context.isTerminal),
		wall: () => context.world.clock.wall(),
		write: (line) => context.print(line),
	}).child({ module: "main" });
}

function levelsOf(text: string): LogLevels {
	const levels = parseLogLevels(text);
	// The configuration was checked: this is for a level that never was.
	return "fallback" in levels ? levels : { fallback: "info", modules: new Map() };
}

/** Whether stacks are to be printed: `--trace` or a variable. */
export function isTracing(context: CliContext, flag: unknown): boolean {
	if (flag !== undefined) return flag === true;
	const reading = boolean().read(lookup(context.environment, "TRACE")?.value);
	return "value" in reading && reading.value;
}
