import { CairnError } from "@cairn/kit";
import type { Command } from "commander";
import { readText } from "../config/load.ts";
import type { CliContext } from "./context.ts";
import { booleanOption } from "./option.ts";
import { type GlobalOptions, readConfigAloud } from "./session.ts";

interface Options extends GlobalOptions {
	readonly libp2p: boolean;
}

/** `cairn show-node-id`: the id that peers know this node by. */
export function addShowNodeId(program: Command, context: CliContext): void {
	program
		.command("show-node-id")
		.alias("show_node_id")
		.description("print the id that peers know this node by")
		.addOption(booleanOption("libp2p", "as libp2p peer id").default(false))
		.action(async (_: unknown, command: Command) => showNodeId(context, command.optsWithGlobals<Options>()));
}

async function showNodeId(context: CliContext, options: Options): Promise<void> {
	const { config } = await readConfigAloud(context, options);
	const path = config.paths.nodeKeyFile;
	const text = await readText(context.world.disk, path);
	if (text === undefined) {
		const hint = `run cairn init --home ${config.paths.home}, or choose another home`;
		throw new CairnError("node-key", "operator", `there is no node key ${path}; ${hint}`, { path });
	}
	const { parseNodeKey } = await import("@cairn/network");
	const key = parseNodeKey(text, path);
	if (!options.libp2p) {
		context.print(`${key.id}\n`);
		return;
	}
	const { publicKeyOf } = await import("@cairn/crypto");
	const { libp2pPeerId } = await import("./libp2p-id.ts");
	context.print(`${libp2pPeerId(publicKeyOf(key.privateKey).bytes)}\n`);
}
