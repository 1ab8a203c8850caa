import { randomFillSync } from "node:crypto";
import type { Clock, Random, Timer, Timers } from "@cairn/kit";
import { invariant } from "@cairn/kit";

const NS_PER_MS = 1_000_000n;
/** A difference to the system clock beyond this is followed (a step or the sum of slewing). */
const FOLLOW_AFTER_NS = 2n * NS_PER_MS;
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * The machine's clocks. JavaScript reads the system time only in milliseconds, so nanoseconds are counted by the
 * monotonic clock from an anchor, which is taken anew whenever the two part by more than two milliseconds.
 */
export class RealClock implements Clock {
	#anchorWall: bigint;
	#anchorMono: bigint;

	constructor() {
		this.#anchorWall = BigInt(Date.now()) * NS_PER_MS;
		this.#anchorMono = process.hrtime.bigint();
	}

	mono(): number {
		return performance.now();
	}

	wall(): bigint {
		const system = BigInt(Date.now()) * NS_PER_MS;
		const mono = process.hrtime.bigint();
		const estimate = this.#anchorWall + (mono - this.#anchorMono);
		const difference = estimate - system;
		if (difference <= FOLLOW_AFTER_NS && difference >= -FOLLOW_AFTER_NS) return estimate;
		this.#anchorWall = system;
		this.#anchorMono = mono;
		return system;
	}
}

/** Node's timers. Waits longer than Node's 24.8 days are chained; fractions of a millisecond are rounded up. */
export class RealTimers implements Timers {
	after(ms: number, call: () => void): Timer {
		invariant(ms >= 0, "a timer needs a waiting time that is not negative", { ms });
		return ms === 0 ? immediate(call) : delayed(Math.ceil(ms), call);
	}
}

function immediate(call: () => void): Timer {
	const handle = setImmediate(call);
	return { cancel: () => clearImmediate(handle) };
}

function delayed(ms: number, call: () => void): Timer {
	let handle: NodeJS.Timeout;
	const arm = (left: number): void => {
		const now = Math.min(left, LONGEST_TIMEOUT_MS);
		handle = setTimeout(() => (left > now ? arm(left - now) : call()), now);
	};
	arm(ms);
	return { cancel: () => clearTimeout(handle) };
}

/** The operating system's random bytes. */
export class RealRandom implements Random {
	bytes(length: number): Uint8Array {
		return randomFillSync(new Uint8Array(length));
	}
}
