import { sha256 } from "@cairn/crypto";
import { utf8 } from "@cairn/kit";

/** 32 bytes that follow from a seed and what they are for. */
export function derivedBytes(seed: string, purpose: string): Uint8Array {
	return sha256(utf8(`${seed}/${purpose}`));
}

/** Numbers that follow from a seed alone (SFC32; not for keys). */
export class SeededNumbers {
	readonly #state: Uint32Array;

	constructor(seed: string, purpose: string) {
		const bytes = derivedBytes(seed, purpose);
		const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
		this.#state = Uint32Array.of(view.getUint32(0), view.getUint32(4), view.getUint32(8), 1);
		for (let i = 0; i < 12; i++) this.uint32();
	}

	uint32(): number {
		const [a = 0, b = 0, c = 0, counter = 0] = this.#state;
		const sum = (a + b + counter) >>> 0;
		this.#state[0] = b ^ (b >>> 9);
		this.#state[1] = c + (c << 3);
		this.#state[2] = ((c << 21) | (c >>> 11)) + sum;
		this.#state[3] = counter + 1;
		return sum;
	}

	/** From 0 (inclusive) to 1 (exclusive). */
	fraction(): number {
		return this.uint32() / 2 ** 32;
	}

	/** Around zero, up to ±1, more often near zero. */
	bell(): number {
		return (this.fraction() + this.fraction() + this.fraction()) / 1.5 - 1;
	}
}
