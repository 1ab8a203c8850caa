import { CairnError } from "@cairn/kit";
import type { Command } from "commander";
import type { CliContext } from "./context.ts";
import { type GlobalOptions, readConfigAloud } from "./session.ts";

/** `cairn gen-node-key`: makes a node key where there is none and prints its id. */
export function addGenNodeKey(program: Command, context: CliContext): void {
	program
		.command("gen-node-key")
		.alias("gen_node_key")
		.description("make a node key for this home and print its id")
		.action(async (_: unknown, command: Command) => genNodeKey(context, command.optsWithGlobals<GlobalOptions>()));
}

async function genNodeKey(context: CliContext, options: GlobalOptions): Promise<void> {
	const { config } = await readConfigAloud(context, options);
	const { disk, random } = context.world;
	const path = config.paths.nodeKeyFile;
	if ((await disk.read(path)) !== undefined) {
		const message = `node key at ${path} already exists; show it with cairn show-node-id, or move it away first`;
		throw new CairnError("node-key", "operator", message, { path });
	}
	const { makeFolders } = await import("./home-files.ts");
	const { loadOrMakeNodeKey } = await import("@cairn/network");
	await makeFolders(disk, config.paths);
	const key = await loadOrMakeNodeKey(disk, random, path);
	context.print(`${key.id}\n`);
}
