import type { ChainEvent, EventBus } from "@cairn/chain";
import { BoundedQueue, CairnError, type Timers } from "@cairn/kit";
import { type EventMap, matchesEvents, type Query, queryToString } from "@cairn/storage";
import { jsonEventData, jsonEventMap } from "../json/events.ts";
import type { Json } from "../json/text.ts";
import { BucketIndex } from "./bucket-index.ts";
import { eventMapOf } from "./event-map.ts";

/** An event on its way to subscribers. Its JSON is made once, when the first of them asks for it. */
export class Occurrence {
	readonly event: ChainEvent;
	readonly map: EventMap;
	#data: Json | undefined;
	#events: Json | undefined;

	constructor(event: ChainEvent) {
		this.event = event;
		this.map = eventMapOf(event);
	}

	/** `data` of the answer. */
	get data(): Json {
		this.#data ??= jsonEventData(this.event);
		return this.#data;
	}

	/** `events` of the answer. */
	get events(): Json {
		this.#events ??= jsonEventMap(this.map);
		return this.#events;
	}
}

/** What is called for a subscription. Must neither throw nor take long. */
export interface EventReceiver {
	event(occurrence: Occurrence): void;
	/** The subscription is over. @param reason null if the client asked for it */
	ended(reason: string | null): void;
}

export interface Subscription {
	readonly client: string;
	/** In normal form: what tells the subscriptions of a client apart. */
	readonly text: string;
	readonly query: Query;
	readonly receiver: EventReceiver;
}

/** Events that may wait for the end of the turn they were published in. */
const MAX_WAITING = 4096;

/**
 * Who wants to hear of which events (libs/pubsub). Clients are told apart by their address, and their subscriptions by
 * the query. Events are matched after the turn in which they were published, so that consensus does not wait for it.
 */
export class Subscriptions {
	readonly #bus: EventBus;
	readonly #timers: Timers;
	readonly #clients = new Map<string, Map<string, Subscription>>();
	readonly #index = new BucketIndex<Subscription>();
	readonly #waiting = new BoundedQueue<ChainEvent>(MAX_WAITING, "refuse-newest");
	#leaveBus: (() => void) | null = null;
	#isScheduled = false;

	constructor(bus: EventBus, timers: Timers) {
		this.#bus = bus;
		this.#timers = timers;
	}

	/** Clients that have a subscription. */
	get clientCount(): number {
		return this.#clients.size;
	}

	countOf(client: string): number {
		return this.#clients.get(client)?.size ?? 0;
	}

	/** @throws CairnError `already-subscribed` */
	subscribe(client: string, query: Query, receiver: EventReceiver): Subscription {
		const text = queryToString(query);
		const own = this.#clients.get(client) ?? new Map<string, Subscription>();
		if (own.has(text)) throw new CairnError("already-subscribed", "peer", "already subscribed");
		const subscription = { client, text, query, receiver };
		own.set(text, subscription);
		this.#clients.set(client, own);
		this.#index.add(query, subscription);
		this.#leaveBus ??= this.#bus.subscribe((event) => this.#published(event));
		return subscription;
	}

	/** @throws CairnError `not-subscribed` */
	unsubscribe(client: string, query: Query): void {
		const subscription = this.#clients.get(client)?.get(queryToString(query));
		if (subscription === undefined) throw notSubscribed();
		this.end(subscription);
	}

	/** @throws CairnError `not-subscribed` if the client has no subscription */
	unsubscribeAll(client: string): void {
		if (!this.dropClient(client)) throw notSubscribed();
	}

	/** Ends all subscriptions of a client. False if there were none. */
	dropClient(client: string): boolean {
		const own = this.#clients.get(client);
		for (const subscription of [...(own?.values() ?? [])]) this.end(subscription);
		return own !== undefined;
	}

	/** Ends one subscription. Fine if it has ended before. @param reason null if the client asked for it */
	end(subscription: Subscription, reason: string | null = null): void {
		const own = this.#clients.get(subscription.client);
		if (own?.get(subscription.text) !== subscription) return;
		own.delete(subscription.text);
		this.#index.remove(subscription.query, subscription);
		if (own.size === 0) this.#clients.delete(subscription.client);
		if (this.#clients.size === 0) this.#leave();
		subscription.receiver.ended(reason);
	}

	#leave(): void {
		this.#leaveBus?.();
		this.#leaveBus = null;
		this.#waiting.clear();
	}

	/** Ends all subscriptions and tells why. */
	cancelAll(reason: string): void {
		for (const own of [...this.#clients.values()]) {
			for (const subscription of [...own.values()]) this.end(subscription, reason);
		}
	}

	#published(event: ChainEvent): void {
		if (!this.#index.mayWant(event.name)) return;
		// Should nobody take events for so long, the publisher has to wait: nothing is lost, nor does it pile up.
		if (!this.#waiting.push(event)) {
			this.#deliverWaiting();
			this.#waiting.push(event);
		}
		if (this.#isScheduled) return;
		this.#isScheduled = true;
		this.#timers.after(0, () => {
			this.#isScheduled = false;
			this.#deliverWaiting();
		});
	}

	#deliverWaiting(): void {
		for (let event = this.#waiting.shift(); event !== undefined; event = this.#waiting.shift()) this.#deliver(event);
	}

	#deliver(event: ChainEvent): void {
		let occurrence: Occurrence | null = null;
		for (const subscription of this.#index.candidates(event)) {
			occurrence ??= new Occurrence(event);
			if (matchesEvents(subscription.query, occurrence.map)) subscription.receiver.event(occurrence);
		}
	}
}

function notSubscribed(): CairnError {
	return new CairnError("not-subscribed", "peer", "subscription not found");
}
