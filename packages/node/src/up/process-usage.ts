import { readFile } from "node:fs/promises";
import type { ProcessUsage } from "../cli/parent-process.ts";

/** Ticks per second that Linux shows to programs, on every architecture (`USER_HZ`). */
const TICKS_PER_SECOND = 100;

/** Processor time and memory of a process of this Linux machine; null elsewhere, and where there is no such process. */
export async function processUsage(pid: number): Promise<ProcessUsage | null> {
	try {
		const [stat, status] = await Promise.all([
			readFile(`/proc/${pid}/stat`, "utf8"),
			readFile(`/proc/${pid}/status`, "utf8"),
		]);
		return parseUsage(stat, status);
	} catch {
		return null;
	}
}

/** Reads /proc/<pid>/stat and status (proc(5)); null where they are not of this form. */
export function parseUsage(stat: string, status: string): ProcessUsage | null {
	// The name of the program is in parentheses and may hold anything, so fields count from the last parenthesis.
	const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
	const ticks = Number(fields[11]) + Number(fields[12]);
	const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
	if (!Number.isFinite(ticks) || kilobytes === undefined) return null;
	return { cpuSeconds: ticks / TICKS_PER_SECOND, rssBytes: Number(kilobytes) * 1024 };
}
