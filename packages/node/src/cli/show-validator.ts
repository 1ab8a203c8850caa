import { CairnError } from "@cairn/kit";
import type { Command } from "commander";
import type { CliContext } from "./context.ts";
import { type GlobalOptions, readConfigAloud } from "./session.ts";

/** `cairn show-validator`: the public key that this node votes with. */
export function addShowValidator(program: Command, context: CliContext): void {
	program
		.command("show-validator")
		.alias("show_validator")
		.description("print the public key that this node votes with, as JSON")
		.action(async (_: unknown, command: Command) => showValidator(context, command.optsWithGlobals<GlobalOptions>()));
}

async function showValidator(context: CliContext, options: GlobalOptions): Promise<void> {
	const { config } = await readConfigAloud(context, options);
	const path = config.paths.privValidatorKeyFile;
	const { readValidatorKey } = await import("./home-files.ts");
	const key = await readValidatorKey(context.world.disk, path);
	if (key === undefined) {
		const hint = `run cairn init --home ${config.paths.home}, or choose another home`;
		throw new CairnError("signer-key-file", "operator", `private validator file ${path} does not exist; ${hint}`, {
			path,
		});
	}
	const { publicKeyToJson } = await import("@cairn/crypto");
	context.print(`${JSON.stringify(publicKeyToJson(key))}\n`);
}
