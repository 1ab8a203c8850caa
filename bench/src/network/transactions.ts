import { CAIRN, type Program, TestNetwork } from "@cairn/e2e";
import { runLoad } from "./load.ts";
import { type Figure, type Keys, programsToMeasure, show, times, usageOfAll } from "./programs.ts";

export interface TransactionOptions {
	readonly only: string;
	readonly validators: number;
	readonly perSecond: number;
	readonly seconds: number;
	readonly warmupSeconds: number;
	/** The configuration in which CometBFT was measured to be at its best, for both. */
	readonly best: boolean;
	/** Folder for a CPU profile of one of our nodes; "" for none. */
	readonly profile: string;
}

const TX_BYTES = 256;

/** CometBFT's defaults, the indexer with them, but room for the transactions of a second or more. */
const DEFAULT_KEYS: Keys = [
	["mempool", "size", "50000"],
	["mempool", "cache_size", "100000"],
	["", "log_level", '"error"'],
];

const BEST_KEYS: Keys = [
	...DEFAULT_KEYS,
	["tx_index", "indexer", '"null"'],
	["mempool", "recheck", "false"],
	["storage", "discard_abci_responses", "true"],
	["consensus", "timeout_commit", '"0s"'],
	["consensus", "peer_gossip_sleep_duration", '"10ms"'],
	["p2p", "flush_throttle_timeout", '"2ms"'],
	["p2p", "send_rate", "512000000"],
	["p2p", "recv_rate", "512000000"],
	["p2p", "max_packet_msg_payload_size", "65000"],
];

/** An open loop of transactions over WebSocket to all nodes in turn. */
export async function measureTransactions(options: TransactionOptions): Promise<void> {
	const results = new Map<string, readonly Figure[]>();
	for (const [name, program] of programsToMeasure(options.only))
		results.set(name, await measure(name, program, options));
	const { validators, perSecond, seconds, best } = options;
	const title = `${validators} validators, ${perSecond} transactions of ${TX_BYTES} bytes a second for ${seconds} s`;
	show(`${title}, ${best ? "best" : "default"} configuration`, results);
}

async function measure(name: string, program: Program, options: TransactionOptions): Promise<readonly Figure[]> {
	const network = await TestNetwork.create({
		programs: times(program, options.validators),
		keys: options.best ? BEST_KEYS : DEFAULT_KEYS,
	});
	const profiled = network.nodes[1];
	if (options.profile !== "" && program === CAIRN && profiled !== undefined) {
		const [node = "", ...rest] = CAIRN;
		profiled.program = [node, "--cpu-prof", `--cpu-prof-dir=${options.profile}`, ...rest];
	}
	try {
		network.startAll();
		await network.reachAll(3);
		const ports = network.nodes.map((node) => node.rpcPort);
		const offer = { perSecond: options.perSecond, txBytes: TX_BYTES };
		// Programs that compile as they run, and heaps that grow, are measured when they have settled.
		await runLoad(ports, { ...offer, run: `${name}-warm`, seconds: options.warmupSeconds });
		const before = usageOfAll(network.nodes);
		const load = await runLoad(ports, { ...offer, run: name, seconds: options.seconds });
		const after = usageOfAll(network.nodes);
		if (options.profile !== "") await profiled?.stop();
		const cpu = after.cpuSeconds - before.cpuSeconds;
		return [
			{ name: "tx/s", value: load.committedPerSecond, digits: 0 },
			{ name: "p50 ms", value: load.p50, digits: 0 },
			{ name: "p99 ms", value: load.p99, digits: 0 },
			{ name: "CPU-s/1000", value: (cpu * 1000) / Math.max(1, load.committed), digits: 3 },
			{ name: "MB/node", value: after.rssMegabytes / network.nodes.length, digits: 0 },
			{ name: "committed", value: load.committed, digits: 0 },
			{ name: "refused", value: load.refused, digits: 0 },
			{ name: "blocks", value: load.blocks, digits: 0 },
		];
	} finally {
		await network.destroy();
	}
}
