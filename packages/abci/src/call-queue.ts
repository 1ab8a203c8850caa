import { BoundedQueue } from "@cairn/kit";
import { AbciError } from "./errors.ts";

/** How many calls may wait behind the one that runs. The longest row is a recheck of a full mempool. */
const CAPACITY = 1 << 20;

/**
 * Runs calls one after the other, in the order they came: what the mutex around an application is in CometBFT's local
 * client and socket server. A call that answers at once is run at once and costs no turn of the event loop.
 */
export class CallQueue {
	#busy = false;
	#draining = false;
	readonly #waiting = new BoundedQueue<() => void>(CAPACITY, "refuse-newest");

	/** Resolves or rejects as the call does. @throws (as a rejection) AbciError `abci-overloaded` when the row is too long */
	run<T>(call: () => T | PromiseLike<T>): Promise<T> {
		if (!this.#busy) return this.#start(call);
		return new Promise<T>((resolve, reject) => {
			const entered = this.#waiting.push(() => {
				this.#start(call).then(resolve, reject);
			});
			if (!entered) reject(new AbciError("abci-overloaded", "too many calls wait for the application", { CAPACITY }));
		});
	}

	#start<T>(call: () => T | PromiseLike<T>): Promise<T> {
		this.#busy = true;
		let answer: T | PromiseLike<T>;
		try {
			answer = call();
		} catch (cause) {
			this.#next();
			return Promise.reject(cause);
		}
		if (!isPromiseLike(answer)) {
			this.#next();
			return Promise.resolve(answer);
		}
		const later = answer;
		// The caller hears of this answer before the next call begins: answers are heard in the order of the calls.
		return new Promise<T>((resolve, reject) => {
			later.then(
				(value) => {
					resolve(value);
					this.#next();
				},
				(cause: unknown) => {
					reject(cause);
					this.#next();
				},
			);
		});
	}

	#next(): void {
		this.#busy = false;
		// A call that answers at once takes the next one inside `#start`: this loop keeps the stack flat.
		if (this.#draining) return;
		this.#draining = true;
		while (!this.#busy) {
			const waiting = this.#waiting.shift();
			if (waiting === undefined) break;
			waiting();
		}
		this.#draining = false;
	}
}

function isPromiseLike<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
	return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
