import type { AbciClient } from "@cairn/abci";
import {
	CairnError,
	type Counter,
	type Gauge,
	type Histogram,
	type Logger,
	type Metrics,
	messageOf,
	type Timers,
} from "@cairn/kit";
import { type Height, type TxKey, txHashes, txKey, txKeyOfHash } from "@cairn/types";
import type { abci } from "@cairn/types/proto";
import { TxCache } from "./tx-cache.ts";
import { type MempoolEntry, TxList } from "./tx-list.ts";

/** `mempool.*` of config.toml that the list of transactions itself needs. */
export interface MempoolOptions {
	/** Most transactions. */
	readonly size: number;
	/** Most bytes of transactions. */
	readonly maxTxsBytes: number;
	readonly maxTxBytes: number;
	readonly cacheSize: number;
	readonly keepInvalidTxsInCache: boolean;
	readonly recheck: boolean;
	readonly recheckTimeoutMs: number;
	/** False for `mempool.type = "nop"`: nothing is ever taken. */
	readonly enabled: boolean;
}

export interface MempoolParts {
	readonly connection: AbciClient;
	readonly timers: Timers;
	readonly logger: Logger;
	readonly metrics: Metrics;
}

/** Limits that follow from the consensus params in force (CometBFT's TxPreCheck and TxPostCheck). */
export interface TxLimits {
	/** Largest encoded size of a transaction that still fits a block of the current params. */
	readonly maxDataBytes: number;
	/** -1 for none. */
	readonly maxGas: bigint;
}

const CHECK_NEW = 0;
const CHECK_RECHECK = 1;

/**
 * Transactions that wait for a block, first in, first out (CometBFT's `flood` mempool, mempool/clist_mempool.go).
 * Each is checked by the application when it comes and again after every block.
 */
export class Mempool {
	readonly #options: MempoolOptions;
	readonly #parts: MempoolParts;
	readonly #txs = new TxList();
	readonly #cache: TxCache;
	readonly #metrics: ReturnType<typeof mempoolMetrics>;
	#height: Height;
	#limits: TxLimits;
	#locked: Promise<void> | null = null;
	#unlock: () => void = () => {};
	#rechecking = false;
	#announced = false;
	#onTx: ((entry: MempoolEntry) => void)[] = [];
	#onAvailable: (() => void)[] = [];

	constructor(options: MempoolOptions, height: Height, limits: TxLimits, parts: MempoolParts) {
		this.#options = options;
		this.#parts = parts;
		this.#height = height;
		this.#limits = limits;
		this.#cache = new TxCache(options.cacheSize);
		this.#metrics = mempoolMetrics(parts.metrics);
	}

	get size(): number {
		return this.#txs.size;
	}

	/** Bytes of all transactions. */
	get bytes(): number {
		return this.#txs.bytes;
	}

	/** The list, for gossip and RPC to walk. */
	get entries(): TxList {
		return this.#txs;
	}

	/** Calls for each transaction that is accepted. */
	onTx(listener: (entry: MempoolEntry) => void): void {
		this.#onTx.push(listener);
	}

	/** Calls once per height, as soon as a transaction waits (create_empty_blocks = false). */
	onAvailable(listener: () => void): void {
		this.#onAvailable.push(listener);
	}

	/**
	 * Asks the application about a new transaction and keeps it if it says code 0.
	 * @param sender peer id, or "" for this node's own RPC.
	 * @param onEntered called when nothing is against it but what the application may say.
	 * @param key its key, where the caller knows it
	 * @throws CairnError `mempool-full`, `tx-too-large`, `tx-in-cache`, `tx-pre-check`, `mempool-disabled`, `app-connection`
	 */
	async checkTx(
		tx: Uint8Array,
		sender: string,
		onEntered?: () => void,
		key: TxKey = txKey(tx),
	): Promise<abci.ResponseCheckTx> {
		while (this.#locked !== null) await this.#locked;
		this.#enter(tx, key, sender);
		onEntered?.();
		let response: abci.ResponseCheckTx;
		try {
			response = await this.#parts.connection.checkTx({ tx, type: CHECK_NEW });
		} catch (cause) {
			this.#cache.remove(key);
			throw new CairnError("app-connection", "app", `appConn mempool: ${messageOf(cause)}`, {}, cause);
		}
		this.#settle(tx, key, sender, response);
		return response;
	}

	/** What can be refused before the application is asked; remembers the transaction. */
	#enter(tx: Uint8Array, key: TxKey, sender: string): void {
		if (!this.#options.enabled) throw new CairnError("mempool-disabled", "operator", "not allowed with `nop` mempool");
		this.#refuseWhenFull(tx.length);
		if (tx.length > this.#options.maxTxBytes) {
			const text = `Tx too large. Max size is ${this.#options.maxTxBytes}, but got ${tx.length}`;
			throw new CairnError("tx-too-large", "peer", text);
		}
		const encoded = encodedTxSize(tx.length);
		if (encoded > this.#limits.maxDataBytes) {
			const text = `tx pre check: tx size is too big: ${encoded}, max: ${this.#limits.maxDataBytes}`;
			throw new CairnError("tx-pre-check", "peer", text);
		}
		if (!this.#cache.push(key)) {
			this.#metrics.alreadyReceived.add(1);
			this.#txs.get(key)?.senders.add(sender);
			throw new CairnError("tx-in-cache", "peer", "tx already exists in cache");
		}
	}

	/**
	 * True if `checkTx` would refuse the transaction at once, for want of room or because it was seen; counts as that refusal.
	 * Strangers can bring about any number of these, so whoever asks for them asks here first and spares the error.
	 */
	turnsAway(key: TxKey, bytes: number): boolean {
		if (this.#isFullFor(bytes)) {
			this.#metrics.rejected.add(1);
			return true;
		}
		if (!this.#cache.has(key)) return false;
		this.#cache.push(key);
		this.#metrics.alreadyReceived.add(1);
		return true;
	}

	#isFullFor(bytes: number): boolean {
		const { size, maxTxsBytes } = this.#options;
		return this.#txs.size >= size || this.#txs.bytes + bytes > maxTxsBytes || this.#rechecking;
	}

	#refuseWhenFull(bytes: number): void {
		const { size, maxTxsBytes } = this.#options;
		if (!this.#isFullFor(bytes)) return;
		this.#metrics.rejected.add(1);
		const text = this.#rechecking
			? "mempool is still rechecking after a new committed block, so it is considered as full"
			: `mempool is full: number of txs ${this.#txs.size} (max: ${size}), total txs bytes ${this.#txs.bytes} (max: ${maxTxsBytes})`;
		throw new CairnError("mempool-full", "operator", text);
	}

	#settle(tx: Uint8Array, key: string, sender: string, response: abci.ResponseCheckTx): void {
		const refusal = this.#postCheck(response);
		if (response.code !== 0 || refusal !== null) {
			this.#metrics.failed.add(1);
			if (!this.#options.keepInvalidTxsInCache) this.#cache.remove(key);
			this.#parts.logger.debug("rejected bad transaction", { code: response.code, log: response.log, err: refusal });
			return;
		}
		const known = this.#txs.get(key);
		if (known !== undefined) {
			known.senders.add(sender);
			this.#metrics.rejected.add(1);
			return;
		}
		const { size, maxTxsBytes } = this.#options;
		if (this.#txs.size >= size || this.#txs.bytes + tx.length > maxTxsBytes) {
			this.#cache.remove(key);
			this.#metrics.rejected.add(1);
			return;
		}
		const entry = this.#txs.append(tx, key, this.#height, response.gasWanted);
		entry.senders.add(sender);
		this.#metrics.txSizeBytes.observe(tx.length);
		this.#showSize();
		for (const listener of this.#onTx) listener(entry);
		this.#announce();
	}

	#postCheck(response: abci.ResponseCheckTx): string | null {
		if (this.#limits.maxGas === -1n) return null;
		if (response.gasWanted < 0n) return `gas wanted ${response.gasWanted} is negative`;
		return response.gasWanted > this.#limits.maxGas
			? `gas wanted ${response.gasWanted} is greater than max gas ${this.#limits.maxGas}`
			: null;
	}

	/** The next transactions for a block: whole ones, in order, within bytes (as encoded in a block) and gas; -1 = no bound. */
	reapMaxBytesMaxGas(maxBytes: number, maxGas: bigint): Uint8Array[] {
		const txs: Uint8Array[] = [];
		let bytes = 0;
		let gas = 0n;
		for (const entry of this.#txs) {
			bytes += encodedTxSize(entry.tx.length);
			gas += entry.gasWanted;
			if ((maxBytes > -1 && bytes > maxBytes) || (maxGas > -1n && gas > maxGas)) break;
			txs.push(entry.tx);
		}
		this.#metrics.reaped.add(txs.length);
		return txs;
	}

	/** The first `max` transactions; a negative `max` means all. */
	reapMaxTxs(max: number): Uint8Array[] {
		const txs: Uint8Array[] = [];
		for (const entry of this.#txs) {
			if (max >= 0 && txs.length >= max) break;
			txs.push(entry.tx);
		}
		return txs;
	}

	/** Holds new checks back while the application commits; waits until the application has answered those under way. */
	async lock(): Promise<void> {
		while (this.#locked !== null) await this.#locked;
		this.#locked = new Promise((resolve) => {
			this.#unlock = resolve;
		});
		try {
			await this.#parts.connection.flush();
		} catch (cause) {
			this.unlock();
			throw new CairnError("app-connection", "app", `flush appConn mempool: ${messageOf(cause)}`, {}, cause);
		}
	}

	unlock(): void {
		this.#locked = null;
		this.#unlock();
	}

	/** Takes a block's transactions out and checks the rest again. Call between `lock` and `unlock`. */
	async update(height: Height, txs: readonly Uint8Array[], codes: readonly number[], limits: TxLimits): Promise<void> {
		this.#height = height;
		this.#limits = limits;
		this.#announced = false;
		for (const [index, hash] of txHashes(txs).entries()) {
			const key = txKeyOfHash(hash);
			if (codes[index] === 0) this.#cache.push(key);
			else if (!this.#options.keepInvalidTxsInCache) this.#cache.remove(key);
			this.#txs.remove(key);
		}
		if (this.#options.recheck && this.#txs.size > 0) await this.#recheckAll();
		this.#showSize();
		this.#announce();
	}

	async #recheckAll(): Promise<void> {
		this.#rechecking = true;
		let timedOut = false;
		const pending: Promise<void>[] = [];
		for (const entry of this.#txs) {
			const check = Promise.resolve(this.#parts.connection.checkTx({ tx: entry.tx, type: CHECK_RECHECK }));
			pending.push(
				check.then(
					(response) => {
						if (!timedOut) this.#rechecked(entry, response);
					},
					(cause: unknown) => {
						if (!timedOut) this.#uncheckable(entry, cause);
					},
				),
			);
		}
		let stopWaiting = (): void => {};
		const timeout = new Promise<"timeout">((resolve) => {
			const timer = this.#parts.timers.after(this.#options.recheckTimeoutMs, () => resolve("timeout"));
			stopWaiting = () => timer.cancel();
		});
		try {
			const outcome = await Promise.race([Promise.all(pending), timeout]);
			timedOut = outcome === "timeout";
			if (timedOut) this.#parts.logger.error("timed out waiting for recheck responses", { height: this.#height });
		} finally {
			stopWaiting();
			this.#rechecking = false;
		}
	}

	#rechecked(entry: MempoolEntry, response: abci.ResponseCheckTx): void {
		this.#metrics.rechecks.add(1);
		if (entry.removed || (response.code === 0 && this.#postCheck(response) === null)) return;
		this.#txs.remove(entry.key);
		if (this.#options.keepInvalidTxsInCache) return;
		this.#cache.remove(entry.key);
		this.#metrics.evicted.add(1);
	}

	/** The application failed at a transaction that it had accepted: that must not keep the chain from going on. */
	#uncheckable(entry: MempoolEntry, cause: unknown): void {
		this.#parts.logger.error("the application failed to recheck a transaction", { err: messageOf(cause) });
		this.#txs.remove(entry.key);
		this.#cache.remove(entry.key);
		this.#metrics.evicted.add(1);
	}

	/** Removes everything and forgets what was seen (`unsafe_flush_mempool`). */
	flush(): void {
		this.#txs.clear();
		this.#cache.clear();
		this.#showSize();
	}

	#announce(): void {
		if (this.#announced || this.#txs.size === 0) return;
		this.#announced = true;
		for (const listener of this.#onAvailable) listener();
	}

	#showSize(): void {
		this.#metrics.size.set(this.#txs.size);
		this.#metrics.sizeBytes.set(this.#txs.bytes);
	}
}

/** Bytes that a transaction takes in a block's `Data` message: tag, length and content. */
export function encodedTxSize(length: number): number {
	let lengthBytes = 1;
	for (let rest = length; rest > 127; rest = Math.floor(rest / 128)) lengthBytes++;
	return 1 + lengthBytes + length;
}

function mempoolMetrics(metrics: Metrics) {
	const counter = (name: string, help: string): Counter => metrics.counter(`mempool_${name}`, help);
	const gauge = (name: string, help: string): Gauge => metrics.gauge(`mempool_${name}`, help);
	const txSizeBytes: Histogram = metrics.histogram(
		"mempool_tx_size_bytes",
		"Sizes of accepted transactions in bytes.",
		[1, 3, 9, 27, 81, 243, 729, 2187, 6561, 19683],
	);
	return {
		size: gauge("size", "Transactions in the mempool."),
		sizeBytes: gauge("size_bytes", "Bytes of the transactions in the mempool."),
		txSizeBytes,
		failed: counter("failed_txs", "Transactions that the application refused."),
		rejected: counter("rejected_txs", "Transactions refused because there was no room or they were there already."),
		evicted: counter("evicted_txs", "Valid transactions that fell out after a block."),
		rechecks: counter("recheck_times", "Transactions that were checked again."),
		alreadyReceived: counter("already_received_txs", "Transactions received more than once."),
		reaped: counter("reaped_txs", "Transactions taken for a proposal."),
	};
}
