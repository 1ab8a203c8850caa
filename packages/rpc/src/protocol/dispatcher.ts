import { CairnError, messageOf } from "@cairn/kit";
import type { RpcEnvironment } from "../environment.ts";
import type { Json } from "../json/text.ts";
import { GoJson } from "../parse/go-json.ts";
import { type CallContext, isCacheable, type Route } from "../routes/route.ts";
import { UNHEALTHY } from "../routes/status.ts";
import {
	faultAnswer,
	internalFault,
	invalidParams,
	invalidRequest,
	METHOD_NOT_FOUND,
	parseFault,
	type RpcFault,
	successAnswer,
} from "./answers.ts";
import { broadcastOf } from "./fast-broadcast.ts";
import { readParams, readUriParams } from "./params.ts";
import { batchSize, type RpcRequest, readRequest, readRequests } from "./request.ts";

/** What goes back over HTTP. */
export interface HttpAnswer {
	readonly status: number;
	/** Null for none. */
	readonly contentType: string | null;
	/** May be kept by caches for a day. */
	readonly cacheable: boolean;
	readonly body: string;
}

/** The outcome of one call. */
interface CallAnswer {
	readonly json: Json;
	readonly cacheable: boolean;
	/** For HTTP, if this is the only call. */
	readonly status: number;
}

const OK = 200;
const BAD_REQUEST = 400;
const SERVER_ERROR = 500;
const UNAVAILABLE = 503;
/** Id of the answers to URI calls. */
const URI_ID: Json = "-1";
const NOTHING: HttpAnswer = { status: OK, contentType: null, cacheable: false, body: "" };

export interface DispatcherOptions {
	/** `max_request_batch_size`; 0: no limit. */
	readonly maxBatchSize: number;
}

/** Turns requests into calls of routes, and what they say into answers, as rpc/jsonrpc/server does. Never throws. */
export class Dispatcher {
	readonly routes: ReadonlyMap<string, Route>;
	readonly #environment: RpcEnvironment;
	readonly #maxBatchSize: number;

	constructor(routes: ReadonlyMap<string, Route>, environment: RpcEnvironment, options: DispatcherOptions) {
		this.routes = routes;
		this.#environment = environment;
		this.#maxBatchSize = options.maxBatchSize;
	}

	/** The body of a POST to `/`: one call or a batch. */
	async post(text: string, context: CallContext): Promise<HttpAnswer> {
		const broadcast = broadcastOf(text, this.#environment);
		if (broadcast !== null) return jsonAnswer(await this.#finish(broadcast.id, broadcast.result, false, false));
		const tooMany = this.#refuseBatch(text);
		if (tooMany !== null) return tooMany;
		let requests: readonly RpcRequest[];
		try {
			requests = readRequests(text);
		} catch (cause) {
			const fault = parseFault(`error unmarshaling request: ${messageOf(cause)}`);
			return { status: SERVER_ERROR, contentType: JSON_TYPE, cacheable: false, body: faultAnswer(null, fault) };
		}
		const answers: CallAnswer[] = [];
		for (const request of requests) {
			if (request.id !== null) answers.push(await this.#call(request.id, request, context, false));
		}
		return joinAnswers(answers);
	}

	/** An answer for a batch with too many calls, whatever path it is sent to. */
	refuse(text: string): HttpAnswer | null {
		return this.#refuseBatch(text);
	}

	#refuseBatch(text: string): HttpAnswer | null {
		if (this.#maxBatchSize <= 0 || batchSize(text) <= this.#maxBatchSize) return null;
		const why = `batch request exceeds maximum (${this.#maxBatchSize}) allowed number of requests`;
		return { status: OK, contentType: JSON_TYPE, cacheable: false, body: faultAnswer(null, invalidRequest(why)) };
	}

	/** A call in the form `/route?name=value`. @param query values by name, unescaped */
	async uri(route: Route, query: ReadonlyMap<string, string>, context: CallContext): Promise<HttpAnswer> {
		if (route.websocketOnly) return uriFault(404, METHOD_NOT_FOUND);
		let values: readonly unknown[];
		try {
			values = readUriParams(route, query);
		} catch (cause) {
			const why = `error converting http params to arguments: ${messageOf(cause)}`;
			return uriFault(SERVER_ERROR, this.#isOurs(cause) ? internalFault(why) : invalidParams(why));
		}
		try {
			const result = await route.call(this.#environment, values, context);
			const cacheable = isCacheable(route, values, true);
			return { status: OK, contentType: JSON_TYPE, cacheable, body: successAnswer(URI_ID, result) };
		} catch (cause) {
			return uriFault(statusOf(cause) ?? SERVER_ERROR, this.#faultOf(cause));
		}
	}

	/** A WebSocket message. Null where it is not answered. */
	async socket(text: string, contextOf: (id: Json) => CallContext): Promise<Json | null> {
		let request: RpcRequest;
		try {
			request = readRequest(GoJson.parse(text));
		} catch (cause) {
			return faultAnswer(null, parseFault(`error unmarshaling request: ${messageOf(cause)}`));
		}
		if (request.id === null) return null;
		return (await this.#call(request.id, request, contextOf(request.id), true)).json;
	}

	/** A broadcast in a WebSocket message, begun at once; null for anything else. */
	socketBroadcast(text: string): Promise<Json> | null {
		const broadcast = broadcastOf(text, this.#environment);
		return broadcast === null
			? null
			: this.#finish(broadcast.id, broadcast.result, false, false).then(({ json }) => json);
	}

	async #call(id: Json, request: RpcRequest, context: CallContext, overSocket: boolean): Promise<CallAnswer> {
		const route = this.routes.get(request.method);
		if (route === undefined || (route.websocketOnly && !overSocket)) return refusal(id, METHOD_NOT_FOUND);
		let values: readonly unknown[];
		try {
			values = readParams(route, request.params);
		} catch (cause) {
			const why = `error converting json params to arguments: ${messageOf(cause)}`;
			// CometBFT itself has another code for the same fault over WebSocket.
			return refusal(id, overSocket || this.#isOurs(cause) ? internalFault(why) : invalidParams(why));
		}
		const cacheable = isCacheable(route, values, request.params !== null);
		return this.#finish(id, invoke(route, this.#environment, values, context), cacheable, true);
	}

	/** @param keep a failure is as cacheable as success (Go marks the answer before the call) */
	async #finish(id: Json, result: Promise<Json>, cacheable: boolean, keep: boolean): Promise<CallAnswer> {
		try {
			return { json: successAnswer(id, await result), cacheable, status: OK };
		} catch (cause) {
			const status = statusOf(cause);
			const json = faultAnswer(id, this.#faultOf(cause));
			return { json, cacheable: cacheable && keep && status === null, status: status ?? OK };
		}
	}

	#faultOf(cause: unknown): RpcFault {
		this.#isOurs(cause);
		return internalFault(messageOf(cause));
	}

	/** True for what no request should be able to cause: it is logged. */
	#isOurs(cause: unknown): boolean {
		if (cause instanceof CairnError && cause.blame !== "us") return false;
		const stack = cause instanceof Error ? cause.stack : undefined;
		this.#environment.logger.error("a call failed by a mistake of ours", { err: messageOf(cause), stack });
		return true;
	}
}

const JSON_TYPE = "application/json";

/** As a promise in any case. */
async function invoke(
	route: Route,
	environment: RpcEnvironment,
	values: readonly unknown[],
	context: CallContext,
): Promise<Json> {
	return route.call(environment, values, context);
}

function refusal(id: Json, fault: RpcFault): CallAnswer {
	return { json: faultAnswer(id, fault), cacheable: false, status: OK };
}

function uriFault(status: number, fault: RpcFault): HttpAnswer {
	return { status, contentType: JSON_TYPE, cacheable: false, body: faultAnswer(URI_ID, fault) };
}

/** HTTP status of a failure that has one of its own. */
function statusOf(cause: unknown): number | null {
	return cause instanceof CairnError && cause.code === UNHEALTHY ? UNAVAILABLE : null;
}

function jsonAnswer({ json, cacheable, status }: CallAnswer): HttpAnswer {
	return { status, contentType: JSON_TYPE, cacheable, body: json };
}

/** A single answer stands alone, also that of a batch. */
function joinAnswers(answers: readonly CallAnswer[]): HttpAnswer {
	const [first] = answers;
	if (first === undefined) return NOTHING;
	if (answers.length === 1) return jsonAnswer(first);
	const cacheable = answers.every((answer) => answer.cacheable);
	const body = `[${answers.map((answer) => answer.json).join(",")}]`;
	return { status: OK, contentType: JSON_TYPE, cacheable, body };
}

/** The answer to a request whose body could not be read. */
export function unreadableBody(why: string): HttpAnswer {
	const body = faultAnswer(null, invalidRequest(`error reading request body: ${why}`));
	return { status: BAD_REQUEST, contentType: JSON_TYPE, cacheable: false, body };
}
