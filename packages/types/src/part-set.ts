import { type MerkleProof, merkleProofs, verifyMerkleProof } from "@cairn/crypto";
import { EMPTY_BYTES, invariant, ValidationError } from "@cairn/kit";
import { BitArray } from "./bit-array.ts";
import { BLOCK_PART_SIZE_BYTES, MAX_BLOCK_PARTS_COUNT } from "./limits.ts";
import type { Part, PartSetHeader } from "./model.ts";

/**
 * The pieces of one block: made at once from its bytes, or collected one by one under a header that says what they
 * must hash to. Pieces are views: of the block's bytes here, of what the network received there; once complete, of
 * one array.
 */
export class PartSet {
	readonly header: PartSetHeader;
	readonly #parts: (Part | undefined)[];
	readonly #bits: BitArray;
	#count = 0;
	#byteSize = 0;
	#bytes: Uint8Array | undefined;

	private constructor(header: PartSetHeader) {
		this.header = header;
		this.#parts = new Array<Part | undefined>(header.total).fill(undefined);
		this.#bits = new BitArray(header.total);
	}

	/** Cuts bytes into parts, without copying, and proves each. The caller gives the bytes away. */
	static fromBytes(bytes: Uint8Array, partSize: number = BLOCK_PART_SIZE_BYTES): PartSet {
		invariant(Number.isSafeInteger(partSize) && partSize > 0, "size of a part", { partSize });
		const pieces: Uint8Array[] = [];
		for (let at = 0; at < bytes.length; at += partSize) pieces.push(bytes.subarray(at, at + partSize));
		const { root, proofs } = merkleProofs(pieces);
		const set = new PartSet({ total: pieces.length, hash: root });
		for (const [index, piece] of pieces.entries()) {
			set.#put({ index, bytes: piece, proof: proofs[index] as MerkleProof });
		}
		set.#bytes = bytes;
		return set;
	}

	/** A set still to be collected. @throws ValidationError when no block can have so many parts */
	static fromHeader(header: PartSetHeader): PartSet {
		if (header.total > MAX_BLOCK_PARTS_COUNT) {
			throw new ValidationError("part set of too many parts", { total: header.total });
		}
		return new PartSet(header);
	}

	get total(): number {
		return this.header.total;
	}

	get count(): number {
		return this.#count;
	}

	/** Bytes in the parts that are there. */
	get byteSize(): number {
		return this.#byteSize;
	}

	get isComplete(): boolean {
		return this.#count === this.header.total;
	}

	/** Which parts are there; a copy. */
	get bits(): BitArray {
		return this.#bits.copy();
	}

	hasPart(index: number): boolean {
		return this.#bits.get(index);
	}

	getPart(index: number): Part | null {
		return this.#parts[index] ?? null;
	}

	/**
	 * Adds a part that passed `validatePart`. False if it is there already.
	 * @throws ValidationError if it does not belong to this set
	 */
	addPart(part: Part): boolean {
		if (part.index >= this.header.total)
			throw new ValidationError("block part: unexpected index", { index: part.index });
		if (this.#parts[part.index] !== undefined) return false;
		if (part.proof.total !== this.header.total || part.proof.index !== part.index) {
			throw new ValidationError("block part: proof of another place");
		}
		verifyMerkleProof(this.header.hash, part.bytes, part.proof);
		this.#put(part);
		return true;
	}

	#put(part: Part): void {
		this.#parts[part.index] = part;
		this.#bits.set(part.index, true);
		this.#count++;
		this.#byteSize += part.bytes.length;
	}

	/**
	 * The bytes of the block; the set must be complete. Joined at the first call, after which the parts are views of the
	 * joined array and what they came in can be forgotten.
	 */
	bytes(): Uint8Array {
		invariant(this.isComplete, "bytes of an incomplete part set", { count: this.#count, total: this.total });
		this.#bytes ??= this.#join();
		return this.#bytes;
	}

	#join(): Uint8Array {
		const first = this.#parts[0];
		if (first === undefined) return EMPTY_BYTES;
		if (this.total === 1) return first.bytes;
		const joined = new Uint8Array(this.#byteSize);
		let at = 0;
		for (const [i, part] of this.#parts.entries()) {
			const { index, bytes, proof } = part as Part;
			joined.set(bytes, at);
			this.#parts[i] = { index, bytes: joined.subarray(at, at + bytes.length), proof };
			at += bytes.length;
		}
		return joined;
	}
}
