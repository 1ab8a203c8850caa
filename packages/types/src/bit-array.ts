import { DecodeError, invariant } from "@cairn/kit";

/** Wire form (`tendermint.libs.bits.BitArray`): 64 bits in each element, least significant first. */
export interface BitArrayProto {
	readonly bits: bigint;
	readonly elems: readonly bigint[];
}

/**
 * A fixed number of bits, one per validator or block part. Differs from Go's `libs/bits` in one point: bits beyond the
 * size are always zero (Go keeps what a peer sent there), so that `isEmpty`, `not` and `equals` mean what they say.
 * A size of zero stands for Go's nil array.
 */
export class BitArray {
	readonly size: number;
	readonly #words: Uint32Array;

	/** @param size number of bits, all zero; a caller must have bounded it. */
	constructor(size: number) {
		invariant(Number.isInteger(size) && size >= 0 && size <= 0xffffffff, "size of a bit array", { size });
		this.size = size;
		this.#words = new Uint32Array(Math.ceil(size / 32));
	}

	static fromFunction(size: number, bit: (index: number) => boolean): BitArray {
		const bits = new BitArray(size);
		for (let i = 0; i < size; i++) if (bit(i)) bits.set(i, true);
		return bits;
	}

	/** False for an index outside the array. */
	get(index: number): boolean {
		if (index < 0 || index >= this.size) return false;
		return (((this.#words[index >>> 5] as number) >>> (index & 31)) & 1) === 1;
	}

	/** False, and nothing changed, for an index outside the array. */
	set(index: number, value: boolean): boolean {
		if (index < 0 || index >= this.size) return false;
		const at = index >>> 5;
		const word = this.#words[at] as number;
		this.#words[at] = value ? word | (1 << (index & 31)) : word & ~(1 << (index & 31));
		return true;
	}

	copy(): BitArray {
		const bits = new BitArray(this.size);
		bits.#words.set(this.#words);
		return bits;
	}

	/** As large as the larger one; the smaller is padded with zeroes. */
	or(other: BitArray): BitArray {
		const larger = this.size >= other.size ? this : other;
		const smaller = larger === this ? other : this;
		const bits = larger.copy();
		for (let i = 0; i < smaller.#words.length; i++) {
			bits.#words[i] = (bits.#words[i] as number) | (smaller.#words[i] as number);
		}
		return bits;
	}

	/** As large as the smaller one. */
	and(other: BitArray): BitArray {
		const smaller = this.size <= other.size ? this : other;
		const larger = smaller === this ? other : this;
		const bits = smaller.copy();
		for (let i = 0; i < bits.#words.length; i++) {
			bits.#words[i] = (bits.#words[i] as number) & (larger.#words[i] as number);
		}
		return bits;
	}

	/** The bits of this that the other lacks; as large as this one. */
	sub(other: BitArray): BitArray {
		const bits = this.copy();
		const shared = Math.min(bits.#words.length, other.#words.length);
		for (let i = 0; i < shared; i++) {
			bits.#words[i] = (bits.#words[i] as number) & ~(other.#words[i] as number);
		}
		return bits;
	}

	not(): BitArray {
		const bits = new BitArray(this.size);
		for (let i = 0; i < bits.#words.length; i++) bits.#words[i] = ~(this.#words[i] as number);
		bits.#clearBeyondSize();
		return bits;
	}

	/** Takes over the other's bits, as far as they fit (Go's `Update`). */
	update(other: BitArray): void {
		const shared = Math.min(this.#words.length, other.#words.length);
		this.#words.set(other.#words.subarray(0, shared));
		this.#clearBeyondSize();
	}

	isEmpty(): boolean {
		for (const word of this.#words) if (word !== 0) return false;
		return true;
	}

	/** True if every bit is set; also for size zero, as in Go. */
	isFull(): boolean {
		return this.count() === this.size;
	}

	/** How many bits are set. */
	count(): number {
		let count = 0;
		for (const word of this.#words) count += populationCount(word);
		return count;
	}

	/** Indices of the set bits, ascending. */
	trueIndices(): number[] {
		const indices: number[] = [];
		for (let w = 0; w < this.#words.length; w++) {
			for (let rest = this.#words[w] as number; rest !== 0; rest &= rest - 1) {
				indices.push(w * 32 + 31 - Math.clz32(rest & -rest));
			}
		}
		return indices;
	}

	/**
	 * Index of one set bit, each equally likely, or null where none is set.
	 * @param random gives an integer of [0, n)
	 */
	pickRandom(random: (n: number) => number): number | null {
		const count = this.count();
		if (count === 0) return null;
		let left = random(count);
		for (let w = 0; w < this.#words.length; w++) {
			let rest = this.#words[w] as number;
			const here = populationCount(rest);
			if (left >= here) {
				left -= here;
				continue;
			}
			for (; left > 0; left--) rest &= rest - 1;
			return w * 32 + 31 - Math.clz32(rest & -rest);
		}
		return null;
	}

	equals(other: BitArray): boolean {
		if (this.size !== other.size) return false;
		return this.#words.every((word, i) => word === other.#words[i]);
	}

	/** `x` for a set bit, `_` for another. */
	toString(): string {
		let text = "";
		for (let i = 0; i < this.size; i++) text += this.get(i) ? "x" : "_";
		return text;
	}

	/** The form of CometBFT's logs and dumps: `BA{3:_x_}`. */
	toDisplay(): string {
		return this.size === 0 ? "nil-BitArray" : `BA{${this.size}:${this.toString()}}`;
	}

	/** Go's JSON form: a string of `x` and `_`, null for size zero. */
	toJSON(): string | null {
		return this.size === 0 ? null : this.toString();
	}

	/** @throws DecodeError on anything but a string of `x` and `_`, or null */
	static fromJson(value: unknown): BitArray {
		if (value === null) return new BitArray(0);
		if (typeof value !== "string" || !/^[_x]*$/.test(value)) throw new DecodeError("not a bit array", { value });
		return BitArray.fromFunction(value.length, (i) => value.charAt(i) === "x");
	}

	/** The bits as bytes, least significant first; (size + 7) / 8 of them. */
	toBytes(): Uint8Array {
		const bytes = new Uint8Array(Math.ceil(this.size / 8));
		for (let i = 0; i < bytes.length; i++) bytes[i] = (this.#words[i >>> 2] as number) >>> (8 * (i & 3));
		return bytes;
	}

	/** Null for size zero, as Go sends it. */
	toProto(): { bits: bigint; elems: bigint[] } | null {
		if (this.size === 0) return null;
		const elems: bigint[] = [];
		for (let i = 0; i < this.#words.length; i += 2) {
			elems.push(BigInt(this.#words[i] as number) | (BigInt(this.#words[i + 1] ?? 0) << 32n));
		}
		return { bits: BigInt(this.size), elems };
	}

	/**
	 * Reads the wire form; null and zero bits give an array of size zero. Nothing is allocated beyond what was received.
	 * @throws DecodeError if the number of elements does not fit the number of bits
	 */
	static fromProto(proto: BitArrayProto | null | undefined): BitArray {
		if (proto === null || proto === undefined) return new BitArray(0);
		if (proto.bits < 0n || (proto.bits + 63n) / 64n !== BigInt(proto.elems.length) || proto.bits > 0xffffffffn) {
			throw new DecodeError("bits and elements of a bit array do not fit", {
				bits: String(proto.bits),
				elements: proto.elems.length,
			});
		}
		const bits = new BitArray(Number(proto.bits));
		for (let i = 0; i < proto.elems.length; i++) {
			const element = proto.elems[i] as bigint;
			bits.#words[2 * i] = Number(element & 0xffffffffn);
			if (2 * i + 1 < bits.#words.length) bits.#words[2 * i + 1] = Number((element >> 32n) & 0xffffffffn);
		}
		bits.#clearBeyondSize();
		return bits;
	}

	#clearBeyondSize(): void {
		const used = this.size & 31;
		if (used === 0) return;
		const last = this.#words.length - 1;
		this.#words[last] = (this.#words[last] as number) & (2 ** used - 1);
	}
}

/** Number of ones among 32 bits (Hacker's Delight, section 5-1). */
function populationCount(word: number): number {
	let x = word - ((word >>> 1) & 0x55555555);
	x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
	x = (x + (x >>> 4)) & 0x0f0f0f0f;
	return Math.imul(x, 0x01010101) >>> 24;
}
