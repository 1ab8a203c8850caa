import type { Command } from "commander";
import { readConfigFile } from "../config/load.ts";
import { ConfigError, type ConfigProblem, problemText } from "../config/problem.ts";
import { shownValue } from "../config/resolve.ts";
import { KNOWN_KEYS } from "../config/schema.ts";
import type { CliContext } from "./context.ts";
import { type GlobalOptions, homeOf, readConfig, readConfigAloud } from "./session.ts";

/** `cairn config check` and `config show`. */
export function addConfig(program: Command, context: CliContext): void {
	const config = program.command("config").description("look at the configuration");
	config
		.command("check")
		.description("find everything that is wrong in config.toml and the environment; unknown keys are errors here")
		.action(async (_: unknown, command: Command) => check(context, command.optsWithGlobals<GlobalOptions>()));
	config
		.command("show")
		.description("print the values in force and where each comes from")
		.action(async (_: unknown, command: Command) => show(context, command.optsWithGlobals<GlobalOptions>()));
}

async function check(context: CliContext, options: GlobalOptions): Promise<void> {
	const { checkForStart } = await import("../config/start-check.ts");
	const { config, origins, warnings, unknown } = await readConfig(context, options);
	const start = checkForStart(config, origins);
	const isUnknown = (problem: ConfigProblem) => unknown.includes(problem);
	for (const warning of [...warnings.filter((problem) => !isUnknown(problem)), ...start.warnings]) {
		context.printError(`WARNING ${problemText(warning)}\n`);
	}
	const errors = [...unknown, ...start.errors];
	if (errors.length > 0) throw new ConfigError(errors);
	const file = await readConfigFile(context.world.disk, homeOf(context, options));
	context.print(`${file === undefined ? `no ${config.paths.configFile}: all defaults` : file.path}: no errors\n`);
}

async function show(context: CliContext, options: GlobalOptions): Promise<void> {
	const { values, origins } = await readConfigAloud(context, options);
	for (const known of KNOWN_KEYS) {
		const value = shownValue(known, values).replace(/\s*\n\s*/g, " ");
		context.print(`${known.dotted} = ${value}  # ${origins.get(known.dotted)}\n`);
	}
}
