import { CairnError } from "@cairn/kit";
import { Command, CommanderError } from "commander";
import { nearest } from "../config/nearest.ts";
import { type KnownFlag, normalArguments } from "./arguments.ts";
import { addConfig } from "./config.ts";
import { type CliContext, EXIT } from "./context.ts";
import { reportFailure } from "./failure.ts";
import { addGenNodeKey } from "./gen-node-key.ts";
import { addGenValidator } from "./gen-validator.ts";
import { addInit } from "./init.ts";
import { booleanOption } from "./option.ts";
import { addReset } from "./reset.ts";
import { isTracing } from "./session.ts";
import { addShowNodeId } from "./show-node-id.ts";
import { addShowValidator } from "./show-validator.ts";
import { addStart, StoppedByError } from "./start.ts";
import { addTestnet } from "./testnet.ts";
import { addUp } from "./up.ts";
import { addVersion, VERSION } from "./version.ts";

/** The whole command line. Nothing is printed or ended but through the context. */
export function createProgram(context: CliContext): Command {
	const program = new Command("cairn")
		.description("Byzantine fault tolerant consensus for physical infrastructure; speaks CometBFT")
		.option("--home <folder>", "home folder (default: $CAIRN_HOME, $CMTHOME or ~/.cairn)")
		.option("--log_level <level>", "what is logged: info, or consensus:debug,*:error")
		.addOption(booleanOption("trace", "print stacks with errors"))
		.version(VERSION, "-V, --version", "print the version")
		.showSuggestionAfterError(false)
		.configureHelp({ showGlobalOptions: true })
		.configureOutput({
			writeOut: (text) => context.print(text),
			// Errors come out of `runCli` in one form.
			writeErr: () => {},
		})
		.exitOverride();
	for (const add of COMMANDS) add(program, context);
	return program;
}

const COMMANDS = [
	addInit,
	addTestnet,
	addStart,
	addUp,
	addShowNodeId,
	addShowValidator,
	addGenNodeKey,
	addGenValidator,
	addReset,
	addConfig,
	addVersion,
];

/** Runs one command line, prints what went wrong, and gives the exit code. Never throws. */
export async function runCli(args: readonly string[], context: CliContext): Promise<number> {
	const program = createProgram(context);
	const normal = normalArguments(args, flagsOf(program));
	try {
		if (normal.length === 0) {
			context.print(program.helpInformation());
			return EXIT.ok;
		}
		await program.parseAsync(normal, { from: "user" });
		return EXIT.ok;
	} catch (error) {
		if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
		const trace = isTracing(context, program.opts().trace);
		if (error instanceof StoppedByError) return reportFailure(error.cause, trace).code;
		const { text, code } = reportFailure(withSuggestion(error, program, normal), trace);
		context.printError(text);
		return code;
	}
}

function flagsOf(program: Command): readonly KnownFlag[] {
	const all = [program, ...subcommands(program)].flatMap((command) => command.options);
	return all.flatMap(({ long, required, optional }) =>
		long == null || long === "--version" ? [] : [{ long, isBoolean: optional && !required }],
	);
}

function subcommands(command: Command): readonly Command[] {
	return command.commands.flatMap((inner) => [inner, ...subcommands(inner)]);
}

/** Adds to the parser's complaint what was probably meant, hidden flags included. */
function withSuggestion(error: unknown, program: Command, args: readonly string[]): unknown {
	if (!(error instanceof CommanderError)) return error;
	const named = /'([^']*)'/.exec(error.message)?.[1] ?? "";
	const command = commandOf(program, args);
	const path = command === program ? "cairn" : `cairn ${command.name()}`;
	if (error.code === "commander.unknownCommand") {
		return usage(
			`unknown command "${named}"`,
			nearest(named, commandNames(command)),
			`${path} --help lists all commands`,
		);
	}
	if (error.code === "commander.unknownOption") {
		const flag = named.replace(/=.*$/s, "");
		const flags = [...command.options, ...program.options].flatMap(({ long }) => (long == null ? [] : [long]));
		return usage(`unknown flag ${flag} of ${path}`, nearest(flag, flags), `${path} --help lists all flags`);
	}
	if (error.code === "commander.excessArguments") {
		const surplus = `${path} takes flags only, there is a surplus argument`;
		return usage(surplus, undefined, "flags that are true or false take their value after =, as in --p2p.pex=false");
	}
	if (error.code === "commander.help")
		return usage(`${path} needs a command`, undefined, `${path} --help lists all commands`);
	return error;
}

function usage(what: string, meant: string | undefined, otherwise: string): CairnError {
	const hint = meant === undefined ? otherwise : `did you mean ${meant}?`;
	return new CairnError("usage", "operator", `${what}; ${hint}`);
}

function commandNames(command: Command): readonly string[] {
	return command.commands.flatMap((inner) => [inner.name(), ...inner.aliases()]);
}

/** The command that the arguments reached. */
function commandOf(program: Command, args: readonly string[]): Command {
	let at = program;
	for (const arg of args) {
		at = at.commands.find((inner) => inner.name() === arg || inner.aliases().includes(arg)) ?? at;
	}
	return at;
}
