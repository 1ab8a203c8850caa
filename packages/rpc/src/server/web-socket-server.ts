import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { WebSocketServer as Acceptor } from "ws";
import { addressOf } from "./http-handler.ts";
import { type SessionParts, WebSocketSession } from "./web-socket-session.ts";

const TICK_PERIOD = 1_000;
/** Milliseconds that clients have to take leave when the server stops. */
const FAREWELL = 1_000;

/** All WebSocket clients. */
export class WebSocketServer {
	readonly #acceptor: Acceptor;
	readonly #parts: SessionParts;
	readonly #sessions = new Set<WebSocketSession>();
	readonly #ticker: NodeJS.Timeout;

	/** @param maxMessageBytes a client that sends more in one message is disconnected */
	constructor(maxMessageBytes: number, parts: SessionParts) {
		this.#parts = parts;
		this.#acceptor = new Acceptor({
			noServer: true,
			maxPayload: maxMessageBytes,
			perMessageDeflate: false,
			clientTracking: false,
		});
		this.#ticker = setInterval(() => {
			const now = performance.now();
			for (const session of this.#sessions) session.tick(now);
		}, TICK_PERIOD);
		this.#ticker.unref();
	}

	/** Takes over a connection that asked for it; refuses it where the request is malformed. */
	upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
		const client = addressOf(socket);
		this.#acceptor.handleUpgrade(request, socket, head, (webSocket) => {
			const session = new WebSocketSession(webSocket, socket, client, this.#parts);
			this.#sessions.add(session);
			webSocket.once("close", () => this.#sessions.delete(session));
			this.#parts.logger.info("New websocket connection", { remote: client });
		});
	}

	/** Takes leave of all clients. */
	async close(): Promise<void> {
		clearInterval(this.#ticker);
		const open = [...this.#sessions];
		for (const session of open) session.close();
		if (open.length > 0) await this.#untilAllGone();
		for (const session of this.#sessions) session.terminate();
	}

	#untilAllGone(): Promise<void> {
		return new Promise((resolve) => {
			const started = performance.now();
			const timer = setInterval(() => {
				if (this.#sessions.size > 0 && performance.now() - started < FAREWELL) return;
				clearInterval(timer);
				resolve();
			}, 10);
		});
	}
}
