import { CairnError, messageOf } from "@cairn/kit";
import { listAt, numberAt, textAt, valueAt } from "./json-value.ts";

/** One call of a node's RPC. */
export interface RpcCall {
	readonly method: string;
	readonly params?: Readonly<Record<string, unknown>>;
}

/** Largest number of calls in a batch that nodes take by default (`rpc.max_request_batch_size`). */
export const BATCH_SIZE = 10;

/** The node's own error in an answer, as text: data where there is some, else the message. */
export function answerError(answer: unknown): string {
	const data = textAt(answer, "error", "data");
	return data === "" ? textAt(answer, "error", "message") || "an answer without result" : data;
}

function rpcError(address: string, method: string, what: string, cause?: unknown): CairnError {
	return new CairnError("rpc", "operator", `${method} of the node at ${address}: ${what}`, { address, method }, cause);
}

/** The RPC of one node over HTTP. */
export class RpcClient {
	readonly #address: string;

	/** @param address `host:port` */
	constructor(address: string) {
		this.#address = address;
	}

	/** One call; its result. @throws CairnError `rpc` where the node is silent, or answers with an error */
	async call(call: RpcCall, timeoutMs: number): Promise<unknown> {
		const [result] = await this.batch([call], timeoutMs);
		return result;
	}

	/** Up to `BATCH_SIZE` calls at once; their results in order. @throws CairnError `rpc` where any of them fails */
	async batch(calls: readonly RpcCall[], timeoutMs: number): Promise<readonly unknown[]> {
		const requests = calls.map(({ method, params = {} }, id) => ({ jsonrpc: "2.0", id, method, params }));
		const method = calls[0]?.method ?? "";
		const body: unknown = await this.#post(method, requests.length === 1 ? requests[0] : requests, timeoutMs);
		// A batch of one answer comes as that answer alone.
		const answers = Array.isArray(body) ? listAt(body) : [body];
		const byId = new Map(answers.map((answer) => [numberAt(answer, "id"), answer]));
		return requests.map(({ id, method: each }) => {
			const answer = byId.get(id);
			const result = valueAt(answer, "result");
			if (result === undefined) throw rpcError(this.#address, each, answerError(answer));
			return result;
		});
	}

	async #post(method: string, request: unknown, timeoutMs: number): Promise<unknown> {
		try {
			const response = await fetch(`http://${this.#address}/`, {
				method: "POST",
				headers: { "Content-Type": "application/json" },
				body: JSON.stringify(request),
				signal: AbortSignal.timeout(timeoutMs),
			});
			return JSON.parse(await response.text()) as unknown;
		} catch (cause) {
			// fetch hides what went wrong behind "fetch failed".
			const reason = cause instanceof Error && cause.cause !== undefined ? messageOf(cause.cause) : messageOf(cause);
			throw rpcError(this.#address, method, reason, cause);
		}
	}
}
