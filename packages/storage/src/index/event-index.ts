import { CairnError, DecodeError, type KeyValueStore, type StoreWrite, toHex } from "@cairn/kit";
import { BLOCK_HEIGHT_KEY, type Height, TX_HASH_KEY, TX_HEIGHT_KEY, txHash } from "@cairn/types";
import { abci, Writer } from "@cairn/types/proto";
import { decodeStored } from "../damage.ts";
import type { Query } from "../query/query.ts";
import { zigzagFromBytes, zigzagToBytes } from "../zigzag.ts";
import { BLOCK_LAYOUT, blockEventKey, blockHeightKey } from "./block-layout.ts";
import { planSearch } from "./conditions.ts";
import { KeyBuilder } from "./key-builder.ts";
import { type SearchOptions, searchIndex } from "./search.ts";
import { TX_LAYOUT, txHeightKey, txPlace, writeTxEventKey } from "./tx-layout.ts";

/** What a block brought about, as far as the index keeps it. */
export interface IndexedBlock {
	readonly height: Height;
	/** Events of FinalizeBlock. */
	readonly events: readonly abci.Event[];
	/** Results of the block's transactions, in order. */
	readonly txs: readonly abci.TxResult[];
	/** What has been computed of the transactions already. */
	readonly known?: { readonly txHashes: readonly Uint8Array[]; readonly encodedResults: readonly Uint8Array[] };
}

const CODE_OK = 0;

/**
 * Index of transactions and blocks by their events, in CometBFT's `tx_index.db` (indexer "kv": state/txindex/kv and
 * state/indexer/block/kv). Only attributes marked `index` are found.
 */
export class EventIndex {
	readonly #store: KeyValueStore;
	readonly #keys = new KeyBuilder();
	readonly #writer = new Writer();
	/** Counts events since the start of the process, as in CometBFT: it tells apart the events of one height only. */
	#txSequence = 0;
	#blockSequence = 0;

	private constructor(store: KeyValueStore) {
		this.#store = store;
	}

	static open(store: KeyValueStore): EventIndex {
		return new EventIndex(store);
	}

	/**
	 * Adds a block with its transactions in one synced batch.
	 * @throws CairnError `reserved-event`, blaming the application, when it uses a reserved key: then either the block or
	 * all its transactions, whichever has the key, are not indexed
	 */
	async index(block: IndexedBlock): Promise<void> {
		const writes: StoreWrite[] = [];
		const faults: unknown[] = [];
		for (const add of [() => this.#addBlock(block, writes), () => this.#addTxs(block, writes)]) {
			const before = writes.length;
			try {
				add();
			} catch (cause) {
				writes.length = before;
				faults.push(cause);
			}
		}
		await this.#store.write(writes, { sync: true });
		if (faults.length > 0) throw faults[0];
	}

	/**
	 * Adds one transaction again (`reindex-event`). A failed one does not replace an earlier one that succeeded.
	 * @throws CairnError `reserved-event`
	 */
	async reindexTx(tx: abci.TxResult): Promise<void> {
		const before = tx.result.code === CODE_OK ? null : this.loadTx(txHash(tx.tx));
		if (before !== null && before.result.code === CODE_OK) return;
		const writes: StoreWrite[] = [];
		this.#addTx(tx, txHash(tx.tx), encodedResultOf(tx), writes);
		await this.#store.write(writes, { sync: true });
	}

	/** Adds the events of one block again (`reindex-event`). @throws CairnError `reserved-event` */
	async reindexBlock(height: Height, events: readonly abci.Event[]): Promise<void> {
		const writes: StoreWrite[] = [];
		this.#addBlock({ height, events, txs: [] }, writes);
		await this.#store.write(writes, { sync: true });
	}

	/** The result of the transaction with this hash, null where none is indexed. */
	loadTx(hash: Uint8Array): abci.TxResult | null {
		if (hash.length === 0) throw new DecodeError("transaction hash cannot be empty");
		const bytes = this.#store.get(hash);
		return bytes === undefined ? null : decodeStored(`transaction ${toHex(hash)}`, () => abci.TxResult.decode(bytes));
	}

	hasBlock(height: Height): boolean {
		return this.#store.has(blockHeightKey(height));
	}

	/**
	 * All transactions for which one event meets all conditions, in no order.
	 * @throws DecodeError when the query asks for a hash that is none
	 */
	async searchTxs(query: Query, options: SearchOptions = {}): Promise<abci.TxResult[]> {
		const byHash = query.conditions.find(({ tag }) => tag === TX_HASH_KEY);
		if (byHash !== undefined) {
			const tx = this.loadTx(hashOf(byHash.operand?.text ?? ""));
			return tx === null ? [] : [tx];
		}
		const plan = planSearch(query.conditions, TX_HEIGHT_KEY);
		const results: abci.TxResult[] = [];
		for (const hash of unique(await searchIndex(this.#store, TX_LAYOUT, plan, options))) {
			const tx = this.loadTx(hash);
			if (tx !== null) results.push(tx);
		}
		return results;
	}

	/** Heights of all blocks for which one event meets all conditions, ascending. */
	async searchBlocks(query: Query, options: SearchOptions = {}): Promise<Height[]> {
		const plan = planSearch(query.conditions, BLOCK_HEIGHT_KEY);
		if (plan.onlyHeight) return this.hasBlock(plan.height) ? [plan.height] : [];
		const heights: Height[] = [];
		for (const value of unique(await searchIndex(this.#store, BLOCK_LAYOUT, plan, options))) {
			const height = Number(decodeStored("height in the block index", () => zigzagFromBytes(value)));
			if (this.hasBlock(height)) heights.push(height);
		}
		return heights.sort((a, b) => a - b);
	}

	async close(): Promise<void> {
		await this.#store.close();
	}

	#addTxs({ txs, known }: IndexedBlock, writes: StoreWrite[]): void {
		for (const [index, tx] of txs.entries()) {
			const hash = known?.txHashes[index] ?? txHash(tx.tx);
			this.#addTx(tx, hash, known?.encodedResults[index] ?? encodedResultOf(tx), writes);
		}
	}

	#addTx(tx: abci.TxResult, hash: Uint8Array, encodedResult: Uint8Array, writes: StoreWrite[]): void {
		const place = txPlace(Number(tx.height), tx.index);
		for (const event of tx.result.events) {
			const sequence = String(++this.#txSequence);
			const { type } = event;
			for (const { key, value, index } of attributesOf(event)) {
				if (isReserved(type, key, TX_HASH_KEY) || isReserved(type, key, TX_HEIGHT_KEY)) throw reserved(type, key);
				if (index) writes.push({ key: writeTxEventKey(this.#keys, type, key, value, place, sequence), value: hash });
			}
		}
		writes.push({ key: txHeightKey(Number(tx.height), tx.index), value: hash });
		writes.push({ key: hash, value: this.#encoded(tx, encodedResult) });
	}

	/** `TxResult`, written from its last field to its first. */
	#encoded({ height, index, tx }: abci.TxResult, encodedResult: Uint8Array): Uint8Array {
		const writer = this.#writer;
		writer.bytes(34, encodedResult);
		if (tx.length > 0) writer.bytes(26, tx);
		if (index !== 0) writer.uint32(16, index);
		if (height !== 0n) writer.int64(8, height);
		return writer.take(0);
	}

	#addBlock({ height, events }: IndexedBlock, writes: StoreWrite[]): void {
		const bytes = zigzagToBytes(BigInt(height));
		writes.push({ key: blockHeightKey(height), value: bytes });
		for (const event of events) {
			const sequence = ++this.#blockSequence;
			const { type } = event;
			for (const { key, value, index } of attributesOf(event)) {
				if (isReserved(type, key, BLOCK_HEIGHT_KEY)) throw reserved(type, key);
				if (index) writes.push({ key: blockEventKey(`${type}.${key}`, value, height, sequence), value: bytes });
			}
		}
	}
}

function encodedResultOf({ result }: abci.TxResult): Uint8Array {
	return abci.ExecTxResult.encode(result);
}

const NO_ATTRIBUTES: readonly abci.EventAttribute[] = [];

/** Attributes that have a composite key: those without a name and those of events without a type have none. */
function attributesOf({ type, attributes }: abci.Event): readonly abci.EventAttribute[] {
	if (type === "") return NO_ATTRIBUTES;
	return attributes.every(({ key }) => key !== "") ? attributes : attributes.filter(({ key }) => key !== "");
}

function isReserved(type: string, key: string, reservedKey: string): boolean {
	return type.length + 1 + key.length === reservedKey.length && `${type}.${key}` === reservedKey;
}

function reserved(type: string, key: string): CairnError {
	const tag = `${type}.${key}`;
	const text = `event type and attribute key "${tag}" is reserved; please use a different key`;
	return new CairnError("reserved-event", "app", text, { tag });
}

/** The hash in a `tx.hash` condition. @throws DecodeError with Go's words */
function hashOf(text: string): Uint8Array {
	const prefix = "error during searching for a hash in the query: encoding/hex:";
	const bad = /[^0-9a-fA-F]/u.exec(text)?.[0];
	if (bad !== undefined) {
		const code = (bad.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
		throw new DecodeError(`${prefix} invalid byte: U+${code} '${bad}'`);
	}
	if (text.length % 2 !== 0) throw new DecodeError(`${prefix} odd length hex string`);
	return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function unique(values: readonly Uint8Array[]): Uint8Array[] {
	return [...new Map(values.map((value) => [toHex(value), value])).values()];
}
