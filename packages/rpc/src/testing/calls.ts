// Shared by the tests of this package; holds no tests itself.
import type { CallContext } from "../routes/route.ts";

/** A caller over HTTP that stays. */
export const HTTP_CALLER: CallContext = {
	client: "127.0.0.1:5",
	listen: null,
	isGone: () => false,
	onGone: () => () => {},
};

/** A JSON-RPC request with id 1. */
export function request(method: string, params: unknown = {}): string {
	return JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
}
