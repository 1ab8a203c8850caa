import { bytesEqual, ValidationError } from "@cairn/kit";
import {
	type Block,
	type BlockId,
	type BlockKey,
	blockHash,
	blockIdFromKey,
	blockIdKey,
	decodeBlock,
	type Height,
	MAX_BLOCK_SIZE_BYTES,
	type Part,
	PartSet,
	type PartSetHeader,
} from "@cairn/types";

/** A block of the height being decided: what is known of its pieces, and the block once they are all here. */
interface Assembly {
	readonly id: BlockId;
	readonly parts: PartSet;
	block: Block | null;
}

export type AddedPart =
	/** New; the set is not complete yet. */
	| { readonly kind: "added" }
	/** New and the last: here is the block that was asked for. */
	| { readonly kind: "complete"; readonly key: BlockKey; readonly block: Block }
	/** The last one, but what the parts make up is not the block that was promised: it will never come. */
	| { readonly kind: "broken"; readonly key: BlockKey; readonly why: string }
	| { readonly kind: "duplicate" }
	/** Nobody asked for parts like this one. */
	| { readonly kind: "unwanted" };

/** Part sets of one height that are kept at once: current proposal, lock, valid block, decided block, and one to spare. */
const MAX_ASSEMBLIES = 8;

/**
 * Puts the proposed blocks of one height together from their parts. Pure; forgets everything when the height moves on.
 * Which blocks are wanted is the engine's decision (`fetch`): a part is taken only where its proof fits a wanted header.
 */
export class BlockAssembler {
	#height: Height;
	#maxBytes: number;
	readonly #assemblies = new Map<BlockKey, Assembly>();

	/** @param maxBytes `block.max_bytes`; -1 stands for the greatest block there is. */
	constructor(height: Height, maxBytes: bigint) {
		this.#height = height;
		this.#maxBytes = blockLimit(maxBytes);
	}

	get height(): Height {
		return this.#height;
	}

	/** Starts anew for a height. */
	reset(height: Height, maxBytes: bigint): void {
		this.#height = height;
		this.#maxBytes = blockLimit(maxBytes);
		this.#assemblies.clear();
	}

	/** True if a part set of this size can be a legal block (Proposal.ValidateBlockSize). */
	fits(header: PartSetHeader): boolean {
		return header.total <= Math.floor((this.#maxBytes - 1) / 65_536) + 1;
	}

	/** Takes parts of this block from now on. Returns the block if it is complete already. */
	want(key: BlockKey): Block | null {
		const known = this.#assemblies.get(key);
		if (known !== undefined) return known.block;
		const id = blockIdFromKey(key);
		const twin = this.#byHeader(id.partSetHeader);
		this.#makeRoom();
		this.#assemblies.set(key, { id, parts: twin?.parts ?? PartSet.fromHeader(id.partSetHeader), block: null });
		return null;
	}

	/** Enters a block that this node has made itself. */
	put(id: BlockId, block: Block, parts: PartSet): void {
		this.#makeRoom();
		this.#assemblies.set(blockIdKey(id), { id, parts, block });
	}

	block(key: BlockKey): Block | null {
		return this.#assemblies.get(key)?.block ?? null;
	}

	/** The part set under a header, complete or not; null if nobody wants it. */
	parts(header: PartSetHeader): PartSet | null {
		return this.#byHeader(header)?.parts ?? null;
	}

	/**
	 * Adds a part to the set that `wanted` names (the engine wants one set at a time), verifying its proof.
	 * @throws ValidationError when index or proof are wrong, or the set grows beyond the largest block: the sender's fault.
	 */
	add(height: Height, part: Part, wanted: PartSetHeader | null): AddedPart {
		if (height !== this.#height || wanted === null) return { kind: "unwanted" };
		const assembly = this.#byHeader(wanted);
		if (assembly === null) return { kind: "unwanted" };
		if (!assembly.parts.addPart(part)) return { kind: "duplicate" };
		if (assembly.parts.byteSize > this.#maxBytes) {
			const text = `total size of proposal block parts exceeds maximum block bytes (${assembly.parts.byteSize} > ${this.#maxBytes})`;
			throw new ValidationError(text, { height });
		}
		return assembly.parts.isComplete ? this.#complete(assembly) : { kind: "added" };
	}

	#complete(assembly: Assembly): AddedPart {
		const key = blockIdKey(assembly.id);
		let block: Block;
		try {
			block = decodeBlock(assembly.parts.bytes());
		} catch (cause) {
			return { kind: "broken", key, why: cause instanceof Error ? cause.message : String(cause) };
		}
		if (block.header.height !== this.#height) {
			return { kind: "broken", key, why: `proposal block height mismatch: ${block.header.height}` };
		}
		if (!bytesEqual(blockHash(block), assembly.id.hash)) {
			return { kind: "broken", key, why: "the parts make up a block with another hash" };
		}
		assembly.block = block;
		return { kind: "complete", key, block };
	}

	#byHeader(header: PartSetHeader): Assembly | null {
		for (const assembly of this.#assemblies.values()) {
			const own = assembly.id.partSetHeader;
			if (own.total === header.total && bytesEqual(own.hash, header.hash)) return assembly;
		}
		return null;
	}

	/** Drops the oldest incomplete set when proposals of many rounds pile up. */
	#makeRoom(): void {
		if (this.#assemblies.size < MAX_ASSEMBLIES) return;
		for (const [key, assembly] of this.#assemblies) {
			if (assembly.block !== null) continue;
			this.#assemblies.delete(key);
			return;
		}
		for (const key of this.#assemblies.keys()) {
			this.#assemblies.delete(key);
			return;
		}
	}
}

function blockLimit(maxBytes: bigint): number {
	return maxBytes === -1n ? MAX_BLOCK_SIZE_BYTES : Number(maxBytes);
}
