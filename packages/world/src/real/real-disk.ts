import { closeSync, fchmodSync, openSync, renameSync, writeFileSync } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat, truncate } from "node:fs/promises";
import { dirname } from "node:path";
import type { AppendFile, Disk, KeyValueStore } from "@cairn/kit";
import { syncDirectory, synchronise } from "./directory-sync.ts";
import { openLevelStore } from "./level-store.ts";
import { diskError, systemCode } from "./os-errors.ts";
import { RealAppendFile } from "./real-append-file.ts";

/** The machine's files. Every failure is a CairnError that blames the operator, names the file and says what to do. */
export class RealDisk implements Disk {
	/** The last atomic write to a path that is still under way: later ones wait, so the last caller wins. */
	readonly #writing = new Map<string, Promise<void>>();

	async read(path: string): Promise<Uint8Array | undefined> {
		try {
			const bytes = await readFile(path);
			return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
		} catch (cause) {
			if (systemCode(cause) === "ENOENT") return undefined;
			throw diskError(cause, "reading", path);
		}
	}

	async writeAtomic(path: string, bytes: Uint8Array, mode = 0o600): Promise<void> {
		const before = this.#writing.get(path) ?? Promise.resolve();
		const writing = before.catch(() => undefined).then(() => replaceFile(path, bytes, mode));
		this.#writing.set(path, writing);
		try {
			await writing;
		} finally {
			if (this.#writing.get(path) === writing) this.#writing.delete(path);
		}
	}

	openAppend(path: string): Promise<AppendFile> {
		return RealAppendFile.open(path);
	}

	async truncate(path: string, size: number): Promise<void> {
		await attempt("truncating", path, async () => {
			await truncate(path, size);
			const handle = await open(path, "r+");
			try {
				await handle.sync();
			} finally {
				await handle.close();
			}
		});
	}

	async rename(from: string, to: string): Promise<void> {
		await attempt("renaming", from, async () => {
			await rename(from, to);
			await syncDirectory(dirname(to));
			if (dirname(from) !== dirname(to)) await syncDirectory(dirname(from));
		});
	}

	async remove(path: string): Promise<void> {
		await attempt("removing", path, async () => {
			await rm(path, { recursive: true, force: true });
			await syncDirectory(dirname(path)).catch((cause: unknown) => {
				if (systemCode(cause) !== "ENOENT") throw cause;
			});
		});
	}

	async makeDirectory(path: string): Promise<void> {
		await attempt("making the directory", path, async () => {
			const first = await mkdir(path, { recursive: true, mode: 0o700 });
			if (first !== undefined) await syncDirectory(dirname(first));
		});
	}

	async list(path: string): Promise<readonly string[]> {
		try {
			return (await readdir(path)).sort();
		} catch (cause) {
			if (systemCode(cause) === "ENOENT") return [];
			throw diskError(cause, "listing", path);
		}
	}

	async size(path: string): Promise<number | undefined> {
		try {
			const found = await stat(path);
			return found.isFile() ? found.size : undefined;
		} catch (cause) {
			if (systemCode(cause) === "ENOENT") return undefined;
			throw diskError(cause, "reading", path);
		}
	}

	openStore(path: string): Promise<KeyValueStore> {
		return openLevelStore(path);
	}
}

async function attempt(doing: string, path: string, work: () => Promise<void>): Promise<void> {
	try {
		await work();
	} catch (cause) {
		throw diskError(cause, doing, path);
	}
}

/**
 * Only what waits for the device leaves the event loop: a validator does this for every vote, and in a busy process each
 * further trip through the loop would cost more than the call that it makes.
 */
async function replaceFile(path: string, bytes: Uint8Array, mode: number): Promise<void> {
	const temporary = `${path}.tmp`;
	try {
		const descriptor = openSync(temporary, "w", mode);
		try {
			// A file left over by a crash keeps its old mode unless told.
			fchmodSync(descriptor, mode);
			writeFileSync(descriptor, bytes);
			await synchronise(descriptor);
		} finally {
			closeSync(descriptor);
		}
		renameSync(temporary, path);
		await syncDirectory(dirname(path));
	} catch (cause) {
		await rm(temporary, { force: true }).catch(() => undefined);
		throw diskError(cause, "writing", path);
	}
}
