import { createHash } from "node:crypto";
import type { Random } from "@cairn/kit";

/** Random bytes that follow from a seed alone: SHA-256 over the seed and a counter. */
export class SeededRandom implements Random {
	readonly #seed: string;
	#counter = 0;
	#block = new Uint8Array(0);

	constructor(seed: string | number) {
		this.#seed = String(seed);
	}

	bytes(length: number): Uint8Array {
		const bytes = new Uint8Array(length);
		for (let offset = 0; offset < length; ) {
			if (this.#block.length === 0) this.#block = this.#next();
			const taken = this.#block.subarray(0, length - offset);
			bytes.set(taken, offset);
			offset += taken.length;
			this.#block = this.#block.subarray(taken.length);
		}
		return bytes;
	}

	#next(): Uint8Array<ArrayBuffer> {
		return new Uint8Array(
			createHash("sha256")
				.update(`${this.#seed}/${this.#counter++}`)
				.digest(),
		);
	}
}
