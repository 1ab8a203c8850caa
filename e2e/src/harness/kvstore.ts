import type { BlockMeta } from "./chain.ts";

/** The hash of kvstore after so many transactions: a zigzag varint, filled up to eight bytes. */
export function kvstoreHash(txs: number): string {
	const bytes = Buffer.alloc(8);
	let rest = 2 * txs;
	let at = 0;
	for (; rest > 127; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) + 128;
	bytes[at] = rest;
	return bytes.toString("hex").toUpperCase();
}

/** Every header must carry the hash of what all blocks before it have done. @param metas from the first height on */
export function requireKvstoreHashes(metas: readonly BlockMeta[]): void {
	let txs = 0;
	for (const { header, num_txs } of metas) {
		const expected = kvstoreHash(txs);
		if (header.app_hash !== expected) {
			throw new Error(
				`height ${header.height} carries app hash ${header.app_hash} after ${txs} transactions, not ${expected}`,
			);
		}
		txs += Number(num_txs);
	}
}
