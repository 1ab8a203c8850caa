import { CairnError, toUpperHex } from "@cairn/kit";
import { type EventIndex, parseQuery } from "@cairn/storage";
import { type TxProof, txHash, txProof } from "@cairn/types";
import type { abci } from "@cairn/types/proto";
import type { RpcEnvironment } from "../environment.ts";
import { type Json, jsonInt64 } from "../json/text.ts";
import { jsonIndexedTx } from "../json/tx.ts";
import { BOOL, BYTES, OPTIONAL_INT, STRING } from "../parse/param-kinds.ts";
import { jsonStoredBlock } from "./blocks.ts";
import { checkQueryLength } from "./events.ts";
import { pageOf } from "./pages.ts";
import { type Route, route } from "./route.ts";

function indexOf({ index }: RpcEnvironment, what: string): EventIndex {
	if (index === null) throw new CairnError("no-index", "operator", `${what} indexing is disabled`);
	return index;
}

/** 1 or -1. @throws CairnError `bad-order` */
function directionOf(order: string, unordered: 1 | -1): 1 | -1 {
	if (order === "") return unordered;
	if (order === "asc") return 1;
	if (order === "desc") return -1;
	throw new CairnError("bad-order", "peer", "expected order_by to be either `asc` or `desc` or empty");
}

const tx = route("tx", { hash: BYTES, prove: BOOL }, { cache: [] }, (environment, { hash, prove }) => {
	const found = indexOf(environment, "transaction").loadTx(hash);
	if (found === null) throw new CairnError("no-such-tx", "peer", `tx (${toUpperHex(hash)}) not found`);
	return jsonIndexedTx(hash, found, prove ? proofOf(environment, found) : null);
});

/** That the transaction is in its block; null where the block is not here any more. */
function proofOf({ blockStore }: RpcEnvironment, { height, index }: abci.TxResult): TxProof | null {
	const block = blockStore.loadBlock(Number(height));
	return block === null || index >= block.txs.length ? null : txProof(block.txs, index);
}

const txSearch = route(
	"tx_search",
	{ query: STRING, prove: BOOL, page: OPTIONAL_INT, per_page: OPTIONAL_INT, order_by: STRING },
	{},
	async (environment, values, context) => {
		const index = indexOf(environment, "transaction");
		checkQueryLength(values.query);
		const found = await index.searchTxs(parseQuery(values.query), { isCancelled: () => context.isGone() });
		const direction = directionOf(values.order_by, 1);
		found.sort((a, b) => direction * (Number(a.height - b.height) || a.index - b.index));
		const { start, end } = pageOf(values.page, values.per_page, found.length);
		const txs: Json[] = [];
		for (const each of found.slice(start, end)) {
			txs.push(jsonIndexedTx(txHash(each.tx), each, values.prove ? proofOf(environment, each) : null));
		}
		return `{"txs":[${txs.join(",")}],"total_count":${jsonInt64(found.length)}}`;
	},
);

const blockSearch = route(
	"block_search",
	{ query: STRING, page: OPTIONAL_INT, per_page: OPTIONAL_INT, order_by: STRING },
	{},
	async (environment, values, context) => {
		const index = indexOf(environment, "block");
		// Unlike Go, which forgets it here.
		checkQueryLength(values.query);
		const heights = await index.searchBlocks(parseQuery(values.query), { isCancelled: () => context.isGone() });
		const direction = directionOf(values.order_by, -1);
		heights.sort((a, b) => direction * (a - b));
		const { start, end } = pageOf(values.page, values.per_page, heights.length);
		const blocks: Json[] = [];
		for (const height of heights.slice(start, end)) {
			if (environment.blockStore.loadBlockMeta(height) === null) continue;
			blocks.push(jsonStoredBlock(environment, height));
		}
		return `{"blocks":[${blocks.join(",")}],"total_count":${jsonInt64(heights.length)}}`;
	},
);

export const SEARCH_ROUTES: readonly Route[] = [tx, txSearch, blockSearch];
