import { refusalsText, sumOf } from "./model.ts";
import { countText, megabytesText, millisecondsText, plural } from "./numbers.ts";
import type { Comparison, NodeAccount, TxAccount } from "./report.ts";

/** What people read at the end: whether the nodes agree, and how it went. */
export function summaryText(comparison: Comparison, nodes: readonly NodeAccount[], txs: TxAccount): string {
	const { agree, compared, problems } = comparison;
	const heights = compared === null ? "no height" : `heights ${countText(compared.from)} to ${countText(compared.to)}`;
	const lines = agree
		? [`agree    yes: ${plural(nodes.length, "node")} with the same blocks and app hashes at ${heights}`]
		: ["agree    NO", ...problems.map((problem) => `         ${problem}`)];
	for (const node of nodes) lines.push(`${node.moniker.padEnd(8)} ${nodeText(node)}`);
	if (txs.sent > 0) {
		const refused = txs.refused.size === 0 ? "" : ` (${refusalsText(txs.refused, 6)})`;
		const counts = `${countText(txs.sent)} sent, ${countText(txs.committed)} accepted`;
		lines.push(`readings ${counts}, ${countText(sumOf(txs.refused))} refused${refused}`);
		if (txs.surprises > 0) lines.push(`         ${plural(txs.surprises, "verdict")} other than the fleet meant`);
		lines.push(`latency  to finality p50 ${millisecondsText(txs.p50)}, p99 ${millisecondsText(txs.p99)}`);
	}
	return `${lines.join("\n")}\n`;
}

function nodeText({ height, words, cpuSeconds, rssBytes, failure }: NodeAccount): string {
	if (failure !== null && words.length === 0) return failure;
	const rounds = words.filter(({ round }) => round > 0).length;
	const more = rounds === 0 ? "" : `, ${plural(rounds, "block")} above round 0`;
	return `height ${countText(height)}, ${cpuSeconds.toFixed(1)} s of CPU, ${megabytesText(rssBytes)}${more}`;
}
