import type { RpcEnvironment } from "../environment.ts";
import type { Json } from "../json/text.ts";
import type { ParamKind } from "../parse/param-kinds.ts";
import type { EventReceiver, Subscription } from "../subscriptions/subscriptions.ts";

/** Who calls, and how to reach them. */
export interface CallContext {
	/** `ip:port` of the client: what its subscriptions are counted by. */
	readonly client: string;
	/**
	 * Sends the client the events of a subscription as answers to this request; `register` enters the receiver that it is
	 * given. Null where the client cannot be called back (HTTP).
	 */
	readonly listen: ((query: string, register: (receiver: EventReceiver) => Subscription) => void) | null;
	/** True once the client has gone: what it asked for need not be completed. */
	isGone(): boolean;
	/** Calls when the client goes; returns the function that ends that. */
	onGone(listener: () => void): () => void;
}

export interface RouteParam {
	readonly name: string;
	readonly kind: ParamKind<unknown>;
	/** Answers are not cached when this one is not given: they are about the latest block then. */
	readonly latestIfAbsent: boolean;
}

/** One method of the API, as it stands in the table of routes. */
export interface Route {
	readonly name: string;
	readonly params: readonly RouteParam[];
	/** Answers may be kept by caches for a day. */
	readonly cacheable: boolean;
	readonly websocketOnly: boolean;
	/** Only offered with `rpc.unsafe`. */
	readonly unsafe: boolean;
	/** @param values one for each of `params`. @throws CairnError whose message is the answer's `data` */
	readonly call: RouteCall;
}

export type RouteCall = (
	environment: RpcEnvironment,
	values: readonly unknown[],
	context: CallContext,
) => Json | Promise<Json>;

export interface RouteOptions {
	/** Cached, but not when one of these parameters is not given. */
	readonly cache?: readonly string[];
	readonly websocketOnly?: boolean;
	readonly unsafe?: boolean;
}

type Params = Readonly<Record<string, ParamKind<unknown>>>;
type ValuesOf<P extends Params> = { readonly [K in keyof P]: P[K] extends ParamKind<infer T> ? T : never };

/** A route whose function gets its parameters by name, typed by their kinds. */
export function route<P extends Params>(
	name: string,
	params: P,
	options: RouteOptions,
	call: (environment: RpcEnvironment, values: ValuesOf<P>, context: CallContext) => Json | Promise<Json>,
): Route {
	const names = Object.keys(params);
	return {
		name,
		params: names.map((each) => ({
			name: each,
			kind: params[each] as ParamKind<unknown>,
			latestIfAbsent: options.cache?.includes(each) === true,
		})),
		cacheable: options.cache !== undefined,
		websocketOnly: options.websocketOnly === true,
		unsafe: options.unsafe === true,
		call: (environment, values, context) => {
			const byName: Record<string, unknown> = {};
			for (const [index, each] of names.entries()) byName[each] = values[index];
			return call(environment, byName as ValuesOf<P>, context);
		},
	};
}

/** True if the answer to these values may be cached. @param given false when the request had no parameters at all */
export function isCacheable({ cacheable, params }: Route, values: readonly unknown[], given: boolean): boolean {
	return (
		cacheable &&
		params.every(({ kind, latestIfAbsent }, index) => !latestIfAbsent || (given && !kind.isZero(values[index])))
	);
}
