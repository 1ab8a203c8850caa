import { basename, dirname, join, relative } from "node:path";
import { CairnError, type Disk, type Logger } from "@cairn/kit";
import type { Command } from "commander";
import type { Config, ConfigPaths } from "../config/schema.ts";
import type { CliContext } from "./context.ts";
import { booleanOption } from "./option.ts";
import { type GlobalOptions, loggerFor, readConfigAloud } from "./session.ts";

interface ResetAllOptions extends GlobalOptions {
	readonly keepAddrBook: boolean;
}

/** `cairn unsafe-reset-all`, `reset-state` and `unsafe-reset-priv-validator` (commands/reset.go). */
export function addReset(program: Command, context: CliContext): void {
	program
		.command("unsafe-reset-all")
		.alias("unsafe_reset_all")
		.description("(unsafe) remove all data and the address book; forget what the validator key has signed")
		.addOption(booleanOption("keep-addr-book", "keep the address book").default(false))
		.action(async (_: unknown, command: Command) => resetAll(context, command.optsWithGlobals<ResetAllOptions>()));
	program
		.command("reset-state")
		.alias("reset_state")
		.description("remove blocks, state, logs and indexes; the application's data and the validator's state stay")
		.action(async (_: unknown, command: Command) => resetState(context, command.optsWithGlobals<GlobalOptions>()));
	program
		.command("unsafe-reset-priv-validator")
		.alias("unsafe_reset_priv_validator")
		.description("(unsafe) forget what the validator key has signed")
		.action(async (_: unknown, command: Command) =>
			resetPrivValidator(context, command.optsWithGlobals<GlobalOptions>()),
		);
}

async function opened(
	context: CliContext,
	options: GlobalOptions,
): Promise<{ config: Config; logger: Logger; disk: Disk }> {
	const { config } = await readConfigAloud(context, options);
	return { config, logger: loggerFor(context, config), disk: context.world.disk };
}

async function resetAll(context: CliContext, options: ResetAllOptions): Promise<void> {
	const { config, logger, disk } = await opened(context, options);
	const { paths } = config;
	refuseSharedFolder(paths);
	const { readValidatorKey, resetValidator } = await import("./home-files.ts");
	// Before anything is gone: a key file that cannot be read stops the command.
	await readValidatorKey(disk, paths.privValidatorKeyFile);
	if (options.keepAddrBook) logger.info("The address book remains intact");
	else if ((await disk.size(paths.addrBookFile)) !== undefined) {
		await disk.remove(paths.addrBookFile);
		logger.info("Removed existing address book", { file: paths.addrBookFile });
	}
	await disk.remove(paths.dbDir);
	logger.info("Removed all blockchain history", { dir: paths.dbDir });
	await disk.makeDirectory(paths.dbDir);
	await removeLog(disk, logger, paths);
	await resetValidator(context.world, logger, paths);
}

async function resetState(context: CliContext, options: GlobalOptions): Promise<void> {
	const { config, logger, disk } = await opened(context, options);
	const there = new Set(await disk.list(config.paths.dbDir));
	for (const name of CHAIN_DATA) {
		if (!there.has(name)) continue;
		await disk.remove(join(config.paths.dbDir, name));
		// CometBFT's words, which are others for the index.
		logger.info(name === "tx_index.db" ? `Removed ${name}` : `Removed all ${name}`, {
			dir: join(config.paths.dbDir, name),
		});
	}
	await removeLog(disk, logger, config.paths);
	await disk.makeDirectory(config.paths.dbDir);
}

/** What `reset-state` removes from the folder of databases: what the node can fetch again from its peers. */
const CHAIN_DATA = ["blockstore.db", "state.db", "cs.wal", "evidence.db", "tx_index.db"];

async function resetPrivValidator(context: CliContext, options: GlobalOptions): Promise<void> {
	const { config, logger } = await opened(context, options);
	const { resetValidator } = await import("./home-files.ts");
	await resetValidator(context.world, logger, config.paths);
}

/**
 * Removes the consensus log where `consensus.wal_file` puts it elsewhere: over new databases it would be another
 * chain's.
 */
async function removeLog(disk: Disk, logger: Logger, paths: ConfigPaths): Promise<void> {
	const folder = dirname(paths.walFile);
	const head = basename(paths.walFile);
	for (const name of await disk.list(folder)) {
		if (name !== head && !(name.startsWith(`${head}.`) && /^\d+$/.test(name.slice(head.length + 1)))) continue;
		await disk.remove(join(folder, name));
		logger.info("Removed consensus log", { file: join(folder, name) });
	}
}

/** `db_dir = "."` would take keys, genesis and configuration along. */
function refuseSharedFolder(paths: ConfigPaths): void {
	const kept = [paths.home, paths.configFile, paths.genesisFile, paths.nodeKeyFile, paths.privValidatorKeyFile];
	const lost = kept.find((path) => !relative(paths.dbDir, path).startsWith(".."));
	if (lost === undefined) return;
	throw new CairnError(
		"reset",
		"operator",
		`refused: ${lost} is inside ${paths.dbDir}, which would be removed; ` +
			"give db_dir a folder of its own, or use reset-state",
		{ dbDir: paths.dbDir, lost },
	);
}
