import { countText } from "./numbers.ts";

/** One height as a node has it. */
export interface HeightWord {
	readonly height: number;
	/** Upper-case hex. */
	readonly blockId: string;
	/** The application's hash in this height's header: what it was after the height before. Upper-case hex. */
	readonly appHash: string;
	/** Round of the commit. */
	readonly round: number;
}

/** Everything that a node said for the report. */
export interface NodeAccount {
	readonly moniker: string;
	/** Last block when the account was taken. */
	readonly height: number;
	/** In order of height. */
	readonly words: readonly HeightWord[];
	readonly cpuSeconds: number;
	readonly rssBytes: number;
	/** Why there is no account of this node; null where there is one. */
	readonly failure: string | null;
}

/** What became of the fleet's transactions. */
export interface TxAccount {
	readonly sent: number;
	readonly committed: number;
	readonly refused: ReadonlyMap<string, number>;
	/** How often the chain said something else than the fleet meant. */
	readonly surprises: number;
	readonly p50: number | null;
	readonly p99: number | null;
}

/** Whether all nodes have one history, and where not. */
export interface Comparison {
	readonly agree: boolean;
	/** Heights that all nodes have, and that were compared; null without any. */
	readonly compared: { readonly from: number; readonly to: number } | null;
	readonly problems: readonly string[];
}

/** Most differences that are told. */
const MAX_PROBLEMS = 20;

/**
 * Compares block ids and application hashes of all nodes at every height that all of them have. Nodes agree if each has
 * given its account, they share a height, and nothing differs anywhere.
 */
export function compareNodes(nodes: readonly NodeAccount[]): Comparison {
	const problems = nodes.flatMap(({ moniker, failure }) => (failure === null ? [] : [`${moniker}: ${failure}`]));
	const heard = nodes.filter(({ failure }) => failure === null);
	const tables = heard.map(({ words }) => new Map(words.map((word) => [word.height, word])));
	const [first, ...others] = tables;
	const shared = [...(first?.keys() ?? [])].filter((height) => others.every((table) => table.has(height)));
	if (heard.length > 0 && shared.length === 0) problems.push("the nodes have no height in common");
	for (const height of shared) {
		const words = heard.map(({ moniker }, index) => ({ moniker, word: tables[index]?.get(height) }));
		for (const what of ["blockId", "appHash"] as const) {
			const values = words.map(({ moniker, word }) => `${moniker} ${word?.[what]}`);
			if (new Set(words.map(({ word }) => word?.[what])).size < 2) continue;
			const name = what === "blockId" ? "block id" : "app hash";
			problems.push(`${name} differs at height ${countText(height)}: ${values.join(", ")}`);
		}
	}
	const agree = nodes.length > 0 && problems.length === 0;
	const [from, to] = [shared[0], shared.at(-1)];
	const compared = from === undefined || to === undefined ? null : { from, to };
	return { agree, compared, problems: problems.slice(0, MAX_PROBLEMS) };
}

/** The report's JSON. Heights are texts, as JSON wants of keys; a latency that is not known is null. */
export function reportToJson(comparison: Comparison, nodes: readonly NodeAccount[], txs: TxAccount): string {
	const rounded = (ms: number | null): number | null => (ms === null ? null : Math.round(ms));
	const report = {
		agree: comparison.agree,
		problems: comparison.problems,
		nodes: nodes.map((node) => ({
			moniker: node.moniker,
			height: node.height,
			block_ids: Object.fromEntries(node.words.map(({ height, blockId }) => [height, blockId])),
			app_hashes: Object.fromEntries(node.words.map(({ height, appHash }) => [height, appHash])),
			rounds_above_0: node.words.filter(({ round }) => round > 0).length,
			cpu_seconds: Math.round(node.cpuSeconds * 100) / 100,
			rss_mb: Math.round(node.rssBytes / 1e5) / 10,
		})),
		txs: { sent: txs.sent, committed: txs.committed, refused: Object.fromEntries(txs.refused) },
		latency_ms: { p50: rounded(txs.p50), p99: rounded(txs.p99) },
	};
	return `${JSON.stringify(report, undefined, "\t")}\n`;
}
