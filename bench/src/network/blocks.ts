import { type Program, TestNetwork } from "@cairn/e2e";
import { type Figure, type Keys, pause, programsToMeasure, show, times, usageOfAll } from "./programs.ts";

export interface BlockOptions {
	readonly only: string;
	readonly seconds: number;
}

const NO_WAIT: Keys = [
	["consensus", "timeout_commit", '"0s"'],
	["", "log_level", '"error"'],
];
/** With CometBFT's polling as fast as it was measured to pay off. */
const FAST_POLLING: Keys = [
	...NO_WAIT,
	["consensus", "peer_gossip_sleep_duration", '"2ms"'],
	["p2p", "flush_throttle_timeout", '"1ms"'],
];
const CASES: readonly (readonly [validators: number, name: string, keys: Keys])[] = [
	[4, "default gossip", NO_WAIT],
	[4, "fast gossip", FAST_POLLING],
	[7, "default gossip", NO_WAIT],
	[7, "fast gossip", FAST_POLLING],
];
const WARMUP_MS = 3_000;

/** How fast an empty chain goes when it does not wait between blocks. */
export async function measureEmptyBlocks(options: BlockOptions): Promise<void> {
	for (const [validators, name, keys] of CASES) {
		const results = new Map<string, readonly Figure[]>();
		for (const [label, program] of programsToMeasure(options.only)) {
			results.set(label, await measure(program, validators, keys, options.seconds));
		}
		show(`empty blocks, ${validators} validators, timeout_commit 0, ${name}`, results);
	}
}

async function measure(program: Program, validators: number, keys: Keys, seconds: number): Promise<readonly Figure[]> {
	const network = await TestNetwork.create({ programs: times(program, validators), keys });
	try {
		network.startAll();
		await network.reachAll(3);
		await pause(WARMUP_MS);
		const [from, before, began] = [await network.node(0).height(), usageOfAll(network.nodes), performance.now()];
		await pause(seconds * 1000);
		const [to, after, ended] = [await network.node(0).height(), usageOfAll(network.nodes), performance.now()];
		const blocks = to - from;
		const cpuMs = (after.cpuSeconds - before.cpuSeconds) * 1000;
		return [
			{ name: "blocks/s", value: (blocks * 1000) / (ended - began), digits: 1 },
			{ name: "CPU-ms/block", value: cpuMs / Math.max(1, blocks), digits: 1 },
			{ name: "MB/node", value: after.rssMegabytes / validators, digits: 0 },
		];
	} finally {
		await network.destroy();
	}
}
