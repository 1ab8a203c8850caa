import type { ChainEvent } from "@cairn/chain";
import { toUpperHex } from "@cairn/kit";
import type { Query } from "@cairn/storage";
import { EVENT_TX, EVENT_TYPE_KEY, TX_HASH_KEY, txHash } from "@cairn/types";

/** For queries that name no kind of event. */
const ANY = "*";
const TX_PREFIX = `${EVENT_TX}/`;

/**
 * Finds the subscriptions that an event may concern without matching all of them: nearly every query names one kind of
 * event, and everybody who waits for a transaction names its hash. An application's own attribute `tm.event` does not
 * make an event one of another kind.
 */
export class BucketIndex<T> {
	readonly #buckets = new Map<string, Set<T>>();
	/** Subscriptions to single transactions. */
	#txWaiters = 0;

	add(query: Query, item: T): void {
		const name = bucketOf(query);
		const bucket = this.#buckets.get(name);
		if (bucket === undefined) this.#buckets.set(name, new Set([item]));
		else bucket.add(item);
		if (name.startsWith(TX_PREFIX)) this.#txWaiters++;
	}

	remove(query: Query, item: T): void {
		const name = bucketOf(query);
		const bucket = this.#buckets.get(name);
		if (bucket?.delete(item) !== true) return;
		if (bucket.size === 0) this.#buckets.delete(name);
		if (name.startsWith(TX_PREFIX)) this.#txWaiters--;
	}

	/** False if no query can match an event of this kind. */
	mayWant(name: ChainEvent["name"]): boolean {
		return this.#buckets.has(name) || this.#buckets.has(ANY) || (name === EVENT_TX && this.#txWaiters > 0);
	}

	/** Everybody whose query may match, each once; a copy, for receivers may end their subscriptions. */
	candidates(event: ChainEvent): T[] {
		const found = [...(this.#buckets.get(event.name) ?? []), ...(this.#buckets.get(ANY) ?? [])];
		if (event.name !== EVENT_TX || this.#txWaiters === 0) return found;
		return [...found, ...(this.#buckets.get(TX_PREFIX + toUpperHex(txHash(event.tx))) ?? [])];
	}
}

function bucketOf(query: Query): string {
	const name = equalTo(query, EVENT_TYPE_KEY);
	if (name === null) return ANY;
	const hash = name === EVENT_TX ? equalTo(query, TX_HASH_KEY) : null;
	return hash === null ? name : TX_PREFIX + hash;
}

/** The text that a condition of the query wants a key to be equal to. */
function equalTo({ conditions }: Query, key: string): string | null {
	const condition = conditions.find(({ tag, operator, operand }) => {
		return tag === key && operator === "=" && operand?.kind === "string";
	});
	return condition?.operand?.text ?? null;
}
