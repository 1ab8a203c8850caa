import type { ExecutedBlock } from "@cairn/chain";
import { CairnError, type Logger, messageOf } from "@cairn/kit";
import type { BlockStore, EventIndex, IndexedBlock, StateStore } from "@cairn/storage";
import { encodedTxResults, type Height, txHashes } from "@cairn/types";

export interface IndexerServiceParts {
	readonly index: Pick<EventIndex, "index" | "hasBlock">;
	readonly logger: Logger;
	/** A block could not be written: what the index says from here on would be incomplete. */
	readonly onFatal: (cause: unknown) => void;
}

/** Where blocks and the application's answers to them are kept. */
export interface IndexSources {
	readonly blockStore: BlockStore;
	readonly stateStore: StateStore;
}

/** Blocks that may wait to be indexed; beyond, execution waits for the disk. */
const MAX_WAITING = 256;
/** More blocks than could ever wait are not missing because the node died. */
const MAX_MISSING = 2 * MAX_WAITING;
const RESERVED_EVENT = "reserved-event";
const RESPONSES_DISCARDED = "responses-discarded";

/**
 * Writes each executed block into the index, beside and not within the way of consensus (state/txindex/indexer_service.go).
 * Blocks are written in order, one after the other, and none is dropped. `index = null` of the configuration is no service
 * at all.
 */
export class IndexerService {
	readonly #parts: IndexerServiceParts;
	#waiting: ExecutedBlock[] = [];
	#working: Promise<void> | null = null;
	#height: Height = 0;

	constructor(parts: IndexerServiceParts) {
		this.#parts = parts;
	}

	/** The last height that has been indexed since the start; 0 before the first. */
	get height(): Height {
		return this.#height;
	}

	/**
	 * Indexes the blocks that were executed, but not indexed, before the process ended. Call before blocks are added. An
	 * index that lacks more was turned on later: filling it up is left to `reindex-event`.
	 */
	async catchUp({ blockStore, stateStore }: IndexSources): Promise<void> {
		const { index, logger } = this.#parts;
		const last = stateStore.load()?.lastBlockHeight ?? 0;
		const lowest = Math.max(0, last - MAX_MISSING);
		let known = last;
		while (known > lowest && !index.hasBlock(known)) known--;
		if (known === lowest) return;
		for (let height = known + 1; height <= last; height++) {
			const block = blockStore.loadBlock(height);
			const blockId = blockStore.loadBlockMeta(height)?.blockId;
			const result = resultOf(stateStore, height);
			if (block === null || blockId === undefined || result === null) {
				logger.error("a block cannot be indexed any more", { height });
				continue;
			}
			await this.#index({ block, blockId, result });
		}
	}

	/** Takes a block. A promise comes back when too many wait: then the caller has to wait too, until all are written. */
	add(executed: ExecutedBlock): Promise<void> | undefined {
		this.#waiting.push(executed);
		this.#working ??= this.#work();
		return this.#waiting.length > MAX_WAITING ? this.settled() : undefined;
	}

	/** Resolves when everything taken so far is in the index. */
	async settled(): Promise<void> {
		while (this.#working !== null) await this.#working;
	}

	async #work(): Promise<void> {
		while (this.#waiting.length > 0) {
			const batch = this.#waiting;
			this.#waiting = [];
			for (const executed of batch) await this.#index(executed);
		}
		this.#working = null;
	}

	async #index(executed: ExecutedBlock): Promise<void> {
		const { index, logger, onFatal } = this.#parts;
		const { height } = executed.block.header;
		try {
			await index.index(indexedBlockOf(executed));
			this.#height = height;
			logger.info("indexed block events", { height });
		} catch (cause) {
			// What the application calls its events is its own affair; that it cannot be found by them is all that follows.
			if (isReservedEvent(cause)) logger.error("failed to index block", { height, err: messageOf(cause) });
			else onFatal(cause);
		}
	}
}

/** The application's answer to a block; null where it is not held. */
function resultOf(stateStore: StateStore, height: Height): ExecutedBlock["result"] | null {
	const last = stateStore.loadLastFinalizeBlockResponse(height);
	if (last !== null) return last;
	try {
		return stateStore.loadFinalizeBlockResponse(height);
	} catch (cause) {
		if (cause instanceof CairnError && cause.code === RESPONSES_DISCARDED) return null;
		throw cause;
	}
}

function isReservedEvent(cause: unknown): boolean {
	return cause instanceof CairnError && cause.code === RESERVED_EVENT;
}

/** What the index keeps of an executed block. */
export function indexedBlockOf({ block, result }: ExecutedBlock): IndexedBlock {
	const height = BigInt(block.header.height);
	const txs = block.txs.flatMap((tx, index) => {
		const txResult = result.txResults[index];
		return txResult === undefined ? [] : [{ height, index, tx, result: txResult }];
	});
	const known = { txHashes: txHashes(block.txs), encodedResults: encodedTxResults(result.txResults) };
	return { height: block.header.height, events: result.events, txs, known };
}
