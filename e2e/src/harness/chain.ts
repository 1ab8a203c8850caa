import type { TestNode } from "./network.ts";
import type { BlockAnswer } from "./rpc.ts";

/** Headers that one call of `blockchain` gives. */
const PAGE = 20;

export interface BlockMeta {
	readonly block_id: { readonly hash: string; readonly parts: { readonly total: number; readonly hash: string } };
	readonly header: { readonly height: string; readonly app_hash: string; readonly last_results_hash: string };
	readonly num_txs: string;
}

/** Block ids and headers of a range of heights, in order, as one node has them. */
export async function metasOf(node: TestNode, from: number, to: number): Promise<BlockMeta[]> {
	const metas: BlockMeta[] = [];
	for (let first = from; first <= to; first += PAGE) {
		const last = Math.min(to, first + PAGE - 1);
		const path = `blockchain?minHeight=${first}&maxHeight=${last}`;
		const answer = await node.call<{ block_metas: BlockMeta[] }>(path);
		if (answer.block_metas.length !== last - first + 1) {
			throw new Error(`${node.name} gave ${answer.block_metas.length} headers for ${first} to ${last}`);
		}
		metas.push(...answer.block_metas.reverse());
	}
	return metas;
}

/** Compares block ids and app hashes of nodes, height by height. @throws where two differ */
export async function requireAgreement(nodes: readonly TestNode[], from: number, to: number): Promise<void> {
	const [first, ...others] = await Promise.all(nodes.map((node) => metasOf(node, from, to)));
	if (first === undefined) throw new Error("there is no node to compare");
	for (const [index, expected] of first.entries()) {
		for (const [which, metas] of others.entries()) {
			const found = metas[index];
			const isSame =
				found?.block_id.hash === expected.block_id.hash &&
				found.block_id.parts.hash === expected.block_id.parts.hash &&
				found.header.app_hash === expected.header.app_hash &&
				found.header.last_results_hash === expected.header.last_results_hash;
			if (isSame) continue;
			const names = `${nodes[0]?.name} and ${nodes[which + 1]?.name}`;
			throw new Error(`${names} differ at height ${from + index}:\n${JSON.stringify([expected, found], null, 2)}`);
		}
	}
}

/** Blocks of a range of heights, in order. */
export async function blocksOf(node: TestNode, from: number, to: number): Promise<BlockAnswer[]> {
	const blocks: BlockAnswer[] = [];
	for (let height = from; height <= to; height++) blocks.push(await node.block(height));
	return blocks;
}

const COMMIT_FLAG = 2;

/** Addresses whose precommits for the last block stand in a block. */
export function signersOf({ block }: BlockAnswer): string[] {
	const { signatures } = block.last_commit;
	return signatures.filter((each) => each.block_id_flag === COMMIT_FLAG).map((each) => each.validator_address);
}
