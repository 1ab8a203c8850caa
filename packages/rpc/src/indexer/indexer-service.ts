import type { ExecutedBlock } from "@cairn/chain";
import { type Logger, messageOf } from "@cairn/kit";
import type { EventIndex, IndexedBlock } from "@cairn/storage";
import { type Height, txHashes } from "@cairn/types";

export interface IndexerServiceParts {
	readonly index: Pick<EventIndex, "index">;
	readonly logger: Logger;
	/** A block could not be written: what the index says from here on would be incomplete. */
	readonly onFatal: (cause: unknown) => void;
}

/** Blocks that may wait to be indexed; beyond, execution waits for the disk. */
const MAX_WAITING = 256;
const RESERVED_EVENT = "reserved-event";

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

function isReservedEvent(cause: unknown): boolean {
	return typeof cause === "object" && cause !== null && (cause as { code?: unknown }).code === RESERVED_EVENT;
}

/** What the index keeps of an executed block. */
export function indexedBlockOf({ block, result }: ExecutedBlock): IndexedBlock {
	const height = BigInt(block.header.height);
	const txs = block.txs.flatMap((tx, index) => {
		const txResult = result.txResults[index];
		return txResult === undefined ? [] : [{ height, index, tx, result: txResult }];
	});
	return { height: block.header.height, events: result.events, txs, txHashes: txHashes(block.txs) };
}
