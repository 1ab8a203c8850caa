import type { KeyType } from "@cairn/crypto";
import type { Logger } from "@cairn/kit";
import type { Command } from "commander";
import { readConfigFile } from "../config/load.ts";
import { defaultConfig } from "../config/resolve.ts";
import type { ConfigPaths } from "../config/schema.ts";
import { renderConfig } from "../config/template.ts";
import type { CliContext } from "./context.ts";
import { type GlobalOptions, homeOf, loggerFor, readConfigAloud } from "./session.ts";

interface InitOptions extends GlobalOptions {
	readonly keyType: string;
	readonly chainId?: string;
	readonly moniker?: string;
}

/** `cairn init`: makes whatever a home lacks; what is there stays. */
export function addInit(program: Command, context: CliContext): void {
	program
		.command("init")
		.description("make a home folder: configuration, keys and the genesis of a new chain; what is there stays")
		.option(
			"--key-type <type>",
			"type of the validator's key: ed25519, secp256k1, secp256k1eth or ml_dsa_65",
			"ed25519",
		)
		.option("--chain-id <id>", "name of the new chain (default: test-chain- and random letters)")
		.option("--moniker <name>", "name of this node (default: the host's)")
		.action(async (_: unknown, command: Command) => init(context, command.optsWithGlobals<InitOptions>()));
}

async function init(context: CliContext, options: InitOptions): Promise<void> {
	const { makeFolders, writePublic } = await import("./home-files.ts");
	const { keyTypeOf } = await import("./key-type.ts");
	const keyType = keyTypeOf(options.keyType);
	const home = homeOf(context, options);
	const { disk } = context.world;
	if ((await readConfigFile(disk, home)) === undefined) {
		const { values, config } = defaultConfig(home, options.moniker ?? context.hostname);
		await makeFolders(disk, config.paths);
		await writePublic(disk, config.paths.configFile, renderConfig(values));
	}
	const { config } = await readConfigAloud(context, options);
	const logger = loggerFor(context, config);
	await makeFolders(disk, config.paths);
	await initFiles(context, logger, config.paths, { keyType, chainId: options.chainId });
}

/** What a new home is made with. */
export interface NewHome {
	readonly keyType: KeyType;
	readonly chainId: string | undefined;
}

/** Makes keys and genesis where they are missing (commands/init.go `initFilesWithConfig`). */
export async function initFiles(context: CliContext, logger: Logger, paths: ConfigPaths, home: NewHome): Promise<void> {
	const { ensureNodeKey, ensureValidator, writePublic } = await import("./home-files.ts");
	const { genesisValidator, newGenesis } = await import("./genesis.ts");
	const { genesisToJson } = await import("@cairn/types");
	const { randomLetters } = await import("./random-text.ts");
	const { world } = context;
	const publicKey = await ensureValidator(world, logger, paths, home.keyType);
	await ensureNodeKey(world, logger, paths);
	if ((await world.disk.read(paths.genesisFile)) !== undefined) {
		logger.info("Found genesis file", { path: paths.genesisFile });
		return;
	}
	const genesis = newGenesis({
		chainId: home.chainId ?? `test-chain-${randomLetters(world.random, 6)}`,
		genesisTime: world.clock.wall(),
		initialHeight: 0,
		validators: [genesisValidator(publicKey, 10n, "")],
		keyType: publicKey.type,
		appState: "",
	});
	await writePublic(world.disk, paths.genesisFile, genesisToJson(genesis));
	logger.info("Generated genesis file", { path: paths.genesisFile });
}
