import type { AbciError } from "./errors.ts";

/** Tells everybody who asked, once, why a connection ended. */
export class FailureListeners {
	#callbacks: ((error: AbciError) => void)[] = [];
	#failure: AbciError | undefined;

	add(callback: (error: AbciError) => void): void {
		if (this.#failure === undefined) this.#callbacks.push(callback);
		else callback(this.#failure);
	}

	/** Later calls do nothing. */
	fail(error: AbciError): void {
		if (this.#failure !== undefined) return;
		this.#failure = error;
		const callbacks = this.#callbacks;
		this.#callbacks = [];
		for (const callback of callbacks) callback(error);
	}
}
