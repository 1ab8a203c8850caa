import { RATE_WINDOW } from "./limits.ts";
import type { FlowStatus } from "./peer.ts";

/** Milliseconds of one sample, and the window of the moving average (libs/flowrate defaults). */
const SAMPLE = 100;
const AVERAGE_WINDOW = 1_000;

/** Limits a flow to `rate` bytes a second on average; unlimited if `rate` is below 1, as in Go. May be overdrawn. */
export class TokenBucket {
	readonly #rate: number;
	readonly #capacity: number;
	#tokens: number;
	#filledAt: number;

	constructor(rate: number, now: number) {
		this.#rate = rate;
		this.#capacity = Math.max(1, (rate * RATE_WINDOW) / 1000);
		this.#tokens = this.#capacity;
		this.#filledAt = now;
	}

	take(bytes: number, now: number): void {
		if (this.#rate < 1) return;
		this.#fill(now);
		this.#tokens -= bytes;
	}

	/** Bytes that may go now; Infinity without a limit. */
	allowance(now: number): number {
		if (this.#rate < 1) return Number.POSITIVE_INFINITY;
		this.#fill(now);
		return this.#tokens;
	}

	/** Milliseconds until anything may go; 0 if it may now. */
	delay(now: number): number {
		const allowance = this.allowance(now);
		return allowance > 0 ? 0 : Math.ceil(((1 - allowance) * 1000) / this.#rate);
	}

	#fill(now: number): void {
		const gained = ((now - this.#filledAt) * this.#rate) / 1000;
		this.#tokens = Math.min(this.#capacity, this.#tokens + gained);
		this.#filledAt = now;
	}
}

/** Measures a flow as CometBFT's `libs/flowrate` does: samples of 100 ms, exponential average over 1 s. */
export class FlowMonitor {
	readonly #startWall: bigint;
	readonly #startedAt: number;
	#bytes = 0;
	#samples = 0;
	#sampleBytes = 0;
	#sampledAt: number;
	#lastAt: number;
	#sampleRate = 0;
	#averageRate = 0;
	#peakRate = 0;

	/** `now` in milliseconds of the monotonic clock, `wall` in nanoseconds. */
	constructor(now: number, wall: bigint) {
		this.#startWall = wall;
		this.#startedAt = now;
		this.#sampledAt = now;
		this.#lastAt = now;
	}

	add(bytes: number, now: number): void {
		if (bytes > 0) this.#lastAt = now;
		this.#sampleBytes += bytes;
		const elapsed = now - this.#sampledAt;
		if (elapsed < SAMPLE) return;
		this.#sampleRate = (this.#sampleBytes * 1000) / elapsed;
		this.#peakRate = Math.max(this.#peakRate, this.#sampleRate);
		const keep = this.#samples === 0 ? 0 : Math.exp(-elapsed / AVERAGE_WINDOW);
		this.#averageRate = this.#sampleRate + keep * (this.#averageRate - this.#sampleRate);
		this.#bytes += this.#sampleBytes;
		this.#samples++;
		this.#sampleBytes = 0;
		this.#sampledAt = now;
	}

	status(now: number, active: boolean): FlowStatus {
		this.add(0, now);
		const duration = this.#sampledAt - this.#startedAt;
		return {
			start: this.#startWall,
			bytes: this.#bytes,
			samples: this.#samples,
			instRate: active ? Math.round(this.#sampleRate) : 0,
			curRate: active ? Math.round(this.#averageRate) : 0,
			avgRate: duration > 0 ? Math.round((this.#bytes * 1000) / duration) : 0,
			peakRate: Math.round(this.#peakRate),
			durationNs: nanoseconds(duration),
			idleNs: nanoseconds(now - this.#lastAt),
			active,
		};
	}
}

export function nanoseconds(milliseconds: number): bigint {
	return BigInt(Math.round(milliseconds * 1e6));
}
