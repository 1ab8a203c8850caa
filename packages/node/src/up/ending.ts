import type { Clock, Timers } from "@cairn/kit";
import { readChain } from "./accounts.ts";
import type { LocalNetwork } from "./local-network.ts";
import { readNode, SILENT } from "./monitor.ts";
import type { UpNode } from "./nodes.ts";
import type { NodeAccount } from "./report.ts";

/** How long the last readings may take to a block. */
const DRAIN_TIMEOUT_MS = 10_000;
/** How long nodes that lag behind may take to catch up. */
const LEVEL_TIMEOUT_MS = 60_000;
const LOOK_MS = 100;
const LOOK_TIMEOUT_MS = 3_000;

type Time = { readonly clock: Clock; readonly timers: Timers };

export function pause({ timers }: Pick<Time, "timers">, ms: number): Promise<void> {
	return new Promise((resolve) => {
		timers.after(ms, resolve);
	});
}

/** Ends the fleet and waits, bounded, until all that it sent is in blocks or refused. */
export async function drainFleet(network: LocalNetwork, time: Time): Promise<void> {
	const end = time.clock.mono() + DRAIN_TIMEOUT_MS;
	network.runner.stop();
	while (network.ledger.pendingCount > 0 && time.clock.mono() < end) await pause(time, LOOK_MS);
	network.runner.end();
	network.ledger.close("unconfirmed");
}

/** Where the nodes stood when the waiting was over. */
export interface Level {
	/** Height that all were to reach. */
	readonly target: number;
	/** Heights of the nodes, in order; null for one that does not answer. */
	readonly heights: readonly (number | null)[];
}

/** Waits, bounded, until all nodes have the highest height that any of them has now. */
export async function levelNodes(network: LocalNetwork, time: Time): Promise<Level> {
	const end = time.clock.mono() + LEVEL_TIMEOUT_MS;
	let target = 0;
	for (let first = true; ; first = false) {
		const readings = await Promise.all(network.clients.map((client) => readNode(client, SILENT, LOOK_TIMEOUT_MS)));
		const heights = readings.map(({ reachable, height }) => (reachable ? height : null));
		if (first) target = Math.max(0, ...heights.map((height) => height ?? 0));
		const isLevel = heights.every((height) => height !== null && height >= target);
		if (isLevel || time.clock.mono() >= end || network.isHopeless) return { target, heights };
		await pause(time, LOOK_MS);
	}
}

/** Asks every node for its whole chain, up to the height that all have. */
export async function takeAccounts(
	network: LocalNetwork,
	nodes: readonly UpNode[],
	{ target, heights }: Level,
): Promise<readonly NodeAccount[]> {
	const to = Math.min(...heights.map((height) => height ?? target));
	await network.usage.sample();
	return Promise.all(
		nodes.map(async ({ name }, index) => {
			const client = network.clients[index];
			const height = heights[index] ?? null;
			const usage = network.usage.of(index);
			const base = { moniker: name, cpuSeconds: network.usage.cpuSeconds(index), rssBytes: usage.rssBytes ?? 0 };
			if (client === undefined || height === null) return { ...base, height: 0, words: [], failure: "does not answer" };
			const chain = await readChain(client, to);
			const failure = chain.failure ?? (height < target ? lagging(height, target) : null);
			return { ...base, height: chain.height, words: chain.words, failure };
		}),
	);
}

function lagging(height: number, target: number): string {
	return `is at height ${height} and did not reach ${target} within ${LEVEL_TIMEOUT_MS / 1_000} s`;
}
