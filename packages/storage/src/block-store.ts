import { CairnError, fromUtf8, invariant, type KeyValueStore, type StoreWrite, toHex, utf8 } from "@cairn/kit";
import {
	BLOCK_PROTOCOL,
	type Block,
	type BlockMeta,
	blockFromProto,
	blockHash,
	type ChainState,
	type Commit,
	decodeBlockMeta,
	decodeCommit,
	decodeExtendedCommit,
	decodePart,
	EMPTY_COMMIT,
	type ExtendedCommit,
	encodeBlockMeta,
	encodeCommit,
	encodeExtendedCommit,
	encodePart,
	ensureExtensions,
	extendedCommitToCommit,
	type Height,
	newBlockMeta,
	type Part,
	type PartSet,
} from "@cairn/types";
import { store as storeProto, types as typesProto } from "@cairn/types/proto";
import { BoundedCache } from "./bounded-cache.ts";
import { decodeStored, storeDamage } from "./damage.ts";
import { isEvidenceTooOld } from "./evidence-age.ts";

/** Blocks of more parts have them written one by one before the batch, to keep the batch small (as CometBFT does). */
const MAX_PARTS_IN_BATCH = 10;
const BLOCKS_PER_PRUNE_BATCH = 1000;
const CACHED_COMMITS = 100;
const CACHED_METAS = 256;
const CACHED_BLOCKS = 8;
/** Larger blocks are read from the parts each time. */
const MAX_CACHED_BLOCK_BYTES = 1024 * 1024;
const STATE_KEY = utf8("blockStore");

export interface BlockStoreOptions {
	/** Number of the chain's block protocol; CometBFT's if not given. */
	readonly blockProtocol?: bigint;
}

export interface PrunedBlocks {
	readonly pruned: number;
	/** First height whose header and commit were kept because evidence against its signers may still come. */
	readonly evidenceHeight: Height;
}

/**
 * Blocks as parts, with their headers and commits, in the keys of CometBFT's `blockstore.db` (store/store.go). Holds
 * all heights from `base` to `height`. Reads answer at once; writes are one synced batch each.
 *
 * What it hands out is immutable and may be shared with a cache. Reads throw `store-corrupt` for unreadable values.
 */
export class BlockStore {
	readonly #store: KeyValueStore;
	readonly #blockProtocol: bigint;
	#base: Height;
	#height: Height;
	readonly #blocks = new BoundedCache<Height, Block>(CACHED_BLOCKS);
	readonly #metas = new BoundedCache<Height, BlockMeta>(CACHED_METAS);
	readonly #commits = new BoundedCache<Height, Commit>(CACHED_COMMITS);
	readonly #seenCommits = new BoundedCache<Height, Commit>(CACHED_COMMITS);
	readonly #extendedCommits = new BoundedCache<Height, ExtendedCommit>(CACHED_COMMITS);
	readonly #decodeMeta = (bytes: Uint8Array): BlockMeta => decodeBlockMeta(bytes, this.#blockProtocol);

	private constructor(store: KeyValueStore, blockProtocol: bigint, base: Height, height: Height) {
		this.#store = store;
		this.#blockProtocol = blockProtocol;
		this.#base = base;
		this.#height = height;
	}

	/** @throws CairnError `store-corrupt` */
	static open(store: KeyValueStore, options: BlockStoreOptions = {}): BlockStore {
		const bytes = store.get(STATE_KEY);
		const blockProtocol = options.blockProtocol ?? BLOCK_PROTOCOL;
		if (bytes === undefined || bytes.length === 0) return new BlockStore(store, blockProtocol, 0, 0);
		const state = decodeStored("block store state", () => storeProto.BlockStoreState.decode(bytes));
		const height = Number(state.height);
		// Stores from before CometBFT could prune have no base.
		const base = height > 0 && state.base === 0n ? 1 : Number(state.base);
		return new BlockStore(store, blockProtocol, base, height);
	}

	/** Lowest height held; 0 while there is none. */
	get base(): Height {
		return this.#base;
	}

	/** Highest height held; 0 while there is none. */
	get height(): Height {
		return this.#height;
	}

	/** Number of blocks held. */
	get size(): number {
		return this.#height === 0 ? 0 : this.#height - this.#base + 1;
	}

	get isEmpty(): boolean {
		return this.#base === 0 && this.#height === 0;
	}

	// ------------------------------------------------------------------------------------------------ reading

	loadBlock(height: Height): Block | null {
		const cached = this.#blocks.get(height);
		if (cached !== undefined) return cached;
		const bytes = this.loadBlockBytes(height);
		if (bytes === null) return null;
		const block = decodeStored(`block ${height}`, () => {
			return blockFromProto(typesProto.Block.decode(bytes), this.#blockProtocol);
		});
		if (bytes.length <= MAX_CACHED_BLOCK_BYTES) this.#blocks.set(height, block);
		return block;
	}

	/** The protobuf of a block as it was proposed, without decoding it. */
	loadBlockBytes(height: Height): Uint8Array | null {
		const meta = this.loadBlockMeta(height);
		if (meta === null) return null;
		const pieces: Uint8Array[] = [];
		let length = 0;
		for (let index = 0; index < meta.blockId.partSetHeader.total; index++) {
			// A part that is missing was pruned since: then the whole block is.
			const part = this.loadPart(height, index);
			if (part === null) return null;
			pieces.push(part.bytes);
			length += part.bytes.length;
		}
		if (pieces.length === 1) return pieces[0] ?? null;
		const bytes = new Uint8Array(length);
		let at = 0;
		for (const piece of pieces) {
			bytes.set(piece, at);
			at += piece.length;
		}
		return bytes;
	}

	loadBlockByHash(hash: Uint8Array): Block | null {
		const height = this.#heightOf(hash);
		return height === null ? null : this.loadBlock(height);
	}

	loadBlockMeta(height: Height): BlockMeta | null {
		return this.#load(this.#metas, height, "H", "header of block", this.#decodeMeta);
	}

	loadBlockMetaByHash(hash: Uint8Array): BlockMeta | null {
		const height = this.#heightOf(hash);
		return height === null ? null : this.loadBlockMeta(height);
	}

	/** The lowest header held, null while there is none. */
	loadBaseMeta(): BlockMeta | null {
		return this.#base === 0 ? null : this.loadBlockMeta(this.#base);
	}

	loadPart(height: Height, index: number): Part | null {
		const bytes = this.#store.get(partKey(height, index));
		if (bytes === undefined || bytes.length === 0) return null;
		return decodeStored(`part ${index} of block ${height}`, () => decodePart(bytes));
	}

	/** The commit for this height that the block of the next height carries. */
	loadCommit(height: Height): Commit | null {
		return this.#load(this.#commits, height, "C", "commit of block", decodeCommit);
	}

	/** The commit that this node itself saw for this height; it may hold other signatures than the next block's. */
	loadSeenCommit(height: Height): Commit | null {
		return this.#load(this.#seenCommits, height, "SC", "seen commit of block", decodeCommit);
	}

	/** The commit this node saw with its vote extensions, where the height has them. */
	loadExtendedCommit(height: Height): ExtendedCommit | null {
		return this.#load(this.#extendedCommits, height, "EC", "extended commit of block", decodeExtendedCommit);
	}

	#load<T>(
		cache: BoundedCache<Height, T>,
		height: Height,
		prefix: string,
		what: string,
		decode: (bytes: Uint8Array) => T,
	) {
		const cached = cache.get(height);
		if (cached !== undefined) return cached;
		const bytes = this.#store.get(heightKey(prefix, height));
		if (bytes === undefined || bytes.length === 0) return null;
		const value = decodeStored(`${what} ${height}`, () => decode(bytes));
		cache.set(height, value);
		return value;
	}

	#heightOf(hash: Uint8Array): Height | null {
		const bytes = this.#store.get(hashKey(hash));
		if (bytes === undefined || bytes.length === 0) return null;
		const height = Number(fromUtf8(bytes));
		if (!Number.isSafeInteger(height)) throw storeDamage(`height of block ${toHex(hash)}`, fromUtf8(bytes));
		return height;
	}

	// ------------------------------------------------------------------------------------------------ writing

	/**
	 * Stores the next block with the commit this node saw for it. Resolves when it is durable.
	 * @param parts complete
	 */
	async saveBlock(block: Block, parts: PartSet, seenCommit: Commit): Promise<void> {
		await this.#save(block, parts, seenCommit, []);
	}

	/**
	 * As `saveBlock`, for a height with vote extensions.
	 * @throws ValidationError where a signature for the block lacks that of its extension
	 */
	async saveBlockWithExtendedCommit(block: Block, parts: PartSet, seen: ExtendedCommit): Promise<void> {
		ensureExtensions(seen, true);
		const write = { key: heightKey("EC", block.header.height), value: encodeExtendedCommit(seen) };
		await this.#save(block, parts, extendedCommitToCommit(seen), [write]);
		this.#extendedCommits.delete(block.header.height);
	}

	async #save(block: Block, parts: PartSet, seenCommit: Commit, more: readonly StoreWrite[]): Promise<void> {
		const { height } = block.header;
		const wanted = this.#height + 1;
		invariant(this.#base === 0 || height === wanted, `blocks are stored one by one: wanted ${wanted}, got ${height}`);
		invariant(parts.isComplete, "only a complete part set can be stored", { height });
		invariant(seenCommit.height === height, `seen commit of height ${seenCommit.height} for block ${height}`);
		const partWrites: StoreWrite[] = [];
		for (let index = 0; index < parts.total; index++) {
			const part = parts.getPart(index);
			if (part !== null) partWrites.push({ key: partKey(height, index), value: encodePart(part) });
		}
		// The header says that the block is there, so it must never be on disk without the parts.
		const separate = parts.total > MAX_PARTS_IN_BATCH;
		for (let at = 0; separate && at < partWrites.length; at += MAX_PARTS_IN_BATCH) {
			await this.#store.write(partWrites.slice(at, at + MAX_PARTS_IN_BATCH));
		}
		const base = this.#base === 0 ? height : this.#base;
		const writes: StoreWrite[] = [
			...(separate ? [] : partWrites),
			{ key: heightKey("H", height), value: encodeBlockMeta(newBlockMeta(block, parts)) },
			{ key: hashKey(blockHash(block)), value: utf8(String(height)) },
			{ key: heightKey("C", height - 1), value: encodeCommit(block.lastCommit ?? EMPTY_COMMIT) },
			{ key: heightKey("SC", height), value: encodeCommit(seenCommit) },
			...more,
			stateWrite(base, height),
		];
		await this.#store.write(writes, { sync: true });
		this.#forget(height);
		this.#base = base;
		this.#height = height;
	}

	/** Stores a commit whose block is not here (state sync). */
	async saveSeenCommit(height: Height, seenCommit: Commit): Promise<void> {
		await this.#store.write([{ key: heightKey("SC", height), value: encodeCommit(seenCommit) }]);
		this.#seenCommits.delete(height);
	}

	/**
	 * Removes all blocks below `retainHeight`. Headers and commits stay as long as evidence may refer to them.
	 * @throws CairnError `bad-retain-height`, blaming the application, outside of base to height
	 */
	async pruneBlocks(retainHeight: Height, state: ChainState): Promise<PrunedBlocks> {
		const base = this.#base;
		if (retainHeight <= 0) throw badRetainHeight("height must be greater than 0");
		if (retainHeight > this.#height) throw badRetainHeight(`cannot prune beyond the latest height ${this.#height}`);
		if (retainHeight < base) {
			throw badRetainHeight(`cannot prune to height ${retainHeight}, it is lower than base height ${base}`);
		}
		const now = { height: state.lastBlockHeight, time: state.lastBlockTime };
		let evidenceHeight = retainHeight;
		let pruned = 0;
		let writes: StoreWrite[] = [];
		for (let height = base; height < retainHeight; height++) {
			const meta = this.loadBlockMeta(height);
			if (meta === null) continue;
			const { time } = meta.header;
			if (evidenceHeight === retainHeight && !isEvidenceTooOld(now, { height, time }, state.consensusParams.evidence)) {
				evidenceHeight = height;
			}
			writes.push(...removalsOf(meta, height, height < evidenceHeight));
			pruned++;
			if (pruned % BLOCKS_PER_PRUNE_BATCH === 0) {
				await this.#moveBase(height, writes);
				writes = [];
			}
		}
		await this.#moveBase(retainHeight, writes);
		for (const cache of [this.#blocks, this.#metas, this.#commits, this.#seenCommits, this.#extendedCommits]) {
			cache.clear();
		}
		return { pruned, evidenceHeight };
	}

	/** First of all nobody may look for what is about to go, hence the new base before the batch. */
	async #moveBase(base: Height, writes: readonly StoreWrite[]): Promise<void> {
		this.#base = base;
		await this.#store.write([...writes, stateWrite(base, this.#height)], { sync: true });
	}

	/** Removes the highest block (rollback), also one that is there only in part. */
	async deleteLatestBlock(): Promise<void> {
		const height = this.#height;
		const meta = this.loadBlockMeta(height);
		const writes: StoreWrite[] = [];
		if (meta !== null) {
			writes.push(remove(hashKey(meta.blockId.hash)));
			for (let index = 0; index < meta.blockId.partSetHeader.total; index++)
				writes.push(remove(partKey(height, index)));
		}
		for (const prefix of ["C", "SC", "EC", "H"]) writes.push(remove(heightKey(prefix, height)));
		await this.#store.write([...writes, stateWrite(this.#base, height - 1)], { sync: true });
		this.#height = height - 1;
		this.#forget(height);
	}

	#forget(height: Height): void {
		this.#blocks.delete(height);
		this.#metas.delete(height);
		this.#commits.delete(height);
		this.#commits.delete(height - 1);
		this.#seenCommits.delete(height);
		this.#extendedCommits.delete(height);
	}

	async close(): Promise<void> {
		await this.#store.close();
	}
}

/** What pruning removes of one block; header and commits only where no evidence can refer to them any more. */
function removalsOf(meta: BlockMeta, height: Height, everything: boolean): StoreWrite[] {
	const writes = [remove(hashKey(meta.blockId.hash)), remove(heightKey("SC", height))];
	if (everything) for (const prefix of ["H", "C", "EC"]) writes.push(remove(heightKey(prefix, height)));
	for (let index = 0; index < meta.blockId.partSetHeader.total; index++) writes.push(remove(partKey(height, index)));
	return writes;
}

function heightKey(prefix: string, height: Height): Uint8Array {
	return utf8(`${prefix}:${height}`);
}

function partKey(height: Height, index: number): Uint8Array {
	return utf8(`P:${height}:${index}`);
}

function hashKey(hash: Uint8Array): Uint8Array {
	return utf8(`BH:${toHex(hash)}`);
}

function remove(key: Uint8Array): StoreWrite {
	return { key, remove: true };
}

function stateWrite(base: Height, height: Height): StoreWrite {
	const state = { base: BigInt(base), height: BigInt(height) };
	return { key: STATE_KEY, value: storeProto.BlockStoreState.encode(state) };
}

function badRetainHeight(why: string): CairnError {
	return new CairnError("bad-retain-height", "app", why);
}
