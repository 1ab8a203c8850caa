import { open, rename, stat } from "node:fs/promises";

/** A log that is longer than this at the start of a run is put aside, so that two of them bound the disk it takes. */
const ROTATE_AT_BYTES = 16 * 1024 * 1024;
const TAIL_BYTES = 64 * 1024;

/** Length of a file in bytes; 0 where there is none. */
export async function lengthOf(path: string): Promise<number> {
	try {
		return (await stat(path)).size;
	} catch {
		return 0;
	}
}

/** Renames a long log to `<path>.1`, over an older one. Returns the length that is left. */
export async function rotateLog(path: string, limit: number = ROTATE_AT_BYTES): Promise<number> {
	const length = await lengthOf(path);
	if (length <= limit) return length;
	await rename(path, `${path}.1`);
	return 0;
}

/** The last lines of a log, of those after `from` bytes; none where it cannot be read. */
export async function logTail(path: string, lines: number, from = 0): Promise<readonly string[]> {
	try {
		const file = await open(path, "r");
		try {
			const { size } = await file.stat();
			const start = Math.max(from, size - TAIL_BYTES);
			const { bytesRead, buffer } = await file.read(Buffer.alloc(Math.max(0, size - start)), { position: start });
			const text = buffer.subarray(0, bytesRead).toString("utf8").trimEnd();
			return text === "" ? [] : text.split("\n").slice(-lines);
		} finally {
			await file.close();
		}
	} catch {
		return [];
	}
}
