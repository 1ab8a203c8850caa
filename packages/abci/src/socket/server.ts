import { type Connection, type Logger, messageOf, type Network, silentLogger } from "@cairn/kit";
import { abci, encodeDelimited } from "@cairn/types/proto";
import type { Application } from "../application.ts";
import { CallQueue } from "../call-queue.ts";
import { serve } from "../local-client.ts";
import { FrameReader, MAX_MESSAGE_BYTES, writeFrames } from "./framing.ts";

/** An application that listens. */
export interface AbciServer {
	/** Where it really listens: `ip:port`, or the path of a unix socket. */
	readonly address: string;
	/** Stops listening and closes every connection; the application itself stays open. */
	close(): Promise<void>;
}

export interface SocketServerOptions {
	readonly network: Network;
	/** `tcp://host:port` or `unix://path`. */
	readonly address: string;
	readonly application: Application;
	readonly logger?: Logger;
	/** Connections at a time (a node has four); more are closed at once. Default 64. */
	readonly maxConnections?: number;
	/** Greatest message that is read. */
	readonly messageBytes?: number;
}

/** Reading pauses while so many requests wait on one connection. */
const WAITING_REQUESTS = 1000;
/** Answers are written when so many bytes have gathered, even before a Flush. */
const GATHERED_BYTES = 64 * 1024;

type Response = NonNullable<abci.Response["value"]>;

/** One node's connection: requests in, answers out, in order. */
class ServedConnection {
	readonly #connection: Connection;
	readonly #application: Application;
	readonly #queue: CallQueue;
	readonly #logger: Logger;
	readonly #reader: FrameReader;
	#requests: abci.Request[] = [];
	#next = 0;
	#frames: Uint8Array[] = [];
	#frameBytes = 0;
	#working = false;
	#paused = false;
	#closed = false;
	#drained: (() => void) | undefined;
	onClose: () => void = () => {};

	constructor(connection: Connection, options: SocketServerOptions, queue: CallQueue, logger: Logger) {
		this.#connection = connection;
		this.#application = options.application;
		this.#queue = queue;
		this.#logger = logger;
		this.#reader = new FrameReader(options.messageBytes ?? MAX_MESSAGE_BYTES);
		connection.onDrain = () => this.#drained?.();
		connection.onClose = (error) => {
			if (error !== undefined) logger.error("Connection error", { error: error.message });
			this.#finish();
		};
		connection.onData = (bytes) => this.#receive(bytes);
	}

	close(): void {
		this.#finish();
		this.#connection.destroy();
	}

	#finish(): void {
		if (this.#closed) return;
		this.#closed = true;
		this.#requests = [];
		this.#next = 0;
		this.#drained?.();
		this.onClose();
	}

	#receive(bytes: Uint8Array): void {
		if (this.#closed) return;
		try {
			this.#reader.push(bytes, (message) => this.#requests.push(abci.Request.decode(message)));
		} catch (cause) {
			this.#logger.error("Connection error", { error: `error reading message: ${messageOf(cause)}` });
			this.close();
			return;
		}
		if (!this.#paused && this.#requests.length - this.#next > WAITING_REQUESTS) {
			this.#paused = true;
			this.#connection.pause();
		}
		if (!this.#working) void this.#work();
	}

	async #work(): Promise<void> {
		this.#working = true;
		while (!this.#closed) {
			const request = this.#requests[this.#next];
			if (request === undefined) break;
			this.#next++;
			await this.#serve(request);
			if (this.#next === this.#requests.length) this.#resume();
		}
		this.#working = false;
	}

	/** All that was read has been served: read on. */
	#resume(): void {
		this.#requests = [];
		this.#next = 0;
		if (!this.#paused) return;
		this.#paused = false;
		this.#connection.resume();
	}

	async #serve(request: abci.Request): Promise<void> {
		const arm = request.value;
		if (arm === null) return this.#throw("unknown request from client");
		let response: Response;
		try {
			const value = await serve(this.#application, this.#queue, arm.kind, arm.value);
			response = { kind: arm.kind, value } as Response;
		} catch (cause) {
			return this.#throw(messageOf(cause));
		}
		const isLast = this.#next === this.#requests.length;
		await this.#answer(response, arm.kind === "flush" || isLast);
	}

	/** As CometBFT's server: the node gets the text, then the connection ends. */
	async #throw(error: string): Promise<void> {
		this.#logger.error("the application failed; closing the connection", { error });
		await this.#answer({ kind: "exception", value: { error } }, true);
		if (this.#closed) return;
		this.#finish();
		this.#connection.end();
	}

	async #answer(response: Response, isDue: boolean): Promise<void> {
		if (this.#closed) return;
		const frame = encodeDelimited(abci.Response.encode({ value: response }));
		this.#frames.push(frame);
		this.#frameBytes += frame.length;
		if (!isDue && this.#frameBytes < GATHERED_BYTES) return;
		const frames = this.#frames;
		this.#frames = [];
		this.#frameBytes = 0;
		if (writeFrames(this.#connection, frames)) return;
		// The node does not read: wait, so that answers do not pile up here.
		await new Promise<void>((resolve) => {
			this.#drained = resolve;
		});
		this.#drained = undefined;
	}
}

/**
 * Lets nodes (CometBFT's or ours) reach an application over CometBFT's socket protocol. Calls of all connections are
 * serialised, as in abci/server/socket_server.go. @throws CairnError of the network when it cannot listen
 */
export async function serveSocket(options: SocketServerOptions): Promise<AbciServer> {
	const logger = (options.logger ?? silentLogger).child({ module: "abci-server" });
	const maxConnections = options.maxConnections ?? 64;
	const queue = new CallQueue();
	const connections = new Set<ServedConnection>();
	let isClosed = false;
	const listener = await options.network.listen(options.address, (connection) => {
		if (isClosed || connections.size >= maxConnections) {
			logger.warn("refused a connection: too many", { remote: connection.remoteAddress, maxConnections });
			connection.destroy();
			return;
		}
		const served = new ServedConnection(connection, options, queue, logger);
		connections.add(served);
		served.onClose = () => {
			connections.delete(served);
		};
	});
	logger.info("listening for nodes", { address: listener.address });
	return {
		address: listener.address,
		close: async () => {
			isClosed = true;
			await listener.close();
			for (const connection of [...connections]) connection.close();
		},
	};
}
