import { CAIRN, findProgram, type Program, type TestNode } from "@cairn/e2e";
import { type Usage, usageOf } from "./usage.ts";

export type Keys = readonly (readonly [section: string, key: string, value: string])[];

/** What is measured, one after the other. A peer that is not installed is left out, and said so. */
export function programsToMeasure(only: string): ReadonlyMap<string, Program> {
	const programs = new Map<string, Program>();
	const cometbft = findProgram("cometbft");
	if (only !== "cairn" && cometbft !== null) programs.set("CometBFT", [cometbft]);
	else if (only !== "cairn") console.error("cometbft is not installed: no ratios");
	if (only !== "cometbft") programs.set("Cairn", CAIRN);
	return programs;
}

/** The same program so many times. */
export function times(program: Program, count: number): Program[] {
	return Array.from({ length: count }, () => program);
}

/** CPU time and memory of several processes together. */
export function usageOfAll(nodes: readonly TestNode[]): Usage {
	const each = nodes.map((node) => usageOf(node.pid));
	return {
		cpuSeconds: each.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
		rssMegabytes: each.reduce((sum, { rssMegabytes }) => sum + rssMegabytes, 0),
	};
}

/** One figure of a result, as it is shown. */
export interface Figure {
	readonly name: string;
	readonly value: number;
	readonly digits: number;
}

/** Prints what each program did, and our figures as multiples of CometBFT's. */
export function show(title: string, results: ReadonlyMap<string, readonly Figure[]>): void {
	console.log(title);
	for (const [program, figures] of results) {
		const shown = figures.map(({ name, value, digits }) => `${name} ${value.toFixed(digits)}`);
		console.log(`  ${program.padEnd(10)} ${shown.join("   ")}`);
	}
	const [ours, theirs] = [results.get("Cairn"), results.get("CometBFT")];
	if (ours === undefined || theirs === undefined) return;
	const ratios = ours.map(({ name, value }, index) => {
		const other = theirs[index]?.value ?? 0;
		return `${name} ${other === 0 ? "-" : (value / other).toFixed(2)}`;
	});
	console.log(`  ${"ratio".padEnd(10)} ${ratios.join("   ")}`);
}

export function pause(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
