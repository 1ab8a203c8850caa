import type { KeyType } from "@cairn/crypto";
import { type Logger, toUpperHex, type World } from "@cairn/kit";
import { genesisToJson } from "@cairn/types";
import type { FlatValues } from "../config/schema.ts";
import { renderConfig } from "../config/template.ts";
import { genesisValidator, newGenesis } from "./genesis.ts";
import { ensureNodeKey, ensureValidator, makeFolders, writePublic } from "./home-files.ts";
import type { PlannedNode } from "./testnet-plan.ts";

/** What the home folders of a new network are made of. */
export interface NewNetwork {
	readonly nodes: readonly PlannedNode[];
	readonly keyType: KeyType;
	readonly chainId: string;
	/** 0: the first one. */
	readonly initialHeight: number;
	/** JSON for the application's beginning; empty for none. */
	readonly appState: string;
	/** Values that every config.toml starts from. */
	readonly values: FlatValues;
	/** Write all nodes into each config.toml. */
	readonly populatePeers: boolean;
}

/**
 * Makes the home folders of a whole network, with one genesis for all (commands/testnet.go). Keys that are there stay;
 * addresses of private networks are allowed, and several peers at one address.
 */
export async function makeNetworkHomes(world: World, logger: Logger, network: NewNetwork): Promise<void> {
	const { nodes, keyType, chainId, initialHeight, appState } = network;
	const validators = [];
	const peers = [];
	for (const node of nodes) {
		await makeFolders(world.disk, node.paths);
		const publicKey = await ensureValidator(world, logger, node.paths, keyType);
		const { id } = await ensureNodeKey(world, logger, node.paths);
		if (node.isValidator) validators.push(genesisValidator(publicKey, 1n, node.name));
		peers.push(`${id}@${node.host}:${node.p2pPort}`);
	}
	const genesisTime = world.clock.wall();
	const genesis = newGenesis({ chainId, genesisTime, initialHeight, validators, keyType, appState });
	for (const node of nodes) await writePublic(world.disk, node.paths.genesisFile, genesisToJson(genesis));
	for (const node of nodes) {
		const values = new Map(network.values)
			.set("p2p.addr_book_strict", false)
			.set("p2p.allow_duplicate_ip", true)
			.set("moniker", node.moniker ?? toUpperHex(world.random.bytes(8)));
		if (network.populatePeers) values.set("p2p.persistent_peers", peers.join(","));
		for (const [key, value] of node.ownValues) values.set(key, value);
		await writePublic(world.disk, node.paths.configFile, renderConfig(values));
	}
}
