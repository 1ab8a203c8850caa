import { resolve } from "node:path";
import { CairnError } from "@cairn/kit";
import { type Command, InvalidArgumentError, Option } from "commander";
import { boolean, duration, integer } from "../config/kinds.ts";
import { MAX_DEVICES, MAX_VALIDATORS, UP_DEFAULTS, type UpOptions } from "../up/options.ts";
import type { CliContext } from "./context.ts";
import { booleanOption, numberOption } from "./option.ts";
import type { GlobalOptions } from "./session.ts";

interface Options extends GlobalOptions {
	readonly validators?: number;
	readonly devices?: number;
	readonly duration?: number;
	readonly fresh: boolean;
	readonly baseIp?: string;
	readonly basePort?: number;
	readonly report?: string;
	readonly tui: boolean;
}

/** `cairn up`: a whole network with a fleet of devices on this machine. */
export function addUp(program: Command, context: CliContext): void {
	const { home, validators, devices, baseIp, basePort } = UP_DEFAULTS;
	const count = (max: number, min: number) => integer({ min, max: BigInt(max) });
	program
		.command("up")
		.summary("run a network of validators with a fleet of devices on this machine")
		.description(
			"run a network of validators, each a process with its own home folder, and a fleet of simulated devices that\n" +
				"send signed readings through RPC. The first start makes the folder, the next ones continue the chain.\n\n" +
				`Its home is ./${home} unless --home says otherwise. Node i listens on ports base + 10 i (peers), + 1 (RPC) and\n` +
				"+ 2 (metrics). At the end all nodes are compared; the exit code is 0 only if they agree.",
		)
		.addOption(
			numberOption("validators", `validators of a new network (default: ${validators})`, count(MAX_VALIDATORS, 1)),
		)
		.addOption(numberOption("devices", `devices of a new network (default: ${devices})`, count(MAX_DEVICES, 0)))
		.addOption(durationOption())
		.addOption(booleanOption("fresh", "remove the network in the home folder and begin a new chain").default(false))
		.option("--base-ip <ip>", `address that all nodes listen on (default: ${baseIp})`)
		.addOption(numberOption("base-port", `first port of the first node (default: ${basePort})`, count(65_535, 1)))
		.option("--report <file>", "where the report is written (default: report.json in the home folder)")
		.addOption(noTuiOption())
		.action(async (_: unknown, command: Command) => up(context, command.optsWithGlobals<Options>()));
}

function durationOption(): Option {
	const help = "stop after this time, for example 30s or 1h30m (default: run until Ctrl-C)";
	return new Option("--duration <time>", help).argParser((text) => {
		const reading = duration().read(text);
		if ("wrong" in reading) throw new InvalidArgumentError(`${reading.wrong}; ${reading.fix}`);
		if (reading.value === 0) throw new InvalidArgumentError('it is zero; write for example "30s"');
		return reading.value;
	});
}

/** A flag that turns something off: its value says whether to. */
function noTuiOption(): Option {
	const help = "print plain lines, also on a terminal";
	return new Option("--no-tui [true|false]", help).argParser((text) => {
		const reading = boolean().read(text);
		if ("wrong" in reading) throw new InvalidArgumentError(`${reading.wrong}; ${reading.fix}`);
		return !reading.value;
	});
}

/** @throws CairnError `usage` for an empty path */
function pathOf(flag: string, text: string): string {
	if (text === "") throw new CairnError("usage", "operator", `${flag} is empty; give a path, or leave it out`);
	return resolve(text);
}

export function upOptions(options: Options): UpOptions {
	return {
		home: pathOf("--home", options.home ?? UP_DEFAULTS.home),
		validators: options.validators ?? null,
		devices: options.devices ?? null,
		durationMs: options.duration ?? null,
		fresh: options.fresh,
		baseIp: options.baseIp ?? null,
		basePort: options.basePort ?? null,
		reportFile: options.report === undefined ? null : pathOf("--report", options.report),
		tui: options.tui,
	};
}

async function up(context: CliContext, options: Options): Promise<void> {
	const agree = await context.runUp(upOptions(options));
	if (agree) return;
	throw new CairnError(
		"up-disagree",
		"operator",
		"the nodes do not agree; the report says where, their logs may say why",
	);
}
