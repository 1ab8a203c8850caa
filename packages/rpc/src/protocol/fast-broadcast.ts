import type { RpcEnvironment } from "../environment.ts";
import { type Json, jsonString } from "../json/text.ts";
import { STRICT_BASE64 } from "../parse/go-bytes.ts";
import { broadcastAsync, broadcastSync } from "../routes/transactions.ts";

/** A broadcast that has begun. */
export interface Broadcast {
	readonly id: Json;
	readonly result: Promise<Json>;
}

const MARK = '"broadcast_tx_';

/**
 * A call of `broadcast_tx_sync` or `broadcast_tx_async` in its plain form, which is nearly all the traffic of a busy node:
 * read by the engine's own parser, and called without looking anything up. Null for everything else, which goes the long
 * way and gets the same answer there.
 */
export function broadcastOf(text: string, environment: RpcEnvironment): Broadcast | null {
	if (!text.includes(MARK)) return null;
	const request = parsed(text);
	if (request === null) return null;
	const { id, method, params } = request;
	const call = method === "broadcast_tx_sync" ? broadcastSync : method === "broadcast_tx_async" ? broadcastAsync : null;
	const idJson = Number.isSafeInteger(id) ? String(id) : typeof id === "string" ? jsonString(id) : null;
	const tx = onlyTx(params);
	if (call === null || idJson === null || tx === null) return null;
	const result = call(environment, tx);
	// It is awaited a little later; until then a refusal is not unhandled.
	result.catch(() => {});
	return { id: idJson, result };
}

/** An object of the usual four members and no others, for names in another case would count too. */
function parsed(text: string): Readonly<Record<string, unknown>> | null {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		return null;
	}
	if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
	const request = value as Record<string, unknown>;
	const isPlain = Object.keys(request).length === 4 && typeof request.jsonrpc === "string";
	return isPlain && "id" in request && "method" in request && "params" in request ? request : null;
}

function onlyTx(params: unknown): Uint8Array | null {
	if (typeof params !== "object" || params === null) return null;
	const { tx } = params as Record<string, unknown>;
	if (typeof tx !== "string" || !STRICT_BASE64.test(tx)) return null;
	return new Uint8Array(Buffer.from(tx, "base64"));
}
