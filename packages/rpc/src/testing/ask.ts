// Shared by the tests of this package; holds no tests itself.
import type { RpcEnvironment } from "../environment.ts";
import { Dispatcher } from "../protocol/dispatcher.ts";
import type { CallContext } from "../routes/route.ts";
import { routeTable } from "../routes/table.ts";
import { HTTP_CALLER, request } from "./calls.ts";

/** What a call came to: the result, or the error's `data`. */
export type Outcome = { readonly result: unknown } | { readonly fault: string };

/** Calls a route of this environment without a server. */
export async function ask(
	environment: RpcEnvironment,
	method: string,
	params: object = {},
	context: CallContext = HTTP_CALLER,
): Promise<Outcome> {
	const dispatcher = new Dispatcher(routeTable(true), environment, { maxBatchSize: 0 });
	const { body } = await dispatcher.post(request(method, params), context);
	const answer = JSON.parse(body) as { readonly result?: unknown; readonly error?: { readonly data: string } };
	return answer.error === undefined ? { result: answer.result } : { fault: answer.error.data };
}
