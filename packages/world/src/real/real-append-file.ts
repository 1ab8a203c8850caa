import { close, closeSync, fdatasync, fstatSync, openSync, writevSync } from "node:fs";
import { dirname } from "node:path";
import type { AppendFile } from "@cairn/kit";
import { type CairnError, invariant } from "@cairn/kit";
import { syncDirectory } from "./directory-sync.ts";
import { diskError } from "./os-errors.ts";

/**
 * An append-only file. Appends are gathered in memory; a flush hands all of them to the system in one call, a sync
 * waits for `fdatasync` in Node's thread pool. Syncs asked for while one is running share the next one. After a failed
 * write or sync nobody can know which bytes are on disk, so the file refuses all further promises with that error.
 */
export class RealAppendFile implements AppendFile {
	readonly #path: string;
	readonly #descriptor: number;
	#pending: Uint8Array[] = [];
	#size: number;
	#failure: CairnError | undefined;
	#running: Promise<void> | undefined;
	#next: Promise<void> | undefined;
	#closed = false;

	private constructor(path: string, descriptor: number, size: number) {
		this.#path = path;
		this.#descriptor = descriptor;
		this.#size = size;
	}

	/** @throws CairnError where the file cannot be opened or created */
	static async open(path: string): Promise<RealAppendFile> {
		let descriptor: number | undefined;
		try {
			descriptor = openSync(path, "a", 0o600);
			const size = fstatSync(descriptor).size;
			if (size === 0) await syncDirectory(dirname(path));
			return new RealAppendFile(path, descriptor, size);
		} catch (cause) {
			if (descriptor !== undefined) closeSync(descriptor);
			throw diskError(cause, "opening", path);
		}
	}

	get size(): number {
		return this.#size;
	}

	append(bytes: Uint8Array): void {
		this.#refuse();
		if (bytes.length === 0) return;
		this.#pending.push(bytes);
		this.#size += bytes.length;
	}

	flush(): void {
		this.#refuse();
		let rest = this.#pending;
		this.#pending = [];
		try {
			while (rest.length > 0) rest = without(rest, writevSync(this.#descriptor, rest));
		} catch (cause) {
			this.#failure = diskError(cause, "writing", this.#path);
			throw this.#failure;
		}
	}

	async sync(): Promise<void> {
		this.flush();
		if (this.#next !== undefined) return this.#next;
		if (this.#running === undefined) return this.#start();
		// Bytes written after the running call began may have escaped it: they need the one after it.
		const running = this.#running;
		this.#next = running.then(() => {
			this.#next = undefined;
			return this.#start();
		});
		return this.#next;
	}

	async close(): Promise<void> {
		if (this.#closed) return;
		let failure: unknown;
		try {
			if (this.#failure === undefined) this.flush();
			await (this.#next ?? this.#running);
		} catch (cause) {
			failure = cause;
		}
		this.#closed = true;
		await new Promise<void>((resolve, reject) => {
			close(this.#descriptor, (cause) => (cause ? reject(diskError(cause, "closing", this.#path)) : resolve()));
		});
		if (failure !== undefined) throw failure;
	}

	#start(): Promise<void> {
		const running = this.#synchronise().finally(() => {
			if (this.#running === running) this.#running = undefined;
		});
		this.#running = running;
		return running;
	}

	#synchronise(): Promise<void> {
		return new Promise((resolve, reject) => {
			fdatasync(this.#descriptor, (cause) => {
				if (!cause) return resolve();
				this.#failure = diskError(cause, "syncing", this.#path);
				reject(this.#failure);
			});
		});
	}

	#refuse(): void {
		if (this.#failure !== undefined) throw this.#failure;
		invariant(!this.#closed, "the file is closed", { path: this.#path });
	}
}

/** What is left of `parts` after the first `written` bytes (a short write is not an error). */
function without(parts: readonly Uint8Array[], written: number): Uint8Array[] {
	let skip = written;
	const rest: Uint8Array[] = [];
	for (const part of parts) {
		if (skip >= part.length) skip -= part.length;
		else {
			rest.push(skip === 0 ? part : part.subarray(skip));
			skip = 0;
		}
	}
	return rest;
}
