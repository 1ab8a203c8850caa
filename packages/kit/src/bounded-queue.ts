/** What to do with a new item when a queue is full. */
export type WhenFull = "refuse-newest" | "drop-oldest";

/** A first-in-first-out queue with a length that holds. Amortised O(1). */
export class BoundedQueue<T> {
	readonly capacity: number;
	readonly #whenFull: WhenFull;
	#items: (T | undefined)[] = [];
	#head = 0;
	#dropped = 0;

	constructor(capacity: number, whenFull: WhenFull) {
		this.capacity = capacity;
		this.#whenFull = whenFull;
	}

	get length(): number {
		return this.#items.length - this.#head;
	}

	/** How many items were refused or dropped since the start. */
	get dropped(): number {
		return this.#dropped;
	}

	/** False if the item was refused. With `drop-oldest` it always enters. */
	push(item: T): boolean {
		if (this.length >= this.capacity) {
			this.#dropped++;
			if (this.#whenFull === "refuse-newest") return false;
			this.shift();
		}
		this.#items.push(item);
		return true;
	}

	shift(): T | undefined {
		if (this.length === 0) return undefined;
		const item = this.#items[this.#head];
		this.#items[this.#head++] = undefined;
		if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
			this.#items = this.#items.slice(this.#head);
			this.#head = 0;
		}
		return item;
	}

	/** Takes up to `limit` items at once. */
	take(limit: number): T[] {
		const taken: T[] = [];
		while (taken.length < limit && this.length > 0) taken.push(this.shift() as T);
		return taken;
	}

	clear(): void {
		this.#items = [];
		this.#head = 0;
	}
}
