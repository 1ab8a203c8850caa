import { CairnError, messageOf } from "@cairn/kit";
import { numberAt, textAt } from "./json-value.ts";
import type { HeightWord } from "./report.ts";
import { BATCH_SIZE, type RpcClient } from "./rpc-client.ts";

/** Most heights that a report holds; every later block names the hash of the one before, down to the first. */
const MAX_HEIGHTS = 10_000;
const TIMEOUT_MS = 20_000;

/** What a node has of its chain up to a height. */
export interface ChainWords {
	readonly height: number;
	readonly words: readonly HeightWord[];
	readonly failure: string | null;
}

/** Asks a node for block id, application hash and round of every height up to `to`. Never throws. */
export async function readChain(client: RpcClient, to: number): Promise<ChainWords> {
	const words: HeightWord[] = [];
	let height = 0;
	try {
		const [status] = await client.batch([{ method: "status" }], TIMEOUT_MS);
		height = numberAt(status, "sync_info", "latest_block_height");
		const base = numberAt(status, "sync_info", "earliest_block_height");
		const last = Math.min(to, height);
		const first = Math.max(base, last - MAX_HEIGHTS + 1, 1);
		for (let from = first; from <= last; from += BATCH_SIZE) {
			const heights = Array.from({ length: Math.min(BATCH_SIZE, last - from + 1) }, (_, index) => from + index);
			const calls = heights.map((each) => ({ method: "commit", params: { height: String(each) } }));
			const commits = await client.batch(calls, TIMEOUT_MS);
			for (const [index, commit] of commits.entries()) words.push(wordOf(heights[index] ?? 0, commit));
		}
		return { height, words, failure: null };
	} catch (cause) {
		return { height, words, failure: messageOf(cause) };
	}
}

/** @throws CairnError where the answer is not the commit of this height: nothing may be compared by accident */
function wordOf(height: number, commit: unknown): HeightWord {
	const signed = "signed_header";
	const blockId = textAt(commit, signed, "commit", "block_id", "hash");
	const isRight = numberAt(commit, signed, "header", "height") === height && /^[0-9A-F]{64}$/.test(blockId);
	if (!isRight) throw new CairnError("rpc", "operator", `the answer to commit at height ${height} is none`);
	const appHash = textAt(commit, signed, "header", "app_hash");
	return { height, blockId, appHash, round: numberAt(commit, signed, "commit", "round") };
}
