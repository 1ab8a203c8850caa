import { concatBytes, DecodeError, utf8 } from "@cairn/kit";
import { BLOCK_HEIGHT_KEY, type Height } from "@cairn/types";
import type { IndexEntry, IndexLayout } from "./layout.ts";
import { encodeOrdered, OrderedReader } from "./ordered-code.ts";

/**
 * Keys of CometBFT's block index (state/indexer/block/kv): behind the prefix that keeps them apart from transactions,
 * ordered code of tag, value, height and event sequence; for the height itself of `block.height` and the height.
 */
const PREFIX = utf8("block_events");

export function blockHeightKey(height: Height): Uint8Array {
	return concatBytes(PREFIX, encodeOrdered(BLOCK_HEIGHT_KEY, BigInt(height)));
}

export function blockEventKey(tag: string, value: string, height: Height, sequence: number): Uint8Array {
	return concatBytes(PREFIX, encodeOrdered(tag, value, BigInt(height), BigInt(sequence)));
}

export const BLOCK_LAYOUT: IndexLayout = {
	heightTag: BLOCK_HEIGHT_KEY,
	tagPrefix: (tag) => concatBytes(PREFIX, encodeOrdered(tag)),
	valuePrefix: (tag, value) => concatBytes(PREFIX, encodeOrdered(tag, value)),
	parseKey: (key) => attempt(() => parseEventKey(key)),
	parseRangeKey: (key, tag) => attempt(() => (tag === BLOCK_HEIGHT_KEY ? parseHeightKey(key) : parseEventKey(key))),
	parseContainsKey: (key) => attempt(() => parseEventKey(key)),
};

function parseHeightKey(key: Uint8Array): IndexEntry {
	const reader = new OrderedReader(key, PREFIX.length);
	reader.string();
	const height = Number(reader.int64());
	if (!reader.isAtEnd) throw new DecodeError("unexpected remainder in key");
	return { value: String(height), height, sequence: "0" };
}

function parseEventKey(key: Uint8Array): IndexEntry {
	const reader = new OrderedReader(key, PREFIX.length);
	reader.string();
	const value = reader.string();
	const height = Number(reader.int64());
	return { value, height, sequence: attempt(() => parseSequence(reader)) ?? "0" };
}

/**
 * What follows the height: the event sequence (since v0.38), or the function that made the event (`begin_block`,
 * `end_block`) with or without a sequence. A sequence can look like a function's name; it is taken for one, as in Go.
 */
function parseSequence(reader: OrderedReader): string {
	const rest = reader.fork();
	const isFunction = attempt(() => rest.string()) !== null;
	if (isFunction && rest.isAtEnd) return "0";
	const sequence = isFunction ? rest : reader;
	const number = sequence.int64();
	if (!sequence.isAtEnd) throw new DecodeError("unexpected remainder in key");
	return String(number);
}

function attempt<T>(read: () => T): T | null {
	try {
		return read();
	} catch (cause) {
		if (cause instanceof DecodeError) return null;
		throw cause;
	}
}
