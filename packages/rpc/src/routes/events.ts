import { CairnError, messageOf } from "@cairn/kit";
import { parseQuery, type Query } from "@cairn/storage";
import type { RpcEnvironment } from "../environment.ts";
import { STRING } from "../parse/param-kinds.ts";
import { type CallContext, type Route, route } from "./route.ts";

/** Longer queries are refused, before they are parsed. */
export const MAX_QUERY_LENGTH = 512;

/** @throws CairnError `too-many-subscriptions` when there are too many clients, or this one has too many subscriptions */
export function checkSubscriptionLimits({ subscriptions, limits }: RpcEnvironment, client: string): void {
	const { maxSubscriptionClients: clients, maxSubscriptionsPerClient: perClient } = limits;
	if (subscriptions.clientCount >= clients) throw tooMany(`max_subscription_clients ${clients} reached`);
	if (subscriptions.countOf(client) >= perClient) throw tooMany(`max_subscriptions_per_client ${perClient} reached`);
}

function tooMany(why: string): CairnError {
	return new CairnError("too-many-subscriptions", "peer", why);
}

/** @throws CairnError `query-too-long` */
export function checkQueryLength(query: string): void {
	if (new TextEncoder().encode(query).length <= MAX_QUERY_LENGTH) return;
	throw new CairnError("query-too-long", "peer", "maximum query length exceeded");
}

function parseSubscription(text: string): Query {
	try {
		return parseQuery(text);
	} catch (cause) {
		throw new CairnError("bad-query", "peer", `failed to parse query: ${messageOf(cause)}`, {}, cause);
	}
}

function subscribe(environment: RpcEnvironment, query: string, context: CallContext): void {
	checkSubscriptionLimits(environment, context.client);
	checkQueryLength(query);
	const parsed = parseSubscription(query);
	if (context.listen === null) {
		throw new CairnError("no-websocket", "peer", "subscriptions need a WebSocket connection");
	}
	context.listen(query, (receiver) => environment.subscriptions.subscribe(context.client, parsed, receiver));
}

export const EVENT_ROUTES: readonly Route[] = [
	route("subscribe", { query: STRING }, { websocketOnly: true }, (environment, { query }, context) => {
		subscribe(environment, query, context);
		return "{}";
	}),
	route("unsubscribe", { query: STRING }, { websocketOnly: true }, ({ subscriptions }, { query }, { client }) => {
		subscriptions.unsubscribe(client, parseSubscription(query));
		return "{}";
	}),
	route("unsubscribe_all", {}, { websocketOnly: true }, ({ subscriptions }, _, { client }) => {
		subscriptions.unsubscribeAll(client);
		return "{}";
	}),
];
