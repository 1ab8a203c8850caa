/** A set of transaction keys that forgets the least recently pushed beyond its size (CometBFT's LRUTxCache). */
export class TxCache {
	readonly #capacity: number;
	readonly #keys = new Set<string>();
	/** Stands before the oldest key: a new iterator would first pass over the places of all that were removed. */
	#oldestFirst = this.#keys.values();

	/** A capacity of 0 remembers nothing. */
	constructor(capacity: number) {
		this.#capacity = capacity;
	}

	get size(): number {
		return this.#keys.size;
	}

	has(key: string): boolean {
		return this.#keys.has(key);
	}

	/** Adds the key or makes it the most recent. True if it was not there. */
	push(key: string): boolean {
		if (this.#capacity === 0) return true;
		const known = this.#keys.delete(key);
		this.#keys.add(key);
		if (!known && this.#keys.size > this.#capacity) this.#forgetOldest();
		return !known;
	}

	remove(key: string): void {
		this.#keys.delete(key);
	}

	clear(): void {
		this.#keys.clear();
		this.#oldestFirst = this.#keys.values();
	}

	#forgetOldest(): void {
		const { value, done } = this.#oldestFirst.next();
		if (done !== true) this.#keys.delete(value);
	}
}
