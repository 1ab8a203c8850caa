import type { Clock, Timer, Timers } from "@cairn/kit";
import { invariant } from "@cairn/kit";

interface Armed {
	readonly due: number;
	readonly order: number;
	readonly call: () => void;
	cancelled: boolean;
}

/** 2025-01-01T00:00:00Z. */
const DEFAULT_START = 1_735_689_600_000_000_000n;

/**
 * A clock and its timers that stand still until a hand moves them. Timers fire in order of their due time, those due at
 * the same time in the order they were set.
 */
export class ManualTime implements Clock, Timers {
	#now = 0;
	#wallBase: bigint;
	#order = 0;
	/** A binary heap, the earliest timer first. */
	readonly #heap: Armed[] = [];

	/** @param start wall-clock time at monotonic zero, nanoseconds since 1970 */
	constructor(start: bigint = DEFAULT_START) {
		this.#wallBase = start;
	}

	mono(): number {
		return this.#now;
	}

	wall(): bigint {
		return this.#wallBase + BigInt(Math.round(this.#now * 1e6));
	}

	/** Sets the wall clock forward or back, as an operator or NTP would; timers do not notice. */
	jumpWall(nanoseconds: bigint): void {
		this.#wallBase += nanoseconds;
	}

	after(ms: number, call: () => void): Timer {
		invariant(ms >= 0 && Number.isFinite(ms), "a timer needs a finite waiting time that is not negative", { ms });
		const armed: Armed = { due: this.#now + ms, order: this.#order++, call, cancelled: false };
		this.#push(armed);
		return {
			cancel: () => {
				armed.cancelled = true;
			},
		};
	}

	/** When the next timer is due (monotonic milliseconds), or undefined where none is set. */
	get nextDue(): number | undefined {
		while (this.#heap[0]?.cancelled) this.#pop();
		return this.#heap[0]?.due;
	}

	/** Moves time to the next timer and fires it. False where none is set. */
	step(): boolean {
		if (this.nextDue === undefined) return false;
		const armed = this.#pop();
		this.#now = Math.max(this.#now, armed.due);
		armed.call();
		return true;
	}

	/**
	 * Moves time on by `ms`, firing each timer at its time and letting everything that follows from it by promises happen
	 * before the next one.
	 */
	async advance(ms: number): Promise<void> {
		const end = this.#now + ms;
		await settle();
		while ((this.nextDue ?? Number.POSITIVE_INFINITY) <= end) {
			this.step();
			await settle();
		}
		this.#now = end;
	}

	#push(armed: Armed): void {
		const heap = this.#heap;
		let index = heap.push(armed) - 1;
		while (index > 0) {
			const parent = (index - 1) >> 1;
			if (!earlier(armed, heap[parent] as Armed)) break;
			heap[index] = heap[parent] as Armed;
			index = parent;
		}
		heap[index] = armed;
	}

	#pop(): Armed {
		const heap = this.#heap;
		const first = heap[0] as Armed;
		const last = heap.pop() as Armed;
		if (heap.length === 0) return first;
		let index = 0;
		for (;;) {
			let child = 2 * index + 1;
			if (child >= heap.length) break;
			if (child + 1 < heap.length && earlier(heap[child + 1] as Armed, heap[child] as Armed)) child++;
			if (!earlier(heap[child] as Armed, last)) break;
			heap[index] = heap[child] as Armed;
			index = child;
		}
		heap[index] = last;
		return first;
	}
}

function earlier(a: Armed, b: Armed): boolean {
	return a.due < b.due || (a.due === b.due && a.order < b.order);
}

/** Resolves when every promise that can settle without the outside world has settled. */
export function settle(): Promise<void> {
	return new Promise((resolve) => {
		setImmediate(resolve);
	});
}
