import { randomInt } from "node:crypto";
import { SeededRandom } from "@cairn/world";

/** Chance that can be had again: the seed is printed, and taken from CAIRN_E2E_SEED where that is set. */
export class Chance {
	readonly seed: string;
	readonly #random: SeededRandom;

	constructor(name: string) {
		this.seed = process.env["CAIRN_E2E_SEED"] ?? String(randomInt(2 ** 31));
		this.#random = new SeededRandom(`${name}/${this.seed}`);
	}

	/** What to say when something fails. */
	get hint(): string {
		return `again with CAIRN_E2E_SEED=${this.seed}`;
	}

	/** A whole number from `min` to `max`, both included. */
	between(min: number, max: number): number {
		const bytes = this.#random.bytes(4);
		const value = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
		return min + (value % (max - min + 1));
	}

	pick<T>(items: readonly T[]): T {
		if (items.length === 0) throw new Error("nothing to pick from");
		return items[this.between(0, items.length - 1)] as T;
	}

	/** So many different ones. */
	some<T>(items: readonly T[], count: number): T[] {
		const left = [...items];
		const taken: T[] = [];
		while (taken.length < count && left.length > 0) taken.push(...left.splice(this.between(0, left.length - 1), 1));
		return taken;
	}

	bytes(length: number): Uint8Array {
		return this.#random.bytes(length);
	}
}
