/** A transaction that the application has accepted, in its place in the list. */
export interface MempoolEntry {
	readonly tx: Uint8Array;
	readonly key: string;
	/** Height of the state it was checked against. */
	readonly height: number;
	readonly gasWanted: bigint;
	/** Peers that sent it to us (never sent back to them); "" is this node's RPC. */
	readonly senders: Set<string>;
	/** The entry behind this one; kept when the entry is removed, so that a walking reader finds its way back. */
	next: MempoolEntry | null;
	previous: MempoolEntry | null;
	removed: boolean;
}

/** The accepted transactions in order of arrival: a linked list that readers may walk while entries come and go. */
export class TxList {
	readonly #byKey = new Map<string, MempoolEntry>();
	#first: MempoolEntry | null = null;
	#last: MempoolEntry | null = null;
	#bytes = 0;

	get size(): number {
		return this.#byKey.size;
	}

	get bytes(): number {
		return this.#bytes;
	}

	get first(): MempoolEntry | null {
		return this.#first;
	}

	get(key: string): MempoolEntry | undefined {
		return this.#byKey.get(key);
	}

	append(tx: Uint8Array, key: string, height: number, gasWanted: bigint): MempoolEntry {
		const entry: MempoolEntry = {
			tx,
			key,
			height,
			gasWanted,
			senders: new Set(),
			next: null,
			previous: this.#last,
			removed: false,
		};
		if (this.#last === null) this.#first = entry;
		else this.#last.next = entry;
		this.#last = entry;
		this.#byKey.set(key, entry);
		this.#bytes += tx.length;
		return entry;
	}

	remove(key: string): boolean {
		const entry = this.#byKey.get(key);
		if (entry === undefined) return false;
		this.#byKey.delete(key);
		this.#bytes -= entry.tx.length;
		if (entry.previous === null) this.#first = entry.next;
		else entry.previous.next = entry.next;
		if (entry.next === null) this.#last = entry.previous;
		else entry.next.previous = entry.previous;
		entry.previous = null;
		entry.removed = true;
		return true;
	}

	clear(): void {
		for (const entry of this.#byKey.values()) {
			entry.removed = true;
			entry.previous = null;
			entry.next = null;
		}
		this.#byKey.clear();
		this.#first = null;
		this.#last = null;
		this.#bytes = 0;
	}

	*[Symbol.iterator](): IterableIterator<MempoolEntry> {
		for (let entry = this.#first; entry !== null; entry = entry.next) if (!entry.removed) yield entry;
	}
}

/**
 * The first living entry behind `from` (or the first of all), for a reader that walks the list. A removed entry that was
 * the last when it went has no successor: the reader starts over, which costs only looks at entries already sent.
 */
export function entryAfter(list: TxList, from: MempoolEntry | null): MempoolEntry | null {
	if (from === null) return list.first;
	let entry: MempoolEntry | null = from.next;
	while (entry?.removed) entry = entry.next;
	if (entry === null && from.removed) return list.first;
	return entry;
}
