import { MAX_REASSEMBLY_BYTES } from "./limits.ts";

/** Whoever holds buffers of half-received messages. */
export interface BufferHolder {
	/** Called when all holders together exceed the budget and this one holds most. It must let go. */
	exceedsBudget(): void;
}

/** Bounds the memory of half-received messages over all connections. */
export class ReassemblyBudget {
	readonly #limit: number;
	readonly #held = new Map<BufferHolder, number>();
	#total = 0;

	constructor(limit: number = MAX_REASSEMBLY_BYTES) {
		this.#limit = limit;
	}

	get total(): number {
		return this.#total;
	}

	/** A holder's buffers grew (or shrank, if negative) by so many bytes. */
	change(holder: BufferHolder, bytes: number): void {
		const held = (this.#held.get(holder) ?? 0) + bytes;
		this.#total += bytes;
		if (held === 0) this.#held.delete(holder);
		else this.#held.set(holder, held);
		if (this.#total > this.#limit) this.#largest()?.exceedsBudget();
	}

	/** Forgets a holder whose buffers are gone. */
	release(holder: BufferHolder): void {
		this.#total -= this.#held.get(holder) ?? 0;
		this.#held.delete(holder);
	}

	#largest(): BufferHolder | undefined {
		let largest: BufferHolder | undefined;
		let most = 0;
		for (const [holder, held] of this.#held) {
			if (held > most) {
				largest = holder;
				most = held;
			}
		}
		return largest;
	}
}
