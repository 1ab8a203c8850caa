import { BitArray } from "@cairn/types";

/**
 * What a peer has of a set of votes or parts: what it told us, and what we sent and take for delivered. The second may be
 * forgotten when the peer seems stuck: CometBFT drops what comes at a wrong moment.
 */
export class KnownBits {
	readonly #has: BitArray;
	#assumed: BitArray;

	constructor(size: number) {
		this.#has = new BitArray(size);
		this.#assumed = new BitArray(size);
	}

	/** A copy of what a peer told. */
	static told(bits: BitArray): KnownBits {
		const known = new KnownBits(bits.size);
		known.#has.update(bits);
		return known;
	}

	get size(): number {
		return this.#has.size;
	}

	get(index: number): boolean {
		return this.#has.get(index);
	}

	/** True if it is there only because we sent it. */
	isAssumed(index: number): boolean {
		return this.#assumed.get(index);
	}

	/** The peer told, or showed by sending it. */
	tell(index: number): void {
		this.#has.set(index, true);
		this.#assumed.set(index, false);
	}

	/** We sent it. */
	assume(index: number): void {
		if (this.#has.get(index)) return;
		this.#has.set(index, true);
		this.#assumed.set(index, true);
	}

	/** Which of `ours` the peer lacks. */
	missing(ours: BitArray): BitArray {
		return ours.sub(this.#has);
	}

	/** The peer told of all at once, or only of those among `asked`; then the others stay as they are. */
	replace(told: BitArray, asked: BitArray | null): void {
		this.#has.update(asked === null ? told : this.#has.sub(asked).or(told));
		this.#assumed = asked === null ? new BitArray(this.size) : this.#assumed.sub(asked);
	}

	/** The peer told of all at once, but what we sent may have been on its way. */
	confirm(told: BitArray): void {
		this.#has.update(told.or(this.#assumed));
		this.#assumed = this.#assumed.sub(told);
	}

	/** Forgets what was only assumed. */
	forget(): void {
		this.#has.update(this.#has.sub(this.#assumed));
		this.#assumed = new BitArray(this.size);
	}

	/** A copy. */
	bits(): BitArray {
		return this.#has.copy();
	}

	toJSON(): string | null {
		return this.#has.toJSON();
	}
}
