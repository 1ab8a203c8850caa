import { CairnError, messageOf, toUpperHex } from "@cairn/kit";
import { parseQuery } from "@cairn/storage";
import { EVENT_TX, EVENT_TYPE_KEY, type Height, TX_HASH_KEY, txHash } from "@cairn/types";
import { abci } from "@cairn/types/proto";
import type { RpcEnvironment } from "../environment.ts";
import { jsonTxResult } from "../json/abci.ts";
import { type Json, jsonBase64, jsonHex, jsonInt64, jsonList, jsonString } from "../json/text.ts";
import { OPTIONAL_INT, TX } from "../parse/param-kinds.ts";
import { checkSubscriptionLimits } from "./events.ts";
import { perPageOf } from "./pages.ts";
import { type CallContext, type Route, route } from "./route.ts";

const CODE_OK = 0;
const CHECK_NEW = 0;
/** The sender of transactions that come by RPC. */
const OURSELVES = "";

/** Hands a transaction to the mempool and answers as soon as it is taken, before the application has judged it. */
export async function broadcastAsync(environment: RpcEnvironment, tx: Uint8Array): Promise<Json> {
	refuseWhileSyncing(environment);
	await new Promise<void>((resolve, reject) => {
		environment.mempool.checkTx(tx, OURSELVES, resolve).catch(reject);
	});
	return `{"code":0,"data":"","log":"","codespace":"","hash":${jsonHex(txHash(tx))}}`;
}

/** Hands a transaction to the mempool and answers with what the application says of it. */
export async function broadcastSync(environment: RpcEnvironment, tx: Uint8Array): Promise<Json> {
	refuseWhileSyncing(environment);
	const { code, data, log, codespace } = await environment.mempool.checkTx(tx, OURSELVES);
	return (
		`{"code":${code},"data":${jsonHex(data)},"log":${jsonString(log)},"codespace":${jsonString(codespace)},` +
		`"hash":${jsonHex(txHash(tx))}}`
	);
}

function refuseWhileSyncing(environment: RpcEnvironment): void {
	if (!environment.isSyncing()) return;
	throw new CairnError("catching-up", "operator", "endpoint is closed while node is catching up");
}

/** Hands a transaction to the mempool and answers when a block has it. */
async function broadcastCommit(environment: RpcEnvironment, tx: Uint8Array, context: CallContext): Promise<Json> {
	refuseWhileSyncing(environment);
	checkSubscriptionLimits(environment, context.client);
	const inclusion = watchForInclusion(environment, tx, context);
	try {
		const check = await checkForCommit(environment, tx);
		if (check.code !== CODE_OK) return jsonCommitted(check, abci.ExecTxResult.create({}), tx, 0);
		inclusion.startTimeout();
		const { result, height } = await inclusion.found;
		return jsonCommitted(check, result, tx, height);
	} finally {
		inclusion.end();
	}
}

async function checkForCommit({ mempool }: RpcEnvironment, tx: Uint8Array): Promise<abci.ResponseCheckTx> {
	try {
		return await mempool.checkTx(tx, OURSELVES);
	} catch (cause) {
		throw broadcastFailure(`error on broadcastTxCommit: ${messageOf(cause)}`, cause);
	}
}

function jsonCommitted(check: abci.ResponseCheckTx, result: abci.ExecTxResult, tx: Uint8Array, height: Height): Json {
	return (
		`{"check_tx":${jsonTxResult(check)},"tx_result":${jsonTxResult(result)},` +
		`"hash":${jsonHex(txHash(tx))},"height":${jsonInt64(height)}}`
	);
}

interface IncludedTx {
	readonly result: abci.ExecTxResult;
	readonly height: Height;
}

interface Inclusion {
	readonly found: Promise<IncludedTx>;
	startTimeout(): void;
	end(): void;
}

/** Watches for the block that has a transaction, from before the mempool gets it. Needs no index. */
function watchForInclusion(environment: RpcEnvironment, tx: Uint8Array, context: CallContext): Inclusion {
	const { subscriptions, timers, limits } = environment;
	const cleanUps: (() => void)[] = [];
	let succeed = (_: IncludedTx): void => {};
	let fail = (_: CairnError): void => {};
	const found = new Promise<IncludedTx>((resolve, reject) => {
		succeed = resolve;
		fail = reject;
	});
	const query = `${EVENT_TYPE_KEY}='${EVENT_TX}' AND ${TX_HASH_KEY}='${toUpperHex(txHash(tx))}'`;
	const subscription = subscribeToTx(() =>
		subscriptions.subscribe(context.client, parseQuery(query), {
			event: ({ event }) => {
				if (event.name === EVENT_TX) succeed({ result: event.result, height: event.height });
			},
			// It also ends by `end`, when nobody waits any more.
			ended: (reason) => fail(broadcastFailure(`txSub was canceled (reason: ${reason})`)),
		}),
	);
	cleanUps.push(() => subscriptions.end(subscription));
	// It may fail while CheckTx is under way, when nobody waits for it yet.
	found.catch(() => {});
	cleanUps.push(context.onGone(() => fail(broadcastFailure("the client is gone"))));
	return {
		found,
		startTimeout: () => {
			const timer = timers.after(limits.timeoutBroadcastTxCommit, () => {
				fail(broadcastFailure("timed out waiting for tx to be included in a block"));
			});
			cleanUps.push(() => timer.cancel());
		},
		end: () => {
			for (const cleanUp of cleanUps) cleanUp();
		},
	};
}

function subscribeToTx<T>(subscribe: () => T): T {
	try {
		return subscribe();
	} catch (cause) {
		throw broadcastFailure(`failed to subscribe to tx: ${messageOf(cause)}`, cause);
	}
}

function broadcastFailure(why: string, cause?: unknown): CairnError {
	return new CairnError("broadcast-failed", "operator", why, {}, cause);
}

const unconfirmedTxs = route("unconfirmed_txs", { limit: OPTIONAL_INT }, {}, ({ mempool }, { limit }) => {
	const txs = mempool.reapMaxTxs(perPageOf(limit));
	return (
		`{"n_txs":${jsonInt64(txs.length)},"total":${jsonInt64(mempool.size)},` +
		`"total_bytes":${jsonInt64(mempool.bytes)},"txs":${jsonList(txs, jsonBase64)}}`
	);
});

const numUnconfirmedTxs = route("num_unconfirmed_txs", {}, {}, ({ mempool }) => {
	const size = jsonInt64(mempool.size);
	return `{"n_txs":${size},"total":${size},"total_bytes":${jsonInt64(mempool.bytes)},"txs":null}`;
});

const checkTx = route("check_tx", { tx: TX }, {}, async ({ application }, { tx }) => {
	return jsonTxResult(await application.mempool.checkTx({ tx, type: CHECK_NEW }));
});

const flushMempool = route("unsafe_flush_mempool", {}, { unsafe: true }, ({ mempool }) => {
	mempool.flush();
	return "{}";
});

export const TX_ROUTES: readonly Route[] = [
	route("broadcast_tx_async", { tx: TX }, {}, (environment, { tx }) => broadcastAsync(environment, tx)),
	route("broadcast_tx_sync", { tx: TX }, {}, (environment, { tx }) => broadcastSync(environment, tx)),
	route("broadcast_tx_commit", { tx: TX }, {}, (environment, { tx }, context) => {
		return broadcastCommit(environment, tx, context);
	}),
	checkTx,
	unconfirmedTxs,
	numUnconfirmedTxs,
	flushMempool,
];
