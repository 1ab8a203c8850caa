import { CairnError, type Logger, messageOf, type Timer, type Timers } from "@cairn/kit";
import type { Peer } from "@cairn/network";
import type { BlockMeta, ExtendedCommit, Height } from "@cairn/types";
import { BLOCK_SYNC_CHANNEL, encodeBlockResponse, encodeBlockSyncMessage } from "./messages.ts";

/** The reads of the block store that serving needs. */
export interface ServedBlocks {
	readonly base: Height;
	readonly height: Height;
	loadBlockMeta(height: Height): BlockMeta | null;
	/** The encoded block as it was proposed. */
	loadBlockBytes(height: Height): Uint8Array | null;
	loadExtendedCommit(height: Height): ExtendedCommit | null;
}

export interface BlockServerParts {
	readonly store: ServedBlocks;
	readonly hasExtensions: (height: Height) => boolean;
	readonly timers: Timers;
	readonly logger: Logger;
}

/** Requests of one peer that wait; CometBFT has at most 20 open, twice that for blocks asked of two peers. */
const MAX_WAITING = 100;
/** Bytes that wait to be read by one peer before it is loaded another block. */
export const MAX_WAITING_BYTES = 2_097_152;
/** Bytes that wait to be read by all peers, before larger answers have to wait. */
const MAX_ALL_WAITING_BYTES = 134_217_728;
const RETRY_MS = 50;

interface Reader {
	readonly peer: Peer;
	readonly heights: Set<Height>;
}

/**
 * Answers requests for blocks, as fast as peers read the answers: one that asks for much and reads nothing makes us hold
 * little (CometBFT holds all that it asked for).
 */
export class BlockServer {
	readonly #parts: BlockServerParts;
	readonly #readers = new Map<string, Reader>();
	#retry: Timer | null = null;

	constructor(parts: BlockServerParts) {
		this.#parts = parts;
	}

	stop(): void {
		this.#retry?.cancel();
	}

	request(peer: Peer, height: Height): void {
		let reader = this.#readers.get(peer.id);
		if (reader === undefined) {
			reader = { peer, heights: new Set() };
			this.#readers.set(peer.id, reader);
		}
		if (reader.heights.size < MAX_WAITING) reader.heights.add(height);
		this.#serve(reader);
	}

	drained(peer: Peer): void {
		const reader = this.#readers.get(peer.id);
		if (reader !== undefined) this.#serve(reader);
	}

	removePeer(peer: Peer): void {
		this.#readers.delete(peer.id);
	}

	#serve(reader: Reader): void {
		const { peer, heights } = reader;
		for (const height of heights) {
			if (!peer.canSend(BLOCK_SYNC_CHANNEL)) return;
			if (!this.#fits(peer, height)) {
				this.#serveLater();
				return;
			}
			if (!peer.send(BLOCK_SYNC_CHANNEL, this.#answer(peer, height))) return;
			heights.delete(height);
		}
		if (heights.size === 0) this.#readers.delete(peer.id);
	}

	/** A small answer to one who reads always fits. */
	#fits(peer: Peer, height: Height): boolean {
		const size = this.#parts.store.loadBlockMeta(height)?.blockSize ?? 0;
		if (peer.queuedBytes === 0 && size <= MAX_WAITING_BYTES) return true;
		let waiting = size;
		for (const { peer: other } of this.#readers.values()) waiting += other.queuedBytes;
		return waiting <= MAX_ALL_WAITING_BYTES || waiting === size;
	}

	#serveLater(): void {
		this.#retry ??= this.#parts.timers.after(RETRY_MS, () => {
			this.#retry = null;
			for (const reader of this.#readers.values()) this.#serve(reader);
		});
	}

	#answer(peer: Peer, height: Height): Uint8Array {
		const { store, hasExtensions, logger } = this.#parts;
		const none = encodeBlockSyncMessage({ kind: "noBlockResponse", height });
		try {
			const block = store.loadBlockBytes(height);
			if (block === null) {
				logger.debug("Peer asking for a block we don't have", { peer: peer.id, height });
				return none;
			}
			if (!hasExtensions(height)) return encodeBlockResponse(block, null);
			const extended = store.loadExtendedCommit(height);
			if (extended !== null) return encodeBlockResponse(block, extended);
			logger.error("Found block in store with no extended commit", { height });
		} catch (cause) {
			// A damaged store is the operator's to mend; peers find the block elsewhere.
			if (!(cause instanceof CairnError) || cause.blame === "us") throw cause;
			logger.error("cannot read a block to serve it", { height, err: messageOf(cause) });
		}
		return none;
	}
}
