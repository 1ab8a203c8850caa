import type { Command } from "commander";
import type { CliContext } from "./context.ts";

interface Options {
	readonly keyType: string;
}

/** `cairn gen-validator`: prints a new validator key; no file is written. */
export function addGenValidator(program: Command, context: CliContext): void {
	program
		.command("gen-validator")
		.alias("gen_validator")
		.description("print a new validator key and its empty state as JSON, without writing a file")
		.option("--key-type <type>", "ed25519, secp256k1, secp256k1eth or ml_dsa_65", "ed25519")
		.action(async (_: unknown, command: Command) => genValidator(context, command.optsWithGlobals<Options>()));
}

async function genValidator(context: CliContext, options: Options): Promise<void> {
	const { keyTypeOf } = await import("./key-type.ts");
	const { newValidatorKey } = await import("./home-files.ts");
	const { EMPTY_GUARD, formatKeyFile, formatStateFile } = await import("@cairn/signer");
	const key = newValidatorKey(context.world, keyTypeOf(options.keyType));
	const parse = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
	const content = { Key: parse(formatKeyFile(key)), LastSignState: parse(formatStateFile(EMPTY_GUARD)) };
	context.print(`${JSON.stringify(content)}\n`);
}
