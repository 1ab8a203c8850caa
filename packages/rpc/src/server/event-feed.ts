import { BoundedQueue } from "@cairn/kit";
import { type Json, jsonString } from "../json/text.ts";
import { faultAnswer, serverFault, successAnswer } from "../protocol/answers.ts";
import type { EventReceiver, Occurrence } from "../subscriptions/subscriptions.ts";

/** Where a feed sends its events. */
export interface FrameSink {
	/** False while too many frames wait for the client; `flush` is called when that is over. */
	readonly hasRoom: boolean;
	send(frame: Json): void;
	/** This feed can take no more: its subscription has to end. */
	overflowed(feed: EventFeed): void;
}

/** The events of one subscription on their way to one client, with room for those that it has not taken yet. */
export class EventFeed implements EventReceiver {
	readonly #id: Json;
	readonly #query: Json;
	readonly #sink: FrameSink;
	readonly #waiting: BoundedQueue<Occurrence>;
	#isOver = false;

	/** @param id of the request that subscribed: the events are more answers to it */
	constructor(id: Json, query: string, capacity: number, sink: FrameSink) {
		this.#id = id;
		this.#query = jsonString(query);
		this.#sink = sink;
		this.#waiting = new BoundedQueue(capacity, "refuse-newest");
	}

	get isOver(): boolean {
		return this.#isOver;
	}

	event(occurrence: Occurrence): void {
		if (this.#isOver) return;
		if (this.#waiting.length === 0 && this.#sink.hasRoom) this.#sink.send(this.#frame(occurrence));
		else if (!this.#waiting.push(occurrence)) this.#sink.overflowed(this);
	}

	ended(reason: string | null): void {
		this.#isOver = true;
		this.#waiting.clear();
		// There are few subscriptions, and each ends once: this needs no room.
		if (reason === null) return;
		this.#sink.send(faultAnswer(this.#id, serverFault(`subscription was canceled (reason: ${reason})`)));
	}

	/** Sends what waits, as far as there is room. */
	flush(): void {
		while (this.#sink.hasRoom) {
			const next = this.#waiting.shift();
			if (next === undefined) return;
			this.#sink.send(this.#frame(next));
		}
	}

	#frame({ data, events }: Occurrence): Json {
		return successAnswer(this.#id, `{"query":${this.#query},"data":${data},"events":${events}}`);
	}
}
