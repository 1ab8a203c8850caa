import { join } from "node:path";
import { CairnError, type Disk, fromUtf8, type KeyValueStore, silentLogger, toHex, utf8, type World } from "@cairn/kit";
import { parseNodeKey } from "@cairn/network";
import { formatHostPort, parseSocketAddress } from "@cairn/world";
import { writePublic } from "../cli/home-files.ts";
import { makeNetworkHomes } from "../cli/network-homes.ts";
import { randomLetters } from "../cli/random-text.ts";
import { splitList } from "../config/peers.ts";
import { defaultConfig, type ResolvedConfig } from "../config/resolve.ts";
import { renderConfig } from "../config/template.ts";
import {
	type BaseAddress,
	checkBase,
	nodeName,
	placement,
	planNodes,
	readNodeConfig,
	type UpNode,
	upNode,
} from "./nodes.ts";
import { PORTS_PER_NODE, UP_DEFAULTS, type UpOptions } from "./options.ts";
import { parseRecord, recordToJson, type UpRecord } from "./record.ts";

/** A network's folder, locked for this process. */
export interface Layout {
	readonly home: string;
	readonly record: UpRecord;
	readonly nodes: readonly UpNode[];
	/** The chain has just been made. */
	readonly isNew: boolean;
	/** The last run did not end in order: its processes may still be going away. */
	readonly wasCutOff: boolean;
	/** Lets go of the lock and notes that the run ended in order. */
	release(): Promise<void>;
}

/** Makes the application's part of the genesis: JSON with the fleet's devices. */
export type MakeAppState = (seed: string, chainId: string, devices: number) => string;

const RECORD_FILE = "up.json";
/** Present while the network runs; what is in it is the process id. */
const RUNNING_FILE = "up.pid";
const LOCK_FOLDER = "up.lock";
/** Application that the nodes run. */
const PROXY_APP = "depin";
const SEED_SIZE = 32;
/** All that a run may leave in its folder. */
const OWN_NAMES = /^(?:up\.(?:json|pid|lock)|node\d+|report\.json)$/;

/**
 * Opens the folder of a network: makes it where there is none (or where it is to begin afresh), and holds it against
 * other runs. Nothing is touched in a folder that is not one of `cairn up`.
 * @throws CairnError `up-home` for a foreign or half-made folder, `up-running` where another run has it, `usage`
 */
export async function openLayout(
	world: World,
	options: UpOptions,
	pid: number,
	appState: MakeAppState,
): Promise<Layout> {
	const { disk } = world;
	const { home } = options;
	if ((await findRecord(disk, home)) === undefined) checkNew(options);
	const lock = await takeLock(disk, home);
	try {
		const wasCutOff = (await disk.read(join(home, RUNNING_FILE))) !== undefined;
		const found = await findRecord(disk, home);
		const isNew = found === undefined || options.fresh;
		const record = isNew ? await make(world, options, found, appState) : await reopen(world, options, found);
		const nodes = await readNodes(disk, home, record);
		await disk.writeAtomic(join(home, RUNNING_FILE), utf8(`${pid}\n`));
		const release = async (): Promise<void> => {
			await disk.remove(join(home, RUNNING_FILE));
			await lock.close();
		};
		return { home, record, nodes, isNew, wasCutOff, release };
	} catch (cause) {
		await lock.close();
		throw cause;
	}
}

/** The record of a folder, or undefined for one that is empty or not there. @throws CairnError for a foreign folder */
async function findRecord(disk: Disk, home: string): Promise<UpRecord | undefined> {
	const path = join(home, RECORD_FILE);
	const bytes = await disk.read(path);
	if (bytes !== undefined) return parseRecord(bytes, path);
	const names = await disk.list(home);
	const foreign = names.filter((name) => name !== LOCK_FOLDER && name !== RUNNING_FILE);
	if (foreign.length === 0) return undefined;
	const what = names.includes("config")
		? "is the home of a single node"
		: `was not made by cairn up: it holds ${some(foreign)}`;
	throw new CairnError("up-home", "operator", `${home} ${what}; choose an empty or new folder with --home`, { home });
}

function some(names: readonly string[]): string {
	return names.length <= 3 ? names.join(", ") : `${names.slice(0, 3).join(", ")} and ${names.length - 3} more`;
}

async function takeLock(disk: Disk, home: string): Promise<KeyValueStore> {
	await disk.makeDirectory(home);
	try {
		// A database's lock goes away with its process, however that ends; a file with a process id would stay.
		return await disk.openStore(join(home, LOCK_FOLDER));
	} catch (cause) {
		if (!(cause instanceof CairnError) || cause.code !== "store-locked") throw cause;
		const pid = fromUtf8((await disk.read(join(home, RUNNING_FILE))) ?? new Uint8Array(0)).trim();
		const who = pid === "" ? "another cairn up" : `another cairn up (process ${pid})`;
		const advice = "stop it with Ctrl-C there, or run a second network with another --home and --base-port";
		throw new CairnError("up-running", "operator", `${home} is in use by ${who}; ${advice}`, { home, pid }, cause);
	}
}

function baseOf(options: UpOptions): BaseAddress {
	return { ip: options.baseIp ?? UP_DEFAULTS.baseIp, port: options.basePort ?? UP_DEFAULTS.basePort };
}

function checkNew(options: UpOptions): void {
	checkBase(baseOf(options), options.validators ?? UP_DEFAULTS.validators);
}

/** Makes all homes. The record says `making` until the last file is written, so that a cut in between is seen. */
async function make(
	world: World,
	options: UpOptions,
	older: UpRecord | undefined,
	appState: MakeAppState,
): Promise<UpRecord> {
	const { disk, random } = world;
	const { home } = options;
	checkNew(options);
	const record: UpRecord = {
		state: "made",
		chainId: `chain-${randomLetters(random, 6)}`,
		validators: options.validators ?? UP_DEFAULTS.validators,
		devices: options.devices ?? UP_DEFAULTS.devices,
		seed: toHex(random.bytes(SEED_SIZE)),
	};
	const write = (state: UpRecord["state"]): Promise<void> =>
		disk.writeAtomic(join(home, RECORD_FILE), utf8(recordToJson({ ...record, state })));
	await write("making");
	if (older !== undefined) await removeOlder(disk, home);
	await makeNetworkHomes(world, silentLogger, {
		nodes: planNodes(home, baseOf(options), record.validators, PROXY_APP),
		keyType: "ed25519",
		chainId: record.chainId,
		initialHeight: 0,
		appState: appState(record.seed, record.chainId, record.devices),
		values: defaultConfig(home, "").values,
		populatePeers: true,
	});
	await write("made");
	return record;
}

/** Removes the nodes of an older chain, and nothing else that somebody may have put there. */
async function removeOlder(disk: Disk, home: string): Promise<void> {
	for (const name of await disk.list(home)) {
		if (OWN_NAMES.test(name) && !name.startsWith("up.")) await disk.remove(join(home, name));
	}
}

/** Checks an older network against what is asked for now, and moves it where another address is asked for. */
async function reopen(world: World, options: UpOptions, record: UpRecord): Promise<UpRecord> {
	const { home, validators, devices, baseIp, basePort } = options;
	if (record.state === "making") {
		const text = `${home} is half-made: its first start was cut off; cairn up --fresh --home ${home} begins anew`;
		throw new CairnError("up-home", "operator", text, { home });
	}
	const refuse = (flag: string, asked: number, has: number): never => {
		const advice = "leave the flag out, begin a new chain with --fresh, or choose another --home";
		throw new CairnError("usage", "operator", `${flag} ${asked}: the network in ${home} has ${has}; ${advice}`);
	};
	if (validators !== null && validators !== record.validators) refuse("--validators", validators, record.validators);
	if (devices !== null && devices !== record.devices) refuse("--devices", devices, record.devices);
	if (baseIp !== null || basePort !== null) await move(world, options, record);
	return record;
}

/** Writes other addresses into the nodes' configurations. What is already there stays untouched. */
async function move({ disk }: World, options: UpOptions, record: UpRecord): Promise<void> {
	const homes = await Promise.all(
		Array.from({ length: record.validators }, (_, index) => readHome(disk, options.home, index)),
	);
	const base = movedBase(options, homes);
	checkBase(base, record.validators);
	const addresses = new Map<string, string>();
	for (const [index, { config }] of homes.entries()) {
		const path = config.paths.nodeKeyFile;
		const { id } = parseNodeKey(fromUtf8((await disk.read(path)) ?? new Uint8Array(0)), path);
		addresses.set(id, `${id}@${formatHostPort(base.ip, base.port + PORTS_PER_NODE * index)}`);
	}
	for (const [index, { values, config }] of homes.entries()) {
		const peers = splitList(config.p2p.persistentPeers).map((peer) => addresses.get(peer.replace(/@.*$/, "")) ?? peer);
		const changed = new Map([...values, ...placement(base, index)]).set("p2p.persistent_peers", peers.join(","));
		if ([...changed].every(([key, value]) => values.get(key) === value)) continue;
		await writePublic(disk, config.paths.configFile, renderConfig(changed));
	}
}

/** What was not said stays as it is at the first node. */
function movedBase(options: UpOptions, homes: readonly ResolvedConfig[]): BaseAddress {
	const current = parseSocketAddress(homes[0]?.config.p2p.laddr ?? "");
	const { ip, port } = baseOf(options);
	if (current.kind !== "tcp") return { ip, port };
	return { ip: options.baseIp ?? current.host, port: options.basePort ?? current.port };
}

async function readHome(disk: Disk, home: string, index: number) {
	const name = nodeName(index);
	const path = join(home, name);
	const config = await readNodeConfig(disk, path, name);
	if ((await disk.size(config.config.paths.genesisFile)) !== undefined) return config;
	const advice = "put it back from a copy, or begin a new chain with --fresh";
	throw new CairnError(
		"up-home",
		"operator",
		`${path} is not whole: ${config.config.paths.genesisFile} is missing; ${advice}`,
		{
			path,
		},
	);
}

async function readNodes(disk: Disk, home: string, record: UpRecord): Promise<readonly UpNode[]> {
	const nodes: UpNode[] = [];
	for (let index = 0; index < record.validators; index++) {
		const { config } = await readHome(disk, home, index);
		nodes.push(upNode(config.paths.home, index, config));
	}
	return nodes;
}
