import { BitArray } from "@cairn/types";

/**
 * What came from peers a moment ago, as bits under a name. Two generations: what was added is there for one to two periods,
 * the caller's `rotate` being the end of a period.
 */
export class Arrivals {
	#young = new Map<string, BitArray>();
	#old = new Map<string, BitArray>();

	add(name: string, index: number, size: number): void {
		let bits = this.#young.get(name);
		if (bits === undefined) {
			bits = new BitArray(size);
			this.#young.set(name, bits);
		}
		bits.set(index, true);
	}

	has(name: string, index: number): boolean {
		return this.#young.get(name)?.get(index) === true || this.#old.get(name)?.get(index) === true;
	}

	get isEmpty(): boolean {
		return this.#young.size === 0 && this.#old.size === 0;
	}

	rotate(): void {
		this.#old = this.#young;
		this.#young = new Map();
	}
}
