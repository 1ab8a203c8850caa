import type { AppendFile, Disk, KeyValueStore } from "@cairn/kit";
import { CairnError, InvariantError, invariant } from "@cairn/kit";
import { MemoryStore } from "./memory-store.ts";

/** A file's content: grows at the end; the first `synced` bytes outlive a crash. */
class Content {
	#buffer = new Uint8Array(0);
	length = 0;
	synced = 0;

	bytes(): Uint8Array {
		return this.#buffer.slice(0, this.length);
	}

	append(bytes: Uint8Array): void {
		const needed = this.length + bytes.length;
		if (needed > this.#buffer.length) {
			const larger = new Uint8Array(Math.max(needed, 2 * this.#buffer.length, 256));
			larger.set(this.#buffer.subarray(0, this.length));
			this.#buffer = larger;
		}
		this.#buffer.set(bytes, this.length);
		this.length = needed;
	}

	cut(size: number): void {
		this.length = Math.min(this.length, size);
		this.synced = Math.min(this.synced, this.length);
	}
}

export type DiskOperation = "read" | "write" | "sync" | "truncate" | "rename" | "remove" | "open";

export interface MemoryDiskHooks {
	/** Makes an operation fail by returning the error it should fail with. */
	readonly fail?: (operation: DiskOperation, path: string) => CairnError | undefined;
	/** Makes an operation take its time (by a timer of the same invented world). Bytes are durable only afterwards. */
	readonly delay?: (operation: DiskOperation, path: string) => Promise<void> | undefined;
}

export interface CrashOptions {
	/** How many of a file's `unsynced` bytes made it to the disk all the same; none if not given. */
	readonly keepBytes?: (path: string, unsynced: number) => number;
	/** How many unsynced batches of a store made it to the disk; none if not given. */
	readonly keepBatches?: (path: string) => number;
}

/**
 * A disk in memory that knows what was synced. `crash()` loses the rest and makes every open file and store dead:
 * what the old owners still ask of them never resolves, as on a machine without power.
 */
export class MemoryDisk implements Disk {
	readonly #files = new Map<string, Content>();
	readonly #directories = new Set<string>(["/"]);
	readonly #stores = new Map<string, MemoryStore>();
	readonly #open = new Set<string>();
	#life = 0;
	#hooks: MemoryDiskHooks;

	constructor(hooks: MemoryDiskHooks = {}) {
		this.#hooks = hooks;
	}

	/** Replaces the hooks: from now on operations fail or take time as these say. */
	setHooks(hooks: MemoryDiskHooks): void {
		this.#hooks = hooks;
	}

	/** The power fails: unsynced bytes and batches are lost but for what the options let survive. */
	crash(options: CrashOptions = {}): void {
		this.#life++;
		for (const [path, content] of this.#files) {
			const unsynced = content.length - content.synced;
			const kept = Math.min(unsynced, Math.max(0, options.keepBytes?.(path, unsynced) ?? 0));
			content.cut(content.synced + kept);
			content.synced = content.length;
		}
		for (const [path, store] of this.#stores) store.crash(options.keepBatches?.(path) ?? 0);
		this.#open.clear();
	}

	/** Bytes of a file as they are now, for tests that look at or damage what is on the disk. */
	peek(path: string): Uint8Array | undefined {
		return this.#files.get(path)?.bytes();
	}

	/** Puts bytes on the disk as if they had always been there. */
	poke(path: string, bytes: Uint8Array): void {
		const content = new Content();
		content.append(bytes);
		content.synced = content.length;
		this.#files.set(path, content);
	}

	async read(path: string): Promise<Uint8Array | undefined> {
		await this.#perform("read", path);
		return this.#files.get(path)?.bytes();
	}

	async writeAtomic(path: string, bytes: Uint8Array): Promise<void> {
		const copy = bytes.slice();
		await this.#perform("write", path);
		this.#parentOf(path);
		await this.#perform("sync", path);
		this.poke(path, copy);
	}

	async openAppend(path: string): Promise<AppendFile> {
		await this.#perform("open", path);
		this.#parentOf(path);
		const content = this.#files.get(path) ?? new Content();
		this.#files.set(path, content);
		const life = this.#life;
		return new MemoryAppendFile(content, {
			alive: () => this.#life === life,
			perform: (operation) => this.#perform(operation, path),
			failure: (operation) => this.#hooks.fail?.(operation, path),
		});
	}

	async truncate(path: string, size: number): Promise<void> {
		await this.#perform("truncate", path);
		const content = this.#files.get(path);
		if (content === undefined) throw missing(path);
		content.cut(size);
		content.synced = content.length;
	}

	async rename(from: string, to: string): Promise<void> {
		await this.#perform("rename", from);
		const content = this.#files.get(from);
		if (content === undefined) throw missing(from);
		this.#parentOf(to);
		this.#files.delete(from);
		this.#files.set(to, content);
	}

	async remove(path: string): Promise<void> {
		await this.#perform("remove", path);
		const inside = (name: string): boolean => name === path || name.startsWith(`${path}/`);
		for (const name of [...this.#files.keys()].filter(inside)) this.#files.delete(name);
		for (const name of [...this.#directories].filter(inside)) this.#directories.delete(name);
		for (const name of [...this.#stores.keys()].filter(inside)) {
			invariant(!this.#open.has(name), "an open store cannot be removed", { path: name });
			this.#stores.delete(name);
		}
	}

	async makeDirectory(path: string): Promise<void> {
		await this.#perform("write", path);
		for (let at = path; at !== "" && at !== "/" && at !== "."; at = parent(at)) this.#directories.add(at);
	}

	async list(path: string): Promise<readonly string[]> {
		await this.#perform("read", path);
		const prefix = path.endsWith("/") ? path : `${path}/`;
		const names = new Set<string>();
		for (const name of [...this.#files.keys(), ...this.#directories, ...this.#stores.keys()]) {
			if (name.startsWith(prefix) && name !== prefix) names.add(name.slice(prefix.length).split("/")[0] as string);
		}
		return [...names].sort();
	}

	async size(path: string): Promise<number | undefined> {
		await this.#perform("read", path);
		return this.#files.get(path)?.length;
	}

	async openStore(path: string): Promise<KeyValueStore> {
		await this.#perform("open", path);
		if (this.#open.has(path)) {
			const message = `the database ${path} is in use by another part of this process; close it first`;
			throw new CairnError("store-locked", "operator", message, { directory: path });
		}
		this.#open.add(path);
		await this.makeDirectory(path);
		const previous = this.#stores.get(path);
		const store = previous?.reopened() ?? new MemoryStore();
		this.#stores.set(path, store);
		const life = this.#life;
		return store.attach(
			() => (this.#life === life ? this.#perform("write", path) : never()),
			() => {
				if (this.#life === life) this.#open.delete(path);
			},
		);
	}

	async #perform(operation: DiskOperation, path: string): Promise<void> {
		const life = this.#life;
		await this.#hooks.delay?.(operation, path);
		if (life !== this.#life) await never();
		const failure = this.#hooks.fail?.(operation, path);
		if (failure !== undefined) throw failure;
	}

	#parentOf(path: string): void {
		const directory = parent(path);
		if (directory !== "" && directory !== "." && !this.#directories.has(directory)) throw missing(directory);
	}
}

interface Medium {
	alive(): boolean;
	perform(operation: DiskOperation): Promise<void>;
	failure(operation: DiskOperation): CairnError | undefined;
}

class MemoryAppendFile implements AppendFile {
	readonly #content: Content;
	readonly #medium: Medium;
	#pending: Uint8Array[] = [];
	#pendingBytes = 0;
	#failure: CairnError | undefined;
	#closed = false;

	constructor(content: Content, medium: Medium) {
		this.#content = content;
		this.#medium = medium;
	}

	get size(): number {
		return this.#content.length + this.#pendingBytes;
	}

	append(bytes: Uint8Array): void {
		this.#refuse();
		this.#pending.push(bytes);
		this.#pendingBytes += bytes.length;
	}

	flush(): void {
		this.#refuse();
		if (!this.#medium.alive()) return;
		this.#failure = this.#medium.failure("write");
		this.#refuse();
		for (const bytes of this.#pending) this.#content.append(bytes);
		this.#pending = [];
		this.#pendingBytes = 0;
	}

	async sync(): Promise<void> {
		this.flush();
		const upTo = this.#content.length;
		try {
			await this.#medium.perform("sync");
		} catch (cause) {
			if (cause instanceof CairnError) this.#failure = cause;
			throw cause;
		}
		if (!this.#medium.alive()) await never();
		this.#content.synced = Math.max(this.#content.synced, Math.min(upTo, this.#content.length));
	}

	async close(): Promise<void> {
		if (this.#closed) return;
		if (this.#failure === undefined) this.flush();
		this.#closed = true;
	}

	#refuse(): void {
		if (this.#failure !== undefined) throw this.#failure;
		if (this.#closed) throw new InvariantError("the file is closed");
	}
}

function parent(path: string): string {
	const slash = path.lastIndexOf("/");
	return slash < 0 ? "" : slash === 0 ? "/" : path.slice(0, slash);
}

function missing(path: string): CairnError {
	const message = `${path} failed: there is no such file or directory; check the path and the home folder`;
	return new CairnError("disk-missing", "operator", message, { path, errno: "ENOENT" });
}

function never(): Promise<never> {
	return new Promise(() => undefined);
}
