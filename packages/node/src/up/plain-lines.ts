import { refusalsText, sumOf, type UpModel } from "./model.ts";
import { clockText, millisecondsText } from "./numbers.ts";

/** One line that says how things stand, for logs and pipes. */
export function statusLine(model: UpModel): string {
	const { height, round, proposer, nodes, txPerSecond, committed, refused } = model;
	const peers = nodes.map(({ reading, state }) => (state === "running" && reading.reachable ? reading.peers : "-"));
	const parts = [
		`${clockText(model.runningMs)}`,
		`height ${height}`,
		`round ${round}`,
		`proposer ${proposer === "" ? "-" : proposer}`,
		`peers ${peers.join("/")}`,
	];
	if (model.devices > 0) {
		const why = refused.size === 0 ? "" : ` (${refusalsText(refused, 3)})`;
		parts.push(
			`${txPerSecond.toFixed(1)} tx/s`,
			`accepted ${committed}`,
			`refused ${sumOf(refused)}${why}`,
			`latency p50 ${millisecondsText(model.latencyP50)}`,
			`p99 ${millisecondsText(model.latencyP99)}`,
		);
	}
	return parts.join("  ");
}
