// Shared by the tests of this package; holds no tests itself.
import { readFileSync } from "node:fs";
import { fromHex } from "@cairn/kit";
import { type Block, type Commit, decodeBlock, decodeCommit, PartSet } from "@cairn/types";
import { readDelimited } from "@cairn/types/proto";

const vectors = new URL("../../../../vectors/chain/", import.meta.url);

/** What the real node stored and answered for a height. */
export interface HeightVector {
	readonly height: string;
	readonly app_hash_after: string;
	readonly last_results_hash_after: string;
	readonly seen_commit: string;
	readonly finalize_block_response?: string;
	readonly finalize_block_response_sha256?: string;
	/** Only where it differs from that of the height before. */
	readonly validator_set?: string | null;
}

export interface RecordedChain {
	readonly genesis_json: string;
	readonly init_chain_app_hash: string;
	readonly final_state_proto: string;
	readonly heights: readonly HeightVector[];
}

export interface RecordedBlock {
	readonly block: Block;
	readonly parts: PartSet;
	readonly seenCommit: Commit;
	readonly vector: HeightVector;
}

export function recordedChain(name: string): { readonly chain: RecordedChain; readonly blocks: RecordedBlock[] } {
	const chain = JSON.parse(readFileSync(new URL(`chain-${name}.json`, vectors), "utf8")) as RecordedChain;
	const stream = new Uint8Array(readFileSync(new URL(`chain-${name}.blocks.bin`, vectors)));
	const blocks: RecordedBlock[] = [];
	let at = 0;
	for (const vector of chain.heights) {
		const found = readDelimited(stream, at, stream.length);
		if (found === undefined) throw new Error(`chain-${name} ends early`);
		at = found.next;
		const bytes = found.message.slice();
		const seenCommit = decodeCommit(fromHex(vector.seen_commit));
		blocks.push({ block: decodeBlock(bytes), parts: PartSet.fromBytes(bytes), seenCommit, vector });
	}
	return { chain, blocks };
}
