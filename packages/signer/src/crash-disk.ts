import type { SignerDisk } from "./file-signer.ts";

interface PendingWrite {
	readonly path: string;
	readonly bytes: Uint8Array;
	readonly finish: () => void;
}

/**
 * A disk whose power can fail. A write is pending until `flush`; a crash decides whether pending writes made it (a
 * rename either happened or did not) and nobody hears of them again. With `lies` it reports writes as done at once,
 * as a file system does when nobody syncs the directory.
 */
export class CrashDisk implements SignerDisk {
	readonly #durable = new Map<string, Uint8Array>();
	readonly #lies: boolean;
	#pending: PendingWrite[] = [];
	failNext: Error | undefined;

	constructor(options: { lies?: boolean } = {}) {
		this.#lies = options.lies ?? false;
	}

	async read(path: string): Promise<Uint8Array | undefined> {
		const newest = this.#lies ? this.#pending.findLast((write) => write.path === path) : undefined;
		return newest?.bytes ?? this.#durable.get(path);
	}

	writeAtomic(path: string, bytes: Uint8Array): Promise<void> {
		const failure = this.failNext;
		this.failNext = undefined;
		if (failure !== undefined) return Promise.reject(failure);
		return new Promise((resolve) => {
			this.#pending.push({ path, bytes: bytes.slice(), finish: resolve });
			if (this.#lies) resolve();
		});
	}

	put(path: string, bytes: Uint8Array): void {
		this.#durable.set(path, bytes);
	}

	peek(path: string): Uint8Array | undefined {
		return this.#durable.get(path);
	}

	get pending(): number {
		return this.#pending.length;
	}

	flush(): void {
		const done = this.#pending;
		this.#pending = [];
		for (const { path, bytes, finish } of done) {
			this.#durable.set(path, bytes);
			finish();
		}
	}

	/** The first `kept` pending writes reached the disk, the others are gone; no caller is told. */
	crash(kept: number): void {
		for (const { path, bytes } of this.#pending.slice(0, kept)) this.#durable.set(path, bytes);
		this.#pending = [];
	}
}

/** Writes are durable at once: for tests that are not about crashes. */
export class PlainDisk implements SignerDisk {
	readonly files = new Map<string, Uint8Array>();

	async read(path: string): Promise<Uint8Array | undefined> {
		return this.files.get(path);
	}

	async writeAtomic(path: string, bytes: Uint8Array): Promise<void> {
		this.files.set(path, bytes.slice());
	}
}
