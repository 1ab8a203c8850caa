/** Neighbouring buckets differ by this factor, so that a percentile is right within 1 %. */
const STEP = 1.02;
const LOG_STEP = Math.log(STEP);

/** Counts of durations in milliseconds, in buckets that grow by 2 %: any number of values in little memory. */
export class Durations {
	readonly #counts = new Map<number, number>();
	#count = 0;

	get count(): number {
		return this.#count;
	}

	/** Takes one duration in; less than a millisecond counts as one. */
	add(ms: number): void {
		const bucket = Math.round(Math.log(Math.max(ms, 1)) / LOG_STEP);
		this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
		this.#count++;
	}

	/** The duration below which this share (0 to 1) of all lies, in milliseconds; null where there are none. */
	percentile(share: number): number | null {
		if (this.#count === 0) return null;
		let left = Math.max(1, Math.ceil(share * this.#count));
		const buckets = [...this.#counts].sort(([a], [b]) => a - b);
		for (const [bucket, count] of buckets) {
			left -= count;
			if (left <= 0) return Math.exp(bucket * LOG_STEP);
		}
		return null;
	}
}
