import { readdir, readFile, readlink, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

/**
 * Says which process holds goleveldb's lock on a database directory, if any. goleveldb takes `flock` on the LOCK file
 * and LevelDB takes `fcntl` locks, and on Linux the two kinds do not see each other: without this look into
 * /proc/locks a node could open the databases of a running Go node. Elsewhere (no /proc) it finds nothing.
 */
export async function foreignLockHolder(directory: string): Promise<string | undefined> {
	try {
		const lockFile = await realpath(join(directory, "LOCK"));
		const { ino } = await stat(lockFile);
		const locks = await readFile("/proc/locks", "utf8");
		for (const line of locks.split("\n")) {
			// 3: FLOCK  ADVISORY  WRITE 4711 fd:01:1234567 0 EOF
			const fields = line.trim().split(/\s+/);
			const pid = Number(fields[4]);
			if (fields[1] !== "FLOCK" || fields[5]?.split(":")[2] !== String(ino)) continue;
			if (await holdsOpen(pid, lockFile)) return `process ${pid}`;
		}
	} catch {
		// No LOCK file yet, or a system without /proc: LevelDB's own lock is all there is.
	}
	return undefined;
}

/** Inode numbers repeat across file systems, so the process has to have this very file open. */
async function holdsOpen(pid: number, file: string): Promise<boolean> {
	const descriptors = `/proc/${pid}/fd`;
	for (const name of await readdir(descriptors)) {
		const target = await readlink(join(descriptors, name)).catch(() => "");
		if (target === file) return true;
	}
	return false;
}
