// Whole nodes on machines in memory whose power can be cut; for the tests of this package, holds no tests itself.
import { privateKeyFromSeed } from "@cairn/crypto";
import { type Disk, fromUtf8, type Logger, type Timer, toUpperHex, utf8, type World } from "@cairn/kit";
import {
	type ChannelDescriptor,
	type ChannelHandler,
	DEFAULT_SWITCHBOARD_OPTIONS,
	nodeKeyOf,
	type Peer,
	parseNodeKey,
	parsePeerAddress,
	Switchboard,
} from "@cairn/network";
import { BlockStore } from "@cairn/storage";
import { BLOCK_PROTOCOL, COMETBFT_VERSION, P2P_PROTOCOL, parseGenesis } from "@cairn/types";
import { mempool } from "@cairn/types/proto";
import { ManualTime, MemoryDisk, MemoryNetwork, SeededRandom } from "@cairn/world";
import { TestCli } from "../cli/test-context.ts";
import { loadConfig } from "../config/index.ts";
import { startNode } from "../node.ts";
import type { RunningNode, StopReason } from "../running-node.ts";

const HOME = "/home";
const STATE_FILE = "priv_validator_state.json";

/** What somebody has signed, as the state file of the signer says. */
export interface SignedStatement {
	readonly place: string;
	readonly signBytes: string;
}

/** One life of a node: what it holds of the world is dead once the power is cut. */
class Life {
	isAlive = true;
	readonly node: Promise<RunningNode>;
	readonly world: World;

	constructor(machine: Machine, start: (world: World) => Promise<RunningNode>) {
		const { time, disk, net, ip } = machine;
		const network = net.host(ip);
		const timers = {
			after: (ms: number, call: () => void): Timer => time.after(ms, () => (this.isAlive ? call() : undefined)),
		};
		const never = <T>(): Promise<T> => new Promise(() => undefined);
		this.world = {
			clock: time,
			timers,
			random: machine.random,
			disk: watched(disk, (bytes) => machine.noteSignature(bytes)),
			network: {
				listen: (address, onConnection) => (this.isAlive ? network.listen(address, onConnection) : never()),
				dial: (address, timeoutMs) => (this.isAlive ? network.dial(address, timeoutMs) : never()),
				lookup: (host) => network.lookup(host),
			},
		};
		this.node = start(this.world);
	}
}

/** The same disk, telling of every state of the signer that has become durable. */
function watched(disk: MemoryDisk, onSigned: (bytes: Uint8Array) => void): Disk {
	return {
		read: (path) => disk.read(path),
		writeAtomic: async (path, bytes) => {
			await disk.writeAtomic(path, bytes);
			if (path.endsWith(STATE_FILE)) onSigned(bytes);
		},
		openAppend: (path) => disk.openAppend(path),
		truncate: (path, size) => disk.truncate(path, size),
		rename: (from, to) => disk.rename(from, to),
		remove: (path) => disk.remove(path),
		makeDirectory: (path) => disk.makeDirectory(path),
		list: (path) => disk.list(path),
		size: (path) => disk.size(path),
		openStore: (path) => disk.openStore(path),
	};
}

export interface StoredChain {
	readonly hashes: readonly string[];
	readonly txs: number;
}

/** A machine with one node. Its writes take their time, so that the power can fail in the middle of them. */
export class Machine {
	readonly name: string;
	readonly ip: string;
	readonly disk: MemoryDisk;
	readonly time: ManualTime;
	readonly net: MemoryNetwork;
	readonly random: SeededRandom;
	readonly signed: SignedStatement[] = [];
	/** Hash of each block that any life has called final, by height; more than one is a fork. */
	readonly finalized = new Map<number, Set<string>>();
	/** Why nodes stopped by themselves. */
	readonly stops: StopReason[] = [];
	readonly errors: string[] = [];
	#height = 0;
	#life: Life | null = null;

	constructor(index: number, time: ManualTime, net: MemoryNetwork, random: SeededRandom) {
		this.name = `node${index}`;
		this.ip = `10.0.0.${index + 1}`;
		this.time = time;
		this.net = net;
		this.random = random;
		const slow = (operation: string): Promise<void> | undefined => {
			if (operation !== "sync" && operation !== "write") return undefined;
			const ms = (this.random.bytes(1)[0] ?? 0) / 64;
			return new Promise((resolve) => time.after(ms, resolve));
		};
		this.disk = new MemoryDisk({ delay: slow });
	}

	get isUp(): boolean {
		return this.#life !== null;
	}

	/** Height of the last block that this machine has called final, in any life. */
	get height(): number {
		return this.#height;
	}

	noteSignature(bytes: Uint8Array): void {
		const { height, round, step, signbytes } = JSON.parse(fromUtf8(bytes)) as {
			height: string;
			round: number;
			step: number;
			signbytes?: string;
		};
		if (signbytes !== undefined) this.signed.push({ place: `${height}/${round}/${step}`, signBytes: signbytes });
	}

	async start(flags: ReadonlyMap<string, string>): Promise<void> {
		const { config } = await loadConfig(this.disk, { home: HOME, environment: {}, flags, hostname: this.name });
		const logger = this.#logger();
		const life = new Life(this, (world) => startNode({ home: HOME, config, logger, world }));
		this.#life = life;
		const stop = (reason: StopReason): void => {
			if (life.isAlive) this.stops.push(reason);
		};
		life.node.then(
			(node) => node.stopped.then(stop),
			(cause: unknown) => stop({ reason: "did not start", error: cause }),
		);
	}

	/** Everything that was not synced may be lost; how much of it is, chance decides. */
	cutPower(): void {
		if (this.#life === null) return;
		this.#life.isAlive = false;
		this.#life = null;
		this.net.disconnect(this.ip);
		const chance = (most: number): number => (this.random.bytes(1)[0] ?? 0) % (most + 1);
		this.disk.crash({
			keepBytes: (_, unsynced) => chance(unsynced),
			keepBatches: () => chance(3),
		});
	}

	/** Hashes of the blocks that are on disk, and how many transactions they hold; only while the power is off. */
	async storedChain(): Promise<StoredChain> {
		const store = await this.disk.openStore(`${HOME}/data/blockstore.db`);
		const blocks = BlockStore.open(store);
		const hashes: string[] = [];
		let txs = 0;
		for (let height = 1; height <= blocks.height; height++) {
			const meta = blocks.loadBlockMeta(height);
			hashes.push(toUpperHex(meta?.blockId.hash ?? new Uint8Array(0)));
			txs += meta?.txCount ?? 0;
		}
		await store.close();
		return { hashes, txs };
	}

	#logger(): Logger {
		const note = (message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
			if (message !== "finalizing commit of block") return;
			const height = Number(fields["height"]);
			const hashes = this.finalized.get(height) ?? new Set();
			this.finalized.set(height, hashes.add(String(fields["hash"])));
			this.#height = Math.max(this.#height, height);
		};
		const logger: Logger = {
			debug: () => undefined,
			info: note,
			warn: () => undefined,
			error: (message, fields) => this.errors.push(`${message} ${JSON.stringify(fields, printable)}`),
			child: () => logger,
		};
		return logger;
	}
}

function printable(_: string, value: unknown): unknown {
	if (typeof value === "bigint") return String(value);
	return value instanceof Error ? value.stack : value;
}

/** Machines of a new network, each with its home on its own disk; nothing runs yet. */
export async function newMachines(count: number, seed: string): Promise<{ machines: Machine[]; time: ManualTime }> {
	const cli = new TestCli();
	const flags = ["--v", String(count), "--o", "/net", "--starting-ip-address", "10.0.0.1"];
	const code = await cli.run("testnet", ...flags);
	if (code !== 0) throw new Error(cli.err);
	const time = new ManualTime();
	const net = new MemoryNetwork({ time });
	const machines: Machine[] = [];
	for (let index = 0; index < count; index++) {
		const machine = new Machine(index, time, net, new SeededRandom(`${seed}/${index}`));
		const copied = copyTree(cli.world.disk, `/net/node${index}`, machine.disk, HOME);
		// Its writes wait for time to pass.
		let isCopied = false;
		void copied.finally(() => {
			isCopied = true;
		});
		while (!isCopied) await time.advance(10);
		await copied;
		machines.push(machine);
	}
	return { machines, time };
}

async function copyTree(from: Disk, source: string, to: Disk, target: string): Promise<void> {
	await to.makeDirectory(target);
	for (const name of await from.list(source)) {
		const bytes = await from.read(`${source}/${name}`);
		if (bytes === undefined) await copyTree(from, `${source}/${name}`, to, `${target}/${name}`);
		else await to.writeAtomic(`${target}/${name}`, bytes);
	}
}

/** Text of one flag map. */
export function flagsOf(values: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
	return new Map(Object.entries(values));
}

const MEMPOOL = 0x30;

/** A node of strangers without a chain: sends transactions to whoever of the machines is up. */
export class Feeder implements ChannelHandler {
	readonly name = "FEEDER";
	readonly channels: readonly ChannelDescriptor[] = [
		{
			id: MEMPOOL,
			name: "mempool",
			priority: 5,
			sendQueueCapacity: 64,
			sendQueueBytes: 1_000_000,
			receiveMessageCapacity: 5_000_000,
		},
	];
	readonly #peers = new Set<Peer>();
	readonly #board: Switchboard;
	readonly #time: ManualTime;
	readonly #addresses: readonly string[];
	readonly #dialing = new Set<string>();
	#count = 0;

	private constructor(machines: readonly Machine[], addresses: readonly string[], chainId: string) {
		const [first] = machines;
		if (first === undefined) throw new Error("there is no machine to feed");
		const { time, net } = first;
		this.#time = time;
		const nodeKey = nodeKeyOf(privateKeyFromSeed("ed25519", new Uint8Array(32).fill(99)));
		const random = new SeededRandom("feeder");
		const world: World = { clock: time, timers: time, random, disk: new MemoryDisk(), network: net.host("10.0.0.99") };
		this.#addresses = addresses;
		this.#board = new Switchboard(DEFAULT_SWITCHBOARD_OPTIONS, {
			world,
			nodeKey,
			nodeInfo: {
				protocolVersion: { p2p: P2P_PROTOCOL, block: BLOCK_PROTOCOL, app: 1n },
				id: nodeKey.id,
				listenAddress: "tcp://10.0.0.99:1",
				network: chainId,
				version: COMETBFT_VERSION,
				channels: Uint8Array.of(MEMPOOL),
				moniker: "feeder",
				other: { txIndex: "off", rpcAddress: "" },
			},
			handlers: [this],
		});
	}

	static async start(machines: readonly Machine[]): Promise<Feeder> {
		const addresses: string[] = [];
		let chainId = "";
		for (const { disk, ip } of machines) {
			const file = `${HOME}/config/node_key.json`;
			const key = await disk.read(file);
			addresses.push(`${parseNodeKey(fromUtf8(key ?? new Uint8Array(0)), file).id}@${ip}:26656`);
			const genesis = await disk.read(`${HOME}/config/genesis.json`);
			chainId = parseGenesis(fromUtf8(genesis ?? new Uint8Array(0))).chainId;
		}
		const feeder = new Feeder(machines, addresses, chainId);
		await feeder.#board.start();
		feeder.#feed();
		return feeder;
	}

	stop(): Promise<void> {
		return this.#board.stop();
	}

	addPeer(peer: Peer): void {
		this.#peers.add(peer);
	}

	removePeer(peer: Peer): void {
		this.#peers.delete(peer);
	}

	receive(): void {}

	/** Sends to whoever is connected, and dials whoever is not. */
	#feed(): void {
		for (const address of this.#addresses) void this.#dial(address);
		for (const peer of this.#peers) {
			const txs = [utf8(`key-${this.#count++}=value`)];
			peer.send(MEMPOOL, mempool.Message.encode({ sum: { kind: "txs", value: { txs } } }));
		}
		this.#time.after(10, () => this.#feed());
	}

	async #dial(address: string): Promise<void> {
		const parsed = parsePeerAddress(address);
		if (this.#dialing.has(address) || [...this.#peers].some(({ id }) => id === parsed.id)) return;
		this.#dialing.add(address);
		try {
			await this.#board.dialPeer(parsed);
		} catch {
			// The machine is down, or not yet up.
		} finally {
			this.#dialing.delete(address);
		}
	}
}
