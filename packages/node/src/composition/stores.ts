import { CairnError, type KeyValueStore, type World } from "@cairn/kit";
import { BlockStore, EvidenceStore, StateStore } from "@cairn/storage";
import { type ChainState, type GenesisDoc, genesisState, genesisToJson, parseGenesis } from "@cairn/types";
import type { Config } from "../config/schema.ts";

/** The databases of a home folder, under CometBFT's names. */
export interface Stores {
	readonly blockStore: BlockStore;
	readonly stateStore: StateStore;
	readonly evidenceStore: EvidenceStore;
	readonly genesis: GenesisDoc;
	readonly state: ChainState;
	close(): Promise<void>;
}

/**
 * Opens block store, state store and evidence, and finds the state to go on from: the stored one, or genesis.
 * The genesis document that a chain was started with is kept in the state store and wins over the file.
 */
export async function openStores(config: Config, world: World): Promise<Stores> {
	const folder = config.paths.dbDir;
	await world.disk.makeDirectory(folder);
	const opened: KeyValueStore[] = [];
	try {
		for (const name of ["blockstore", "state", "evidence"]) {
			opened.push(await world.disk.openStore(`${folder}/${name}.db`));
		}
		const [blocks, states, evidence] = opened;
		if (blocks === undefined || states === undefined || evidence === undefined) throw new Error("stores did not open");
		const blockStore = BlockStore.open(blocks);
		const stateStore = StateStore.open(states, { discardResponses: config.storage.discardAbciResponses });
		const genesis = await loadGenesis(config, world, states);
		const state = stateStore.load() ?? genesisState(genesis);
		const close = async (): Promise<void> => {
			for (const store of opened) await store.close();
		};
		return { blockStore, stateStore, evidenceStore: EvidenceStore.open(evidence), genesis, state, close };
	} catch (cause) {
		for (const store of opened) await store.close();
		throw cause;
	}
}

/** Where CometBFT keeps the genesis document in the state database. */
const GENESIS_KEY = new TextEncoder().encode("genesisDoc");

async function loadGenesis(config: Config, world: World, states: KeyValueStore): Promise<GenesisDoc> {
	const stored = states.get(GENESIS_KEY);
	if (stored !== undefined && stored.length > 0) return parseGenesis(new TextDecoder().decode(stored));
	const file = config.paths.genesisFile;
	const bytes = await world.disk.read(file);
	if (bytes === undefined) {
		throw new CairnError(
			"no-genesis",
			"operator",
			`${file} does not exist: run \`cairn init\`, or copy the network's genesis file there`,
		);
	}
	const genesis = parseGenesis(new TextDecoder().decode(bytes));
	checkEngine(genesis, file);
	await states.write([{ key: GENESIS_KEY, value: new TextEncoder().encode(genesisToJson(genesis)) }], { sync: true });
	return genesis;
}

/** A chain states its rules; this node must not join one whose rules it does not have. */
function checkEngine({ consensusEngine: { name, rules } }: GenesisDoc, file: string): void {
	if (name === "tendermint" && rules === "v0.40") return;
	const text = `${file}: consensus_engine is ${name} with rules ${rules}; this version of Cairn runs tendermint with rules v0.40 only`;
	throw new CairnError("unknown-engine", "operator", text, { name, rules });
}
