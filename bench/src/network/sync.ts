import { CAIRN, findProgram, type Program, setKey, TestNetwork, until } from "@cairn/e2e";
import { type Figure, type Keys, programsToMeasure, show, usageOfAll } from "./programs.ts";

export interface SyncOptions {
	readonly only: string;
	readonly blocks: number;
}

const FAST: Keys = [
	["consensus", "timeout_commit", '"0s"'],
	["consensus", "peer_gossip_sleep_duration", '"2ms"'],
	["p2p", "flush_throttle_timeout", '"1ms"'],
	["", "log_level", '"error"'],
];
/** The last blocks come by consensus gossip. */
const TAIL = 3;
const PATIENCE = 300_000;

/** How fast a new node fetches a chain of empty blocks from one peer; the peer is the same for both. */
export async function measureSync(options: SyncOptions): Promise<void> {
	const cometbft = findProgram("cometbft");
	const maker: Program = cometbft === null ? CAIRN : [cometbft];
	const results = new Map<string, readonly Figure[]>();
	for (const [label, program] of programsToMeasure(options.only))
		results.set(label, await measure(maker, program, options.blocks));
	show(`block sync of ${options.blocks} empty blocks from ${cometbft === null ? "Cairn" : "CometBFT"}`, results);
}

async function measure(maker: Program, fetcher: Program, blocks: number): Promise<readonly Figure[]> {
	const network = await TestNetwork.create({ programs: [maker, fetcher], fullNodes: 1, keys: FAST });
	try {
		const [source, node] = [network.node(0), network.node(1)];
		source.start();
		await source.reach(blocks, PATIENCE);
		await source.stop();
		// From here on the chain stands still.
		setKey(source.home, "consensus", "create_empty_blocks", "false");
		source.start();
		const height = await until("the source answers", 60_000, () => source.height());
		const started = performance.now();
		node.start();
		const first = await until(
			"the first block",
			60_000,
			async () => {
				const reached = await node.height();
				return reached > 0 ? { reached, at: performance.now(), cpu: usageOfAll([node]).cpuSeconds } : undefined;
			},
			10,
		);
		const goal = height - TAIL;
		const last = await until(
			"the last block",
			PATIENCE,
			async () => {
				const reached = await node.height();
				return reached >= goal ? { reached, at: performance.now(), usage: usageOfAll([node]) } : undefined;
			},
			20,
		);
		const fetched = Math.max(1, last.reached - first.reached);
		return [
			{ name: "blocks/s", value: (fetched * 1000) / Math.max(1, last.at - first.at), digits: 0 },
			{ name: "blocks/s with start", value: (last.reached * 1000) / (last.at - started), digits: 0 },
			{ name: "CPU-ms/block", value: ((last.usage.cpuSeconds - first.cpu) * 1000) / fetched, digits: 2 },
			{ name: "MB", value: last.usage.rssMegabytes, digits: 0 },
		];
	} finally {
		await network.destroy();
	}
}
