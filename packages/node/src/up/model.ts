import type { NodeReading } from "./monitor.ts";
import type { SupervisedState } from "./supervisor.ts";

/** One node as it is shown. */
export interface NodeRow {
	readonly name: string;
	readonly state: SupervisedState;
	readonly reading: NodeReading;
	/** Of one core, 0 to 1 and above; null before it is known. */
	readonly cpuShare: number | null;
	readonly rssBytes: number | null;
	/** `host:port`. */
	readonly rpc: string;
	readonly metrics: string | null;
}

/** Something that people should see. */
export interface Notice {
	/** `12:34:56`. */
	readonly time: string;
	readonly level: "info" | "bad";
	readonly text: string;
	/** Last lines of a log; empty where there is nothing to quote. */
	readonly details: readonly string[];
}

/** Everything that the live view and the plain lines show. */
export interface UpModel {
	readonly chainId: string;
	readonly home: string;
	/** What is going on: `running`, `stopping`… */
	readonly phase: string;
	readonly runningMs: number;
	/** Null: until it is stopped. */
	readonly remainingMs: number | null;
	readonly nodes: readonly NodeRow[];
	readonly height: number;
	readonly round: number;
	/** Name of the proposer of the round under way; empty where it is not known. */
	readonly proposer: string;
	/** Time between blocks, milliseconds. */
	readonly blockIntervalMs: number | null;
	readonly txPerSecond: number;
	/** Transactions of the last blocks, oldest first. */
	readonly blockTxs: readonly number[];
	readonly devices: number;
	readonly sent: number;
	readonly committed: number;
	readonly pending: number;
	readonly refused: ReadonlyMap<string, number>;
	/** Of the last readings, milliseconds. */
	readonly latencyP50: number | null;
	readonly latencyP99: number | null;
	/** Oldest first. */
	readonly notices: readonly Notice[];
}

/** The most common reasons first: `bad-signature 4, replay 2, 3 others`. */
export function refusalsText(refused: ReadonlyMap<string, number>, most: number): string {
	const sorted = [...refused].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
	const shown = sorted.slice(0, most).map(([reason, count]) => `${reason} ${count}`);
	const rest = sorted.slice(most).reduce((sum, [, count]) => sum + count, 0);
	return [...shown, ...(rest > 0 ? [`others ${rest}`] : [])].join(", ");
}

export function sumOf(refused: ReadonlyMap<string, number>): number {
	let sum = 0;
	for (const count of refused.values()) sum += count;
	return sum;
}
