import type { BlockMeta } from "./chain.ts";
import type { TestNode } from "./network.ts";

const FINALIZED = /finalizing commit of block\s.*?height=(\d+) hash=([0-9A-F]{64})/g;

/**
 * Compares the chain with every block that a node has said to be final in any of its lives, as its log tells.
 * @param metas from the first height on
 * @throws where a block was lost or changed
 */
export function requireNothingLost(node: TestNode, metas: readonly BlockMeta[]): void {
	for (const [, height, hash] of node.log().matchAll(FINALIZED)) {
		const kept = metas[Number(height) - 1]?.block_id.hash;
		if (kept !== undefined && kept !== hash) {
			throw new Error(`${node.name} once committed ${hash} at height ${height}, where the chain now has ${kept}`);
		}
	}
}

/** Height of the last block that any life of the node has called final; 0 for none. */
export function lastFinalized(node: TestNode): number {
	let last = 0;
	for (const [, height] of node.log().matchAll(FINALIZED)) last = Math.max(last, Number(height));
	return last;
}
