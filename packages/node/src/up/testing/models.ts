import type { NodeRow, UpModel } from "../model.ts";
import { SILENT } from "../monitor.ts";

/** A node that is well. For tests only. */
export function nodeRow(index: number, changes: Partial<NodeRow> = {}): NodeRow {
	const reading = { reachable: true, height: 1_234, nextHeight: 1_235, peers: 3, address: `A${index}`, proposer: "A1" };
	return {
		name: `node${index}`,
		state: "running",
		reading: { ...SILENT, ...reading },
		cpuShare: 0.104,
		rssBytes: 126_700_000,
		rpc: `127.0.0.1:${26_657 + 10 * index}`,
		metrics: `127.0.0.1:${26_658 + 10 * index}`,
		...changes,
	};
}

/** A network that is well. For tests only. */
export function upModel(changes: Partial<UpModel> = {}): UpModel {
	return {
		chainId: "chain-AbCdEf",
		home: "/net",
		phase: "running",
		runningMs: 83_000,
		remainingMs: null,
		nodes: [0, 1, 2, 3].map((index) => nodeRow(index)),
		height: 1_234,
		round: 0,
		proposer: "node1",
		blockIntervalMs: 1_070,
		txPerSecond: 19.96,
		blockTxs: [0, 10, 20],
		devices: 20,
		sent: 1_660,
		committed: 1_600,
		pending: 18,
		refused: new Map([
			["replay", 12],
			["bad-signature", 30],
		]),
		latencyP50: 812,
		latencyP99: 1_620,
		notices: [],
		...changes,
	};
}
