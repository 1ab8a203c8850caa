import { type Height, TX_HEIGHT_KEY } from "@cairn/types";
import { textOfBytes, textToBytes } from "@cairn/types/proto";
import type { KeyBuilder } from "./key-builder.ts";
import type { IndexEntry, IndexLayout } from "./layout.ts";

/**
 * Keys of CometBFT's transaction index (state/txindex/kv/kv.go), plain text with slashes:
 * `<type>.<attribute>/<value>/<height>/<index>$es$<event sequence>` and the hash of a transaction. A value that holds
 * slashes makes keys that can be read in two ways; they are read as CometBFT reads them.
 */
const SLASH = 0x2f;
const SEQUENCE_MARK = "$es$";

export function txHeightKey(height: Height, index: number): Uint8Array {
	return textToBytes(`${TX_HEIGHT_KEY}/${height}${txPlace(height, index)}0`);
}

/** The part of a key that is the same for all events of a transaction. */
export function txPlace(height: Height, index: number): string {
	return `/${height}/${index}${SEQUENCE_MARK}`;
}

/** @param place see `txPlace` */
export function writeTxEventKey(
	keys: KeyBuilder,
	type: string,
	attribute: string,
	value: string,
	place: string,
	sequence: string,
): Uint8Array {
	return keys.text(type).text(".").text(attribute).text("/").text(value).text(place).text(sequence).take();
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
