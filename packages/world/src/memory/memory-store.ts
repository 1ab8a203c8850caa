import type { KeyRange, KeyValueStore, StoreWrite } from "@cairn/kit";
import { InvariantError } from "@cairn/kit";

interface Entry {
	readonly key: Uint8Array;
	readonly value: Uint8Array;
}

/** What a batch replaced: the name and the entry that was there before it. */
type Undo = readonly (readonly [name: string, before: Entry | undefined])[];

/**
 * An ordered key-value store in memory with LevelDB's promises: a synced write makes itself and everything written
 * before it durable; a crash may lose the rest, youngest first, whole batches only.
 */
export class MemoryStore implements KeyValueStore {
	#entries = new Map<string, Entry>();
	/** All names in order. A name has one character per byte, so text order is byte order. */
	#names: string[] = [];
	#unsynced: Undo[] = [];
	#closed = false;
	#attached = false;
	#onClose: () => void = () => undefined;
	#guard: () => Promise<void> = async () => undefined;

	/** Ties the store to a disk: `guard` runs before each write (to fail or delay it), `onClose` once at the end. */
	attach(guard: () => Promise<void>, onClose: () => void): this {
		this.#attached = true;
		this.#guard = guard;
		this.#onClose = onClose;
		return this;
	}

	/** The same data behind a new handle; this one stays closed for whoever still holds it. */
	reopened(): MemoryStore {
		const store = new MemoryStore();
		store.#entries = this.#entries;
		store.#names = this.#names;
		store.#unsynced = this.#unsynced;
		return store;
	}

	get(key: Uint8Array): Uint8Array | undefined {
		this.#refuse();
		return this.#entries.get(nameOf(key))?.value.slice();
	}

	has(key: Uint8Array): boolean {
		this.#refuse();
		return this.#entries.has(nameOf(key));
	}

	async write(writes: readonly StoreWrite[], options: { sync?: boolean } = {}): Promise<void> {
		this.#refuse();
		await this.#guard();
		const undo: (readonly [string, Entry | undefined])[] = [];
		for (const write of writes) {
			const name = nameOf(write.key);
			undo.push([name, this.#entries.get(name)]);
			this.#set(name, "remove" in write ? undefined : { key: write.key.slice(), value: write.value.slice() });
		}
		if (options.sync === true) this.#unsynced = [];
		else if (this.#attached) this.#unsynced.push(undo);
	}

	async *entries(range: KeyRange = {}): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {
		this.#refuse();
		const first = range.from === undefined ? 0 : this.#position(nameOf(range.from));
		const last = range.to === undefined ? this.#names.length : this.#position(nameOf(range.to));
		const names = this.#names.slice(first, Math.max(first, last));
		if (range.reverse === true) names.reverse();
		// The entries themselves are never changed, so this is the snapshot LevelDB would give.
		const found = names.slice(0, range.limit).map((name) => this.#entries.get(name) as Entry);
		for (const { key, value } of found) yield [key.slice(), value.slice()];
	}

	async compact(): Promise<void> {
		this.#refuse();
	}

	async close(): Promise<void> {
		if (this.#closed) return;
		this.#closed = true;
		this.#onClose();
	}

	/** The power fails: of the batches that were not synced the first `keep` survive. The store is closed afterwards. */
	crash(keep = 0): void {
		for (const undo of this.#unsynced.slice(keep).reverse()) {
			for (const [name, before] of [...undo].reverse()) this.#set(name, before);
		}
		this.#unsynced = [];
		this.#closed = true;
	}

	#set(name: string, entry: Entry | undefined): void {
		const known = this.#entries.has(name);
		if (entry === undefined) {
			if (!known) return;
			this.#entries.delete(name);
			this.#names.splice(this.#position(name), 1);
			return;
		}
		this.#entries.set(name, entry);
		if (known) return;
		const position = this.#position(name);
		if (position === this.#names.length) this.#names.push(name);
		else this.#names.splice(position, 0, name);
	}

	/** Index of the first name that is not before `name`. */
	#position(name: string): number {
		let low = 0;
		let high = this.#names.length;
		if (high > 0 && (this.#names[high - 1] as string) < name) return high;
		while (low < high) {
			const middle = (low + high) >> 1;
			if ((this.#names[middle] as string) < name) low = middle + 1;
			else high = middle;
		}
		return low;
	}

	#refuse(): void {
		if (this.#closed) throw new InvariantError("the database is closed");
	}
}

function nameOf(key: Uint8Array): string {
	let name = "";
	for (const byte of key) name += String.fromCharCode(byte);
	return name;
}
