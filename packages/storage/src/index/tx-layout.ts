import { type Height, TX_HEIGHT_KEY } from "@cairn/types";
import { textOfBytes, textToBytes } from "@cairn/types/proto";
import type { IndexEntry, IndexLayout } from "./layout.ts";

/**
 * Keys of CometBFT's transaction index (state/txindex/kv/kv.go), plain text with slashes:
 * `<type>.<attribute>/<value>/<height>/<index>$es$<event sequence>` and the hash of a transaction. A value that holds
 * slashes makes keys that can be read in two ways; they are read as CometBFT reads them.
 */
const SLASH = 0x2f;
const SEQUENCE_MARK = "$es$";

export function txEventKey(tag: string, value: string, height: Height, index: number, sequence: number): Uint8Array {
	return textToBytes(`${tag}/${value}/${height}/${index}${SEQUENCE_MARK}${sequence}`);
}

export function txHeightKey(height: Height, index: number): Uint8Array {
	return txEventKey(TX_HEIGHT_KEY, String(height), height, index, 0);
}

export const TX_LAYOUT: IndexLayout = {
	heightTag: TX_HEIGHT_KEY,
	tagPrefix: (tag) => textToBytes(`${tag}/`),
	valuePrefix: (tag, value, height) => textToBytes(height > 0 ? `${tag}/${value}/${height}/` : `${tag}/${value}/`),
	parseKey,
	parseRangeKey: (key) => (countSlashes(key) < 3 ? null : parseKey(key)),
	parseContainsKey: (key) => (countSlashes(key) < 3 ? null : parseKey(key)),
};

function parseKey(key: Uint8Array): IndexEntry | null {
	const last = key.lastIndexOf(SLASH);
	const beforeLast = last < 1 ? -1 : key.lastIndexOf(SLASH, last - 2);
	if (last < 0 || beforeLast < 0) return null;
	const height = parseHeight(textOfBytes(key.subarray(beforeLast + 1, last)));
	if (height === null) return null;
	const first = key.indexOf(SLASH);
	const value = first < beforeLast ? textOfBytes(key.subarray(first + 1, beforeLast)).trim() : "";
	const tail = textOfBytes(key.subarray(last + 1));
	const mark = tail.indexOf(SEQUENCE_MARK);
	return { value, height, sequence: mark < 0 ? "0" : tail.slice(mark + SEQUENCE_MARK.length) };
}

function parseHeight(text: string): Height | null {
	const height = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
	return Number.isSafeInteger(height) ? height : null;
}

function countSlashes(key: Uint8Array): number {
	let count = 0;
	for (const byte of key) if (byte === SLASH) count++;
	return count;
}
