import type { Height } from "@cairn/types";

/** One entry of an index: an attribute value of an event, and the transaction or block it belongs to. */
export interface IndexEntry {
	readonly value: string;
	readonly height: Height;
	/** Tells the events of one transaction or block apart. */
	readonly sequence: string;
}

/** How an index writes its keys. Values are what a search finds: transaction hashes, or heights of blocks. */
export interface IndexLayout {
	/** The tag of the height: `tx.height` or `block.height`. */
	readonly heightTag: string;
	/** What the keys of all values of a tag begin with. */
	tagPrefix(tag: string): Uint8Array;
	/**
	 * What the keys of one value begin with.
	 * @param height narrows to this height where it is not 0 and the layout can
	 */
	valuePrefix(tag: string, value: string, height: Height): Uint8Array;
	/** Reads a key of an event. Null where it is none, which a search passes over. */
	parseKey(key: Uint8Array): IndexEntry | null;
	/** Reads a key under the tag in a search for values in a range; the height's own keys can be of another form. */
	parseRangeKey(key: Uint8Array, tag: string): IndexEntry | null;
	/** As `parseKey`, in a search for values that contain a text. */
	parseContainsKey(key: Uint8Array): IndexEntry | null;
}
