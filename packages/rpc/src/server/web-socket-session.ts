import type { Socket } from "node:net";
import { type Logger, messageOf } from "@cairn/kit";
import type { RawData, WebSocket } from "ws";
import type { Json } from "../json/text.ts";
import type { Dispatcher } from "../protocol/dispatcher.ts";
import type { CallContext } from "../routes/route.ts";
import type { Subscription, Subscriptions } from "../subscriptions/subscriptions.ts";
import { EventFeed, type FrameSink } from "./event-feed.ts";

export interface SessionParts {
	readonly dispatcher: Dispatcher;
	readonly subscriptions: Subscriptions;
	readonly logger: Logger;
	/** Events that may wait for one subscription. */
	readonly subscriptionBufferSize: number;
	/** Frames that may wait for the socket. */
	readonly writeBufferSize: number;
	readonly closeOnSlowClient: boolean;
}

// As CometBFT (rpc/jsonrpc/server/ws_handler.go), in milliseconds.
/** A client that is not heard of for so long, not even by a pong, is gone. */
const READ_WAIT = 30_000;
/** A client that takes nothing of what is sent for so long is gone. */
const WRITE_WAIT = 10_000;
const PING_PERIOD = 27_000;

/** Requests of one client that may be under way; beyond, its socket is not read. */
const MAX_IN_FLIGHT = 256;
const MAX_IN_FLIGHT_BYTES = 4 * 1024 * 1024;
// Codes of WebSocket's close frame.
const GOING_AWAY = 1001;
const POLICY_VIOLATION = 1008;

/**
 * One WebSocket client. Its requests are answered in the order in which they came; broadcasts of transactions are begun as
 * they come, everything else when what came before has been answered.
 */
export class WebSocketSession implements FrameSink {
	readonly #socket: WebSocket;
	/** What the frames travel on. */
	readonly #stream: Socket;
	readonly #client: string;
	readonly #parts: SessionParts;
	readonly #feeds = new Map<EventFeed, Subscription>();
	readonly #goneListeners = new Set<() => void>();
	#tail: Promise<void> = Promise.resolve();
	#inFlight = 0;
	#inFlightBytes = 0;
	/** Frames that the operating system has not taken yet. */
	#pending = 0;
	#whenRoom: (() => void) | null = null;
	#heardAt = performance.now();
	#progressAt = performance.now();
	#pingedAt = performance.now();
	#isCorked = false;
	#isGone = false;

	constructor(socket: WebSocket, stream: Socket, client: string, parts: SessionParts) {
		this.#socket = socket;
		this.#stream = stream;
		this.#client = client;
		this.#parts = parts;
		socket.on("message", (data) => this.#received(data));
		socket.on("pong", () => this.#heard());
		socket.on("ping", () => this.#heard());
		socket.on("close", () => this.#closed());
		socket.on("error", (cause) => parts.logger.debug("WebSocket failed", { remote: client, err: cause.message }));
	}

	/** Looks after the connection; to be called every second or so. */
	tick(now: number): void {
		// While it is not read on purpose, nothing can be heard of it.
		const isSilent = now - this.#heardAt > READ_WAIT && !this.#socket.isPaused;
		if (isSilent || (this.#pending > 0 && now - this.#progressAt > WRITE_WAIT)) {
			this.#parts.logger.info("a WebSocket client does not answer", { remote: this.#client });
			this.#socket.terminate();
		} else if (now - this.#pingedAt >= PING_PERIOD) {
			this.#pingedAt = now;
			this.#socket.ping();
		}
	}

	/** Takes leave; cut off by `terminate` if the client does not. */
	close(): void {
		this.#socket.close(GOING_AWAY);
	}

	terminate(): void {
		this.#socket.terminate();
	}

	// ------------------------------------------------------------------------------------------------ requests

	#heard(): void {
		this.#heardAt = performance.now();
	}

	#received(data: RawData): void {
		this.#heard();
		const text = (data as Buffer).toString("utf8");
		this.#inFlight++;
		this.#inFlightBytes += text.length;
		if (this.#inFlight >= MAX_IN_FLIGHT || this.#inFlightBytes >= MAX_IN_FLIGHT_BYTES) this.#socket.pause();
		const begun = this.#parts.dispatcher.socketBroadcast(text);
		this.#tail = this.#tail
			.then(() => begun ?? this.#parts.dispatcher.socket(text, (id) => this.#contextOf(id)))
			.then((answer) => this.#answered(answer, text.length))
			.catch((cause: unknown) => {
				this.#parts.logger.error("a WebSocket request failed", { remote: this.#client, err: messageOf(cause) });
				this.#socket.terminate();
			});
	}

	async #answered(answer: Json | null, length: number): Promise<void> {
		if (answer !== null) await this.#answer(answer);
		this.#inFlight--;
		this.#inFlightBytes -= length;
		if (this.#inFlight >= MAX_IN_FLIGHT / 2 || this.#inFlightBytes >= MAX_IN_FLIGHT_BYTES) return;
		if (this.#socket.isPaused) this.#resume();
	}

	#resume(): void {
		this.#heard();
		this.#socket.resume();
	}

	/** Waits for room, so that a client that only asks is not read on. */
	async #answer(answer: Json): Promise<void> {
		if (!this.hasRoom && !this.#isGone) {
			await new Promise<void>((resolve) => {
				this.#whenRoom = resolve;
			});
		}
		this.send(answer);
	}

	#contextOf(id: Json): CallContext {
		return {
			client: this.#client,
			listen: (query, register) => {
				const feed = new EventFeed(id, query, this.#parts.subscriptionBufferSize, this);
				this.#feeds.set(feed, register(feed));
			},
			isGone: () => this.#isGone,
			onGone: (listener) => {
				this.#goneListeners.add(listener);
				return () => this.#goneListeners.delete(listener);
			},
		};
	}

	#closed(): void {
		this.#isGone = true;
		this.#parts.subscriptions.dropClient(this.#client);
		this.#feeds.clear();
		for (const listener of this.#goneListeners) listener();
		this.#whenRoom?.();
	}

	// ------------------------------------------------------------------------------------------------ frames

	get hasRoom(): boolean {
		return this.#pending < this.#parts.writeBufferSize;
	}

	send(frame: Json): void {
		if (this.#isGone) return;
		if (this.#pending === 0) this.#progressAt = performance.now();
		this.#pending++;
		this.#cork();
		this.#socket.send(frame, () => this.#sent());
	}

	/** Frames of one turn of the event loop go to the operating system together. */
	#cork(): void {
		if (this.#isCorked) return;
		this.#isCorked = true;
		this.#stream.cork();
		process.nextTick(() => {
			this.#isCorked = false;
			this.#stream.uncork();
		});
	}

	#sent(): void {
		this.#pending--;
		this.#progressAt = performance.now();
		if (!this.hasRoom) return;
		this.#whenRoom?.();
		this.#whenRoom = null;
		for (const feed of this.#feeds.keys()) {
			if (feed.isOver) this.#feeds.delete(feed);
			else feed.flush();
		}
	}

	overflowed(feed: EventFeed): void {
		const subscription = this.#feeds.get(feed);
		this.#feeds.delete(feed);
		if (subscription === undefined) return;
		this.#parts.logger.info("a WebSocket client reads too slowly", { remote: this.#client, query: subscription.text });
		this.#parts.subscriptions.end(subscription, "internal subscription event buffer is out of capacity");
		if (this.#parts.closeOnSlowClient) this.#socket.close(POLICY_VIOLATION, "slow client");
	}
}
