// Shared by the tests of this package; holds no tests itself.
import { readFileSync } from "node:fs";
import { fromHex } from "@cairn/kit";
import {
	type Block,
	type Commit,
	decodeBlock,
	decodeCommit,
	decodeExtendedCommit,
	type ExtendedCommit,
	PartSet,
} from "@cairn/types";
import { readDelimited } from "@cairn/types/proto";

const vectors = new URL("../../../../vectors/", import.meta.url);

export function readVector(name: string): Uint8Array {
	return new Uint8Array(readFileSync(new URL(name, vectors)));
}

/** The shape of a vector file is what its test says it is. */
export function loadVector<T>(name: string): T {
	return JSON.parse(readFileSync(new URL(name, vectors), "utf8")) as T;
}

/** What is recorded of a height beside its block. */
export interface HeightVector {
	readonly block_hash: string;
	readonly block_size: string;
	readonly num_txs: number;
	readonly seen_commit: string;
	readonly extended_commit?: string | null;
	readonly validator_set?: string | null;
	readonly finalize_block_response: string;
	readonly app_hash_after: string;
	readonly last_results_hash_after: string;
}

export interface ChainVector {
	readonly genesis_json: string;
	readonly final_state_proto: string;
	readonly heights: readonly HeightVector[];
}

export interface ChainBlock {
	readonly block: Block;
	/** The block as the chain's proposer encoded it. */
	readonly bytes: Uint8Array;
	readonly parts: PartSet;
	readonly seenCommit: Commit;
	readonly extendedCommit: ExtendedCommit | null;
	readonly vector: HeightVector;
}

/** The blocks of a recorded chain with what a node had stored of them. */
export function loadChain(name: string): ChainBlock[] {
	const stream = readVector(`chain/${name}.blocks.bin`);
	const { heights } = loadVector<ChainVector>(`chain/${name}.json`);
	const blocks: ChainBlock[] = [];
	let at = 0;
	for (const vector of heights) {
		const found = readDelimited(stream, at, stream.length);
		if (found === undefined) throw new Error(`${name} ends early`);
		at = found.next;
		const bytes = found.message.slice();
		blocks.push({
			block: decodeBlock(bytes),
			bytes,
			parts: PartSet.fromBytes(bytes),
			seenCommit: decodeCommit(fromHex(vector.seen_commit)),
			extendedCommit: vector.extended_commit ? decodeExtendedCommit(fromHex(vector.extended_commit)) : null,
			vector,
		});
	}
	return blocks;
}
