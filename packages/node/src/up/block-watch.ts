import { listAt, valueAt } from "./json-value.ts";
import { type AnnouncedBlock, blockOf } from "./node-link.ts";
import type { RpcCall } from "./rpc-client.ts";

/** Asks any node that is up. @throws CairnError */
export type AskAny = (calls: readonly RpcCall[]) => Promise<readonly unknown[]>;

/** Most blocks that are fetched to close a gap; of older ones nothing waits any more. */
const MAX_GAP = 100;
/** How far `txPerSecond` looks back. */
const RATE_WINDOW_MS = 15_000;
/** Over less than this a rate says nothing. */
const MIN_RATE_MS = 500;

export interface BlockWatchEvents {
	/** Once for each height, gaps closed as far as possible; not always in order. */
	final(block: AnnouncedBlock): void;
}

/** Turns the announcements of many nodes into one stream of blocks: the first word on a height counts. */
export class BlockWatch {
	readonly #ask: AskAny;
	readonly #events: BlockWatchEvents;
	readonly #recent: { readonly at: number; readonly txs: number }[] = [];
	#last = 0;
	#lastAt: number | null = null;
	#interval: number | null = null;

	constructor(ask: AskAny, events: BlockWatchEvents) {
		this.#ask = ask;
		this.#events = events;
	}

	/** Height of the last block that was announced; 0 before the first. */
	get height(): number {
		return this.#last;
	}

	/** Time between blocks, in milliseconds, smoothed; null before the second one. */
	get intervalMs(): number | null {
		return this.#interval;
	}

	/** Transactions in blocks per second, over the last seconds. */
	txPerSecond(now: number): number {
		while ((this.#recent[0]?.at ?? now) < now - RATE_WINDOW_MS) this.#recent.shift();
		const first = this.#recent[0];
		if (first === undefined) return 0;
		// What is in the first of these blocks came before it.
		const txs = this.#recent.reduce((sum, each) => sum + each.txs, -first.txs);
		return now - first.at < MIN_RATE_MS ? 0 : (txs * 1_000) / (now - first.at);
	}

	announced(block: AnnouncedBlock, now: number): void {
		const { height } = block;
		if (height <= this.#last) return;
		const missing = this.#last === 0 ? 0 : Math.min(height - this.#last - 1, MAX_GAP);
		if (this.#lastAt !== null && missing === 0) this.#smooth(now - this.#lastAt);
		this.#last = height;
		this.#lastAt = now;
		for (let each = height - missing; each < height; each++) void this.#fetch(each, now);
		this.#deliver(block, now);
	}

	#deliver(block: AnnouncedBlock, now: number): void {
		this.#recent.push({ at: now, txs: block.txs.length });
		this.#events.final(block);
	}

	async #fetch(height: number, now: number): Promise<void> {
		const params = { height: String(height) };
		try {
			const [block, results] = await this.#ask([
				{ method: "block", params },
				{ method: "block_results", params },
			]);
			this.#deliver(blockOf(valueAt(block, "block"), listAt(results, "txs_results")), now);
		} catch {
			// Whatever was in it is handed in again when it is overdue, and found then.
		}
	}

	#smooth(interval: number): void {
		this.#interval = this.#interval === null ? interval : this.#interval * 0.8 + interval * 0.2;
	}
}
