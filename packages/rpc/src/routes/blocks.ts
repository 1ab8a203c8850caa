import { CairnError } from "@cairn/kit";
import { type Height, NIL_BLOCK_ID } from "@cairn/types";
import type { RpcEnvironment } from "../environment.ts";
import { jsonEvent, jsonParamUpdates, jsonTxResult, jsonValidatorUpdate } from "../json/abci.ts";
import { jsonBlock, jsonBlockId, jsonBlockMeta, jsonHeader, jsonSignedHeader } from "../json/block.ts";
import { type Json, jsonBytes, jsonInt64, jsonListOrNull, jsonOrNull } from "../json/text.ts";
import { BYTES, HEX_BYTES, INT64, OPTIONAL_INT64 } from "../parse/param-kinds.ts";
import { heightOf } from "./heights.ts";
import { type Route, route } from "./route.ts";

/** Most headers in one answer of `blockchain`. */
const MAX_HEADERS = 20n;
const NOT_FOUND: Json = '{"header":null}';

const blockchain = route(
	"blockchain",
	{ minHeight: INT64, maxHeight: INT64 },
	{ cache: [] },
	({ blockStore }, { minHeight, maxHeight }) => {
		const { least, most } = headerRange(BigInt(blockStore.base), BigInt(blockStore.height), minHeight, maxHeight);
		const metas: Json[] = [];
		for (let height = Number(most); height >= Number(least); height--) {
			metas.push(jsonOrNull(blockStore.loadBlockMeta(height), jsonBlockMeta));
		}
		return `{"last_height":${jsonInt64(blockStore.height)},"block_metas":[${metas.join(",")}]}`;
	},
);

/** Which headers to show: zero stands for the first and the last; not more than `MAX_HEADERS`, the highest ones. */
function headerRange(base: bigint, height: bigint, from: bigint, to: bigint): { least: bigint; most: bigint } {
	if (from < 0n || to < 0n) throw new CairnError("no-such-height", "peer", "heights must be non-negative");
	const most = least(height, to === 0n ? height : to);
	const lowest = greatest(greatest(base, from === 0n ? 1n : from), most - MAX_HEADERS + 1n);
	if (lowest > most) {
		const text = `min height ${lowest} can't be greater than max height ${most}`;
		throw new CairnError("no-such-height", "peer", text);
	}
	return { least: lowest, most };
}

function least(a: bigint, b: bigint): bigint {
	return a < b ? a : b;
}

function greatest(a: bigint, b: bigint): bigint {
	return a > b ? a : b;
}

const header = route("header", { height: OPTIONAL_INT64 }, { cache: ["height"] }, (environment, values) => {
	const { blockStore } = environment;
	const meta = blockStore.loadBlockMeta(heightOf(environment, blockStore.height, values.height));
	return meta === null ? NOT_FOUND : `{"header":${jsonHeader(meta.header)}}`;
});

const headerByHash = route("header_by_hash", { hash: HEX_BYTES }, { cache: [] }, ({ blockStore }, { hash }) => {
	const meta = blockStore.loadBlockMetaByHash(hash);
	return meta === null ? NOT_FOUND : `{"header":${jsonHeader(meta.header)}}`;
});

const block = route("block", { height: OPTIONAL_INT64 }, { cache: ["height"] }, (environment, values) => {
	return jsonStoredBlock(environment, heightOf(environment, environment.blockStore.height, values.height));
});

const blockByHash = route("block_by_hash", { hash: BYTES }, { cache: [] }, (environment, { hash }) => {
	const height = environment.blockStore.loadBlockMetaByHash(hash)?.header.height;
	return jsonStoredBlock(environment, height ?? 0);
});

/** A block with its id; null and the nil id where there is none (height 0 has none). */
export function jsonStoredBlock({ blockStore }: RpcEnvironment, height: Height): Json {
	const id = blockStore.loadBlockMeta(height)?.blockId ?? NIL_BLOCK_ID;
	return `{"block_id":${jsonBlockId(id)},"block":${jsonOrNull(blockStore.loadBlock(height), jsonBlock)}}`;
}

const commit = route("commit", { height: OPTIONAL_INT64 }, { cache: ["height"] }, (environment, values) => {
	const { blockStore } = environment;
	const height = heightOf(environment, blockStore.height, values.height);
	const meta = blockStore.loadBlockMeta(height);
	if (meta === null) return "null";
	// The commit of the last block is not settled before the next block carries it.
	const isSettled = height !== blockStore.height;
	const signatures = isSettled ? blockStore.loadCommit(height) : blockStore.loadSeenCommit(height);
	return `{"signed_header":${jsonSignedHeader(meta.header, signatures)},"canonical":${isSettled}}`;
});

const blockResults = route(
	"block_results",
	{ height: OPTIONAL_INT64 },
	{ cache: ["height"] },
	(environment, values) => {
		const { blockStore, stateStore } = environment;
		const height = heightOf(environment, blockStore.height, values.height);
		const results = stateStore.loadFinalizeBlockResponse(height);
		if (results === null) {
			throw new CairnError("no-results", "operator", `could not find results for height #${height}`, { height });
		}
		return (
			`{"height":${jsonInt64(height)},"txs_results":${jsonListOrNull(results.txResults, jsonTxResult)},` +
			`"finalize_block_events":${jsonListOrNull(results.events, jsonEvent)},` +
			`"validator_updates":${jsonListOrNull(results.validatorUpdates, jsonValidatorUpdate)},` +
			`"consensus_param_updates":${jsonOrNull(results.consensusParamUpdates, jsonParamUpdates)},` +
			`"app_hash":${jsonBytes(results.appHash)}}`
		);
	},
);

export const BLOCK_ROUTES: readonly Route[] = [
	blockchain,
	block,
	blockByHash,
	blockResults,
	commit,
	header,
	headerByHash,
];
