import type { TimeNs } from "@cairn/types";

/** Production intervals that the average is made of, and how many it needs to mean anything. */
const WINDOW = 10;
const ENOUGH = 3;

/**
 * Says when waiting for blocks of peers is no longer worth it, from what no peer can forge: our clock and the times in
 * verified headers (blocksync/sync_tracker.go). Near the tip, receiving a block must not take longer than producing one; far
 * behind, pauses are tolerated in proportion.
 */
export class SyncTracker {
	readonly #noBlockTimeout: number;
	readonly #intervals: number[] = [];
	#receivedAt = 0;
	#headerTime: TimeNs | null = null;

	/** @param noBlockTimeout milliseconds without a block after which it is over in any case near the tip */
	constructor(noBlockTimeout: number) {
		this.#noBlockTimeout = noBlockTimeout;
	}

	/** A block was verified and applied. */
	record(headerTime: TimeNs, now: number): void {
		if (this.#headerTime !== null) {
			const interval = Number(headerTime - this.#headerTime) / 1e6;
			if (interval > 0) this.#intervals.push(interval);
			if (this.#intervals.length > WINDOW) this.#intervals.shift();
		}
		this.#headerTime = headerTime;
		this.#receivedAt = now;
	}

	/** @param wall nanoseconds since 1970 */
	isOver(now: number, wall: TimeNs): boolean {
		const waited = now - this.#receivedAt;
		if (this.#headerTime === null || this.#intervals.length < ENOUGH) return waited >= this.#noBlockTimeout;
		const production = this.#intervals.reduce((sum, each) => sum + each, 0) / this.#intervals.length;
		const age = Number(wall - this.#headerTime) / 1e6;
		const far = production * 100;
		if (age > far) return waited >= Math.max(age / 100, this.#noBlockTimeout);
		const near = production * 0.6;
		const ratio = Math.min(1, Math.max(0, age / far));
		return waited >= near + ratio * (this.#noBlockTimeout - near);
	}
}
