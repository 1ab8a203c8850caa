import { createRequire } from "node:module";
import type { Command } from "commander";
import { COMETBFT_VERSION } from "../config/sections/base.ts";
import type { CliContext } from "./context.ts";
import { booleanOption } from "./option.ts";

/** Version of this program, from its package. */
export const VERSION: string = (createRequire(import.meta.url)("../../package.json") as { version: string }).version;

/** ABCI version that applications are told (version/version.go). */
const ABCI_VERSION = "2.0.0";

/** `cairn version`. */
export function addVersion(program: Command, context: CliContext): void {
	program
		.command("version")
		.description("print the version")
		.addOption(booleanOption("verbose", "also print protocol versions, as JSON").default(false))
		.option("-v", "the same as --verbose")
		.action(async (options: { verbose: boolean; v?: true }) => {
			if (!options.verbose && options.v !== true) {
				context.print(`${VERSION}\n`);
				return;
			}
			const { BLOCK_PROTOCOL, P2P_PROTOCOL } = await import("@cairn/types");
			const versions = {
				cairn: VERSION,
				cometbft: COMETBFT_VERSION,
				abci: ABCI_VERSION,
				block_protocol: Number(BLOCK_PROTOCOL),
				p2p_protocol: Number(P2P_PROTOCOL),
				node: process.version,
			};
			context.print(`${JSON.stringify(versions, undefined, 2)}\n`);
		});
}
