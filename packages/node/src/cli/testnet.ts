import { CairnError } from "@cairn/kit";
import { type Command, InvalidArgumentError } from "commander";
import { integer } from "../config/kinds.ts";
import { readText } from "../config/load.ts";
import { problemText } from "../config/problem.ts";
import { defaultConfig, type ResolvedConfig, resolveConfig } from "../config/resolve.ts";
import type { CliContext } from "./context.ts";
import { booleanOption, numberOption } from "./option.ts";
import { type GlobalOptions, loggerFor } from "./session.ts";
import type { TestnetOptions } from "./testnet-plan.ts";

interface Options extends GlobalOptions, TestnetOptions {
	readonly config?: string;
	readonly keyType: string;
}

const COUNT = integer({ min: 0, max: 10_000n });

/** `cairn testnet`: the home folders of a whole network. */
export function addTestnet(program: Command, context: CliContext): void {
	program
		.command("testnet")
		.summary("make the home folders of a whole network")
		.description(
			"make home folders of v validators and n other nodes that know each other.\n\n" +
				"Addresses of private networks are allowed in them, and several peers at one address.",
		)
		.addOption(numberOption("v", "validators", COUNT).default(4))
		.addOption(numberOption("n", "nodes that are no validators", COUNT).default(0))
		.option("--o <folder>", "where the home folders are put", "./mytestnet")
		.option("--config <file>", "config.toml to start from")
		.option("--node-dir-prefix <text>", "names of home folders are this and a number", "node")
		.addOption(
			numberOption("initial-height", "height of the first block; 0: the first one", integer({ min: 0 })).default(0),
		)
		.addOption(booleanOption("populate-persistent-peers", "write the other nodes into each config.toml").default(true))
		.option("--hostname-prefix <text>", "hosts are this, a number and the suffix: node0, node1, …", "node")
		.option("--hostname-suffix <text>", 'for example ".xyz.com": hosts are node0.xyz.com, node1.xyz.com, …', "")
		.option("--starting-ip-address <ip>", "hosts are this IPv4 address and those after it", "")
		.option("--hostname <host>", "name all hosts: repeat it for each node", collect, [])
		.addOption(
			numberOption("p2p-port", "port of the peers' addresses", integer({ min: 0, max: 65_535n })).default(26_656),
		)
		.addOption(booleanOption("random-monikers", "give the nodes random names").default(false))
		.option(
			"--key-type <type>",
			"type of the validators' keys: ed25519, secp256k1, secp256k1eth or ml_dsa_65",
			"ed25519",
		)
		.action(async (_: unknown, command: Command) => testnet(context, command.optsWithGlobals<Options>()));
}

function collect(host: string, before: readonly string[]): readonly string[] {
	if (host === "") throw new InvalidArgumentError("it is empty");
	return [...before, host];
}

async function testnet(context: CliContext, options: Options): Promise<void> {
	const { keyTypeOf } = await import("./key-type.ts");
	const { planTestnet } = await import("./testnet-plan.ts");
	const keyType = keyTypeOf(options.keyType);
	const base = await baseConfig(context, options);
	const nodes = planTestnet(options, base.values);
	const { makeNetworkHomes } = await import("./network-homes.ts");
	const { randomLetters } = await import("./random-text.ts");
	await makeNetworkHomes(context.world, loggerFor(context, base.config), {
		nodes,
		keyType,
		chainId: `chain-${randomLetters(context.world.random, 6)}`,
		initialHeight: options.initialHeight,
		appState: "",
		values: base.values,
		populatePeers: options.populatePersistentPeers,
	});
	context.print(`Successfully initialized ${nodes.length} node directories\n`);
}

/** The values that every node's config.toml starts from. */
async function baseConfig(context: CliContext, options: Options): Promise<ResolvedConfig> {
	const path = options.config;
	const flags = options.log_level === undefined ? new Map() : new Map([["log_level", options.log_level]]);
	const sources = { home: options.o, environment: {}, flags, hostname: context.hostname };
	if (path === undefined) return flags.size === 0 ? defaultConfig(options.o, context.hostname) : resolveConfig(sources);
	const text = await readText(context.world.disk, path);
	if (text === undefined)
		throw new CairnError("usage", "operator", `--config: there is no file ${path}; check the path`);
	const resolved = resolveConfig({ ...sources, file: { path, text } });
	for (const warning of resolved.warnings) context.printError(`WARNING ${problemText(warning)}\n`);
	return resolved;
}
