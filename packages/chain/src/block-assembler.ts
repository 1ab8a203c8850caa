import { messageOf, toHex, ValidationError } from "@cairn/kit";
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

/** What is known of one part set: its pieces, and once they are all here, the block that they make up. */
interface Assembly {
	readonly parts: PartSet;
	/** The id under which it was asked for last. */
	asked: BlockKey;
	held: HeldBlock | null;
}

/** A block with its true id: the hash is that of the block, whatever hash it was announced with. */
export interface HeldBlock {
	readonly key: BlockKey;
	readonly block: Block;
}

export type AddedPart =
	/** New; the set is not complete yet. */
	| { readonly kind: "added" }
	/** New and the last. The block may have another hash than was announced: it is for the engine to judge (as in Go). */
	| ({ readonly kind: "complete" } & HeldBlock)
	/** The last one, but what the parts make up is no block of this height: it will never come. */
	| { readonly kind: "broken"; readonly key: BlockKey; readonly why: string }
	| { readonly kind: "duplicate" }
	/** Nobody asked for parts like this one. */
	| { readonly kind: "unwanted" };

/** Part sets of one height that are kept at once: current proposal, lock, valid block, decided block, and some to spare. */
const MAX_ASSEMBLIES = 8;

/**
 * Puts the proposed blocks of one height together from their parts. Pure; forgets everything when the height moves on.
 * Which blocks are wanted is the engine's decision (`fetch`): a part is taken only where its proof fits a wanted header.
 * A part set is known by its header alone: a proposer that announces one set under two block hashes gains nothing.
 */
export class BlockAssembler {
	#height: Height;
	#maxBytes: number;
	readonly #kept: () => readonly (BlockKey | undefined)[];
	readonly #assemblies = new Map<string, Assembly>();

	/**
	 * @param maxBytes `block.max_bytes`; -1 stands for the greatest block there is.
	 * @param kept blocks that must stay as long as the height lasts: lock and valid block.
	 */
	constructor(height: Height, maxBytes: bigint, kept: () => readonly (BlockKey | undefined)[] = () => []) {
		this.#height = height;
		this.#maxBytes = blockLimit(maxBytes);
		this.#kept = kept;
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

	/** Takes parts of this block from now on. Returns the block if its parts are complete already. */
	want(key: BlockKey): HeldBlock | null {
		const { partSetHeader } = blockIdFromKey(key);
		const known = this.#of(partSetHeader);
		if (known !== null) {
			known.asked = key;
			return known.held;
		}
		this.#makeRoom();
		this.#assemblies.set(nameOf(partSetHeader), { parts: PartSet.fromHeader(partSetHeader), asked: key, held: null });
		return null;
	}

	/** Enters a block that this node has made itself. */
	put(id: BlockId, block: Block, parts: PartSet): void {
		const key = blockIdKey(id);
		if (this.#of(parts.header) === null) this.#makeRoom();
		this.#assemblies.set(nameOf(parts.header), { parts, asked: key, held: { key, block } });
	}

	/** The block of this id, if it is here; null also where the parts make up a block with another hash. */
	block(key: BlockKey): Block | null {
		const held = this.#of(blockIdFromKey(key).partSetHeader)?.held ?? null;
		return held !== null && held.key === key ? held.block : null;
	}

	/** The part set under a header, complete or not; null if nobody wants it. */
	parts(header: PartSetHeader): PartSet | null {
		return this.#of(header)?.parts ?? null;
	}

	/**
	 * Adds a part to the set that `wanted` names (the engine wants one set at a time), verifying its proof.
	 * @throws ValidationError when index or proof are wrong, or the set grows beyond the largest block: the sender's fault.
	 */
	add(height: Height, part: Part, wanted: PartSetHeader | null): AddedPart {
		if (height !== this.#height || wanted === null) return { kind: "unwanted" };
		const assembly = this.#of(wanted);
		if (assembly === null) return { kind: "unwanted" };
		if (!assembly.parts.addPart(part)) return { kind: "duplicate" };
		if (assembly.parts.byteSize > this.#maxBytes) {
			const text = `total size of proposal block parts exceeds maximum block bytes (${assembly.parts.byteSize} > ${this.#maxBytes})`;
			throw new ValidationError(text, { height });
		}
		return assembly.parts.isComplete ? this.#complete(assembly) : { kind: "added" };
	}

	#complete(assembly: Assembly): AddedPart {
		const broken = (why: string): AddedPart => ({ kind: "broken", key: assembly.asked, why });
		let block: Block;
		try {
			block = decodeBlock(assembly.parts.bytes());
		} catch (cause) {
			return broken(messageOf(cause));
		}
		if (block.header.height !== this.#height) return broken(`proposal block height mismatch: ${block.header.height}`);
		const key = blockIdKey({ hash: blockHash(block), partSetHeader: assembly.parts.header });
		assembly.held = { key, block };
		return { kind: "complete", ...assembly.held };
	}

	#of(header: PartSetHeader): Assembly | null {
		return this.#assemblies.get(nameOf(header)) ?? null;
	}

	/** Drops a set when proposals of many rounds pile up: the oldest incomplete one, or else the oldest not to be kept. */
	#makeRoom(): void {
		if (this.#assemblies.size < MAX_ASSEMBLIES) return;
		const kept = this.#kept();
		const spare = [...this.#assemblies].filter(([, { asked, held }]) => {
			return !kept.includes(asked) && !(held !== null && kept.includes(held.key));
		});
		const [name] = spare.find(([, { held }]) => held === null) ?? spare[0] ?? [];
		if (name !== undefined) this.#assemblies.delete(name);
	}
}

function nameOf({ total, hash }: PartSetHeader): string {
	return `${total}/${toHex(hash)}`;
}

function blockLimit(maxBytes: bigint): number {
	return maxBytes === -1n ? MAX_BLOCK_SIZE_BYTES : Number(maxBytes);
}
