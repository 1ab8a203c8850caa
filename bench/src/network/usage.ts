import { readFileSync } from "node:fs";

export interface Usage {
	readonly cpuSeconds: number;
	readonly rssMegabytes: number;
}

const TICKS_PER_SECOND = 100;

/** CPU time and memory of a process as Linux counts them. */
export function usageOf(pid: number): Usage {
	const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
	const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
	const ticks = Number(fields[11]) + Number(fields[12]);
	const status = readFileSync(`/proc/${pid}/status`, "utf8");
	const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0);
	return { cpuSeconds: ticks / TICKS_PER_SECOND, rssMegabytes: kilobytes / 1024 };
}
