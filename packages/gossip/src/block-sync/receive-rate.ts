/** Slower than this while it owes us blocks, a peer is of no use: 128 KB/s (blocksync/pool.go). */
export const MIN_RECEIVE_RATE = 131_072;
/** Milliseconds over which the rate is averaged, and of one sample. */
const WINDOW = 40_000;
const SAMPLE = 1_000;

/** Bytes a second that a peer sends, as an exponential average; it starts with the benefit of the doubt. */
export class ReceiveRate {
	#average = MIN_RECEIVE_RATE * Math.E;
	#bytes = 0;
	#sampledAt: number;

	/** @param now milliseconds of the monotonic clock, as everywhere here */
	constructor(now: number) {
		this.#sampledAt = now;
	}

	add(bytes: number, now: number): void {
		this.#bytes += bytes;
		this.at(now);
	}

	/** The average, after what has come so far. */
	at(now: number): number {
		const elapsed = now - this.#sampledAt;
		if (elapsed >= SAMPLE) {
			const rate = (this.#bytes * 1000) / elapsed;
			this.#average = rate + Math.exp(-elapsed / WINDOW) * (this.#average - rate);
			this.#bytes = 0;
			this.#sampledAt = now;
		}
		return this.#average;
	}
}
