import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CairnError, fromHex, type KeyValueStore, toHex, utf8 } from "@cairn/kit";
import {
	type Block,
	blockHash,
	blockToPartSet,
	type ChainState,
	decodeState,
	EMPTY_COMMIT,
	encodeCommit,
	encodeExtendedCommit,
	extendedCommitToCommit,
	newBlock,
	PartSet,
} from "@cairn/types";
import { MemoryDisk, MemoryStore } from "@cairn/world";
import { BlockStore } from "./block-store.ts";
import { type ChainBlock, type ChainVector, loadChain, loadVector } from "./testing/vectors.ts";

const four = loadChain("chain-four");
const single = loadChain("chain-single");

async function save(store: BlockStore, { block, parts, seenCommit, extendedCommit }: ChainBlock): Promise<void> {
	if (extendedCommit !== null) await store.saveBlockWithExtendedCommit(block, parts, extendedCommit);
	else await store.saveBlock(block, parts, seenCommit);
}

async function filled(chain: readonly ChainBlock[], kv: KeyValueStore = new MemoryStore()): Promise<BlockStore> {
	const store = BlockStore.open(kv);
	for (const each of chain) await save(store, each);
	return store;
}

/** The state of the recorded chain, at another height and time. */
function stateAt(height: number, time: bigint, maxAgeNumBlocks: bigint, maxAgeDuration: bigint): ChainState {
	const state = decodeState(fromHex(loadVector<ChainVector>("chain/chain-four.json").final_state_proto));
	const evidence = { ...state.consensusParams.evidence, maxAgeNumBlocks, maxAgeDuration };
	const consensusParams = { ...state.consensusParams, evidence };
	return { ...state, lastBlockHeight: height, lastBlockTime: time, consensusParams };
}

/** The same block with more than a MiB of transactions. */
function blownUp({ header, lastCommit }: Block): Block {
	const txs = Array.from({ length: 20 }, (_, i) => new Uint8Array(60_000).fill(i));
	return newBlock(header, txs, lastCommit ?? EMPTY_COMMIT, []);
}

describe("block store", () => {
	it("is empty at first", () => {
		const store = BlockStore.open(new MemoryStore());
		assert.deepEqual([store.base, store.height, store.size, store.isEmpty], [0, 0, 0, true]);
		assert.equal(store.loadBlock(1), null);
		assert.equal(store.loadBaseMeta(), null);
		assert.equal(store.loadBlockByHash(new Uint8Array(32)), null);
		assert.equal(store.loadSeenCommit(1), null);
	});

	for (const [name, chain] of Object.entries({ four, single, short: loadChain("chain-short") })) {
		it(`gives back every block of the recorded chain ${name}`, async () => {
			const kv = new MemoryStore();
			const last = chain.at(-1)?.block.header.height ?? 0;
			await filled(chain, kv);
			const store = BlockStore.open(kv);
			assert.deepEqual([store.base, store.height, store.size], [1, last, chain.length]);
			for (const { block, bytes, parts, seenCommit, extendedCommit, vector } of chain) {
				const { height } = block.header;
				const hash = fromHex(vector.block_hash);
				assert.deepEqual(store.loadBlock(height), block);
				assert.deepEqual(store.loadBlock(height), block, "from the cache");
				assert.deepEqual(store.loadBlockBytes(height), bytes);
				assert.deepEqual(store.loadBlockByHash(hash)?.header, block.header);
				const meta = store.loadBlockMetaByHash(hash);
				assert.deepEqual(meta?.blockId, { hash, partSetHeader: parts.header });
				assert.deepEqual(meta?.header, block.header);
				assert.deepEqual([meta?.txCount, meta?.blockSize], [Number(vector.num_txs), Number(vector.block_size)]);
				for (let index = 0; index < parts.total; index++) {
					assert.deepEqual(store.loadPart(height, index), parts.getPart(index));
				}
				assert.equal(store.loadPart(height, parts.total), null);
				if (height > 1) assert.deepEqual(store.loadCommit(height - 1), block.lastCommit);
				const seen = extendedCommit === null ? seenCommit : extendedCommitToCommit(extendedCommit);
				assert.deepEqual(store.loadSeenCommit(height), seen);
				assert.deepEqual(store.loadExtendedCommit(height), extendedCommit);
			}
		});
	}

	it("uses CometBFT's keys", async () => {
		const kv = new MemoryStore();
		const [first] = single as [ChainBlock];
		await filled([first], kv);
		const keys: string[] = [];
		for await (const [key] of kv.entries()) keys.push(new TextDecoder().decode(key));
		assert.deepEqual(keys, [`BH:${toHex(blockHash(first.block))}`, "C:0", "H:1", "P:1:0", "SC:1", "blockStore"]);
		assert.deepEqual(kv.get(utf8(`BH:${first.vector.block_hash}`)), utf8("1"));
		assert.deepEqual(kv.get(utf8("SC:1")), fromHex(first.vector.seen_commit));
	});

	it("stores commits and extended commits in the bytes that the Go node stored", async () => {
		const extended = four.find((each) => each.extendedCommit !== null);
		assert.ok(extended?.extendedCommit);
		assert.equal(toHex(encodeExtendedCommit(extended.extendedCommit)), extended.vector.extended_commit);
		assert.equal(toHex(encodeCommit(extended.seenCommit)), extended.vector.seen_commit);
	});

	it("stores a block of many parts in pieces, and loses none of it", async () => {
		const kv = new MemoryStore();
		const store = BlockStore.open(kv);
		const { seenCommit, ...first } = four[0] as ChainBlock;
		const block = blownUp(first.block);
		const parts = blockToPartSet(block);
		assert.ok(parts.total > 10);
		await store.saveBlock(block, parts, seenCommit);
		const again = BlockStore.open(kv);
		assert.deepEqual(again.loadBlock(1), block);
		assert.deepEqual(again.loadBlock(1), block, "too large for the cache");
		assert.deepEqual(again.loadBlockMeta(1)?.blockId.partSetHeader, parts.header);
	});

	it("has a block whole or not at all after a crash", async () => {
		const disk = new MemoryDisk();
		const [first, second] = four as [ChainBlock, ChainBlock];
		const before = await filled([first], await disk.openStore("/blockstore.db"));
		assert.equal(before.height, 1);
		let writes = 0;
		disk.setHooks({
			// The machine stops in the middle of the second block: after some of its parts, before its batch.
			delay: (operation) => (operation === "write" && ++writes > 2 ? new Promise(() => undefined) : undefined),
		});
		const block = blownUp(second.block);
		void before.saveBlock(block, blockToPartSet(block), second.seenCommit);
		await new Promise((resolve) => {
			setImmediate(resolve);
		});
		disk.setHooks({});
		disk.crash({ keepBatches: () => 100 });
		const after = BlockStore.open(await disk.openStore("/blockstore.db"));
		assert.equal(after.height, 1);
		assert.equal(after.loadBlock(2), null);
		await after.saveBlock(second.block, second.parts, second.seenCommit);
		assert.deepEqual(after.loadBlock(2), second.block);
	});

	it("refuses blocks out of order, of incomplete parts, or with the commit of another height", async () => {
		const store = BlockStore.open(new MemoryStore());
		const [first, second, third] = single as [ChainBlock, ChainBlock, ChainBlock];
		await save(store, first);
		await assert.rejects(save(store, third), { code: "invariant" });
		await assert.rejects(store.saveBlock(second.block, second.parts, first.seenCommit), { code: "invariant" });
		const empty = second.parts.header;
		await assert.rejects(store.saveBlock(second.block, PartSet.fromHeader(empty), second.seenCommit), {
			code: "invariant",
		});
		assert.equal(store.height, 1);
	});

	it("begins at any height", async () => {
		const store = BlockStore.open(new MemoryStore());
		for (const each of single.slice(4, 7)) await save(store, each);
		assert.deepEqual([store.base, store.height, store.size], [5, 7, 3]);
		assert.equal(store.loadBaseMeta()?.header.height, 5);
	});

	it("keeps a seen commit without its block", async () => {
		const store = BlockStore.open(new MemoryStore());
		const [first] = single as [ChainBlock];
		assert.equal(store.loadSeenCommit(1), null);
		await store.saveSeenCommit(1, first.seenCommit);
		assert.deepEqual(store.loadSeenCommit(1), first.seenCommit);
		assert.equal(store.height, 0);
	});

	it("says that the database is damaged rather than hand out nonsense", async () => {
		const kv = new MemoryStore();
		await filled(single.slice(0, 2), kv);
		await kv.write([{ key: utf8("H:1"), value: utf8("garbage") }]);
		await kv.write([{ key: utf8("P:2:0"), value: utf8("garbage") }]);
		const store = BlockStore.open(kv);
		for (const read of [() => store.loadBlockMeta(1), () => store.loadBlock(2)]) {
			assert.throws(read, (error) => {
				assert.ok(error instanceof CairnError);
				assert.deepEqual([error.code, error.blame], ["store-corrupt", "operator"]);
				return true;
			});
		}
	});
});

describe("block store: removing blocks", () => {
	it("prunes to a height and keeps what evidence may need", async () => {
		const kv = new MemoryStore();
		const store = await filled(four, kv);
		const timeOf = (height: number): bigint => four[height - 1]?.block.header.time ?? 0n;
		// Heights below 20 are too old by both limits, the others by none.
		const now = stateAt(
			store.height,
			timeOf(store.height),
			BigInt(store.height - 20),
			timeOf(store.height) - timeOf(20),
		);
		const { pruned, evidenceHeight } = await store.pruneBlocks(30, now);
		assert.deepEqual([pruned, evidenceHeight], [29, 20]);
		assert.deepEqual([store.base, store.height], [30, four.length]);
		for (const height of [1, 19, 20, 29]) {
			assert.equal(store.loadBlock(height), null);
			assert.equal(store.loadPart(height, 0), null);
			assert.equal(store.loadSeenCommit(height), null);
			assert.equal(store.loadBlockByHash(fromHex(four[height - 1]?.vector.block_hash ?? "")), null);
		}
		assert.equal(store.loadBlockMeta(19), null);
		assert.equal(store.loadCommit(19), null);
		assert.deepEqual(store.loadBlockMeta(20)?.header, four[19]?.block.header);
		assert.deepEqual(store.loadCommit(20), four[20]?.block.lastCommit);
		assert.deepEqual(store.loadExtendedCommit(20), four[19]?.extendedCommit);
		assert.deepEqual(store.loadBlock(30), four[29]?.block);
		assert.deepEqual(BlockStore.open(kv).base, 30);
		const again = await store.pruneBlocks(30, now);
		assert.deepEqual(again, { pruned: 0, evidenceHeight: 30 });
	});

	it("refuses to prune outside of what it holds", async () => {
		const store = await filled(single.slice(2, 6));
		const state = stateAt(6, 0n, 1n, 1n);
		for (const height of [0, 2, 7]) {
			await assert.rejects(store.pruneBlocks(height, state), { code: "bad-retain-height", blame: "app" });
		}
		assert.equal(store.base, 3);
	});

	it("removes the latest block, so that it can be stored again", async () => {
		const kv = new MemoryStore();
		const store = await filled(four.slice(0, 10), kv);
		const tenth = four[9] as ChainBlock;
		assert.deepEqual(store.loadBlock(10), tenth.block);
		await store.deleteLatestBlock();
		assert.equal(store.height, 9);
		assert.equal(store.loadBlock(10), null);
		assert.equal(store.loadBlockByHash(fromHex(tenth.vector.block_hash)), null);
		assert.equal(store.loadExtendedCommit(10), null);
		assert.deepEqual(store.loadCommit(9), tenth.block.lastCommit);
		await save(BlockStore.open(kv), tenth);
		assert.deepEqual(BlockStore.open(kv).loadBlock(10), tenth.block);
	});
});
