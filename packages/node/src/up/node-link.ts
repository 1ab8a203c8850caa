import { CairnError, type Timers } from "@cairn/kit";
import { WebSocket } from "ws";
import { listAt, numberAt, textAt, valueAt } from "./json-value.ts";
import { answerError } from "./rpc-client.ts";

/** A block as a node announced it. */
export interface AnnouncedBlock {
	readonly height: number;
	readonly txs: readonly AnnouncedTx[];
}

/** A transaction of a block, with the application's word on it. */
export interface AnnouncedTx {
	/** Base64. */
	readonly tx: string;
	readonly code: number;
	readonly codespace: string;
	readonly log: string;
}

/** What the mempool's check said of a transaction. */
export interface CheckAnswer {
	readonly code: number;
	readonly codespace: string;
	readonly log: string;
}

export interface NodeLinkEvents {
	block(block: AnnouncedBlock): void;
}

const RETRY_MS = 500;
const CALL_TIMEOUT_MS = 10_000;
const NEW_BLOCKS = "tm.event='NewBlock'";

interface Waiting {
	readonly resolve: (result: unknown) => void;
	readonly reject: (error: CairnError) => void;
}

/** A WebSocket to one node's RPC that comes back by itself: carries transactions there and news of blocks here. */
export class NodeLink {
	readonly #address: string;
	readonly #timers: Timers;
	readonly #events: NodeLinkEvents;
	readonly #waiting = new Map<number, Waiting>();
	#socket: WebSocket | null = null;
	#nextId = 1;
	#connected = false;
	#stopped = false;
	#cancelRetry = (): void => {};

	/** @param address `host:port` of the RPC */
	constructor(address: string, timers: Timers, events: NodeLinkEvents) {
		this.#address = address;
		this.#timers = timers;
		this.#events = events;
	}

	/** Whether calls can be sent now. */
	get connected(): boolean {
		return this.#connected;
	}

	/** Dials, and goes on dialling until `stop`. */
	start(): void {
		const socket = new WebSocket(`ws://${this.#address}/websocket`, { perMessageDeflate: false });
		this.#socket = socket;
		socket.on("open", () => this.#opened());
		socket.on("message", (data) => this.#received(String(data)));
		// An error is followed by a close.
		socket.on("error", () => {});
		socket.on("close", () => this.#closed());
	}

	stop(): void {
		this.#stopped = true;
		this.#cancelRetry();
		this.#socket?.terminate();
		this.#closed();
	}

	/**
	 * Hands a transaction to the node; resolves with what its mempool says of it. @throws CairnError `rpc-link` where the
	 * link breaks or the node is silent (it may have the transaction all the same), `rpc-refused` where it takes none
	 */
	async broadcast(tx: string): Promise<CheckAnswer> {
		const result = await this.#call("broadcast_tx_sync", { tx });
		return { code: numberAt(result, "code"), codespace: textAt(result, "codespace"), log: textAt(result, "log") };
	}

	#call(method: string, params: Readonly<Record<string, unknown>>): Promise<unknown> {
		const socket = this.#socket;
		if (!this.#connected || socket === null) return Promise.reject(this.#broken("it is not connected"));
		const id = this.#nextId++;
		return new Promise((resolve, reject) => {
			const timer = this.#timers.after(CALL_TIMEOUT_MS, () => settle(() => reject(this.#broken("it does not answer"))));
			const settle = (end: () => void): void => {
				timer.cancel();
				this.#waiting.delete(id);
				end();
			};
			this.#waiting.set(id, {
				resolve: (result) => settle(() => resolve(result)),
				reject: (error) => settle(() => reject(error)),
			});
			socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
		});
	}

	#opened(): void {
		this.#connected = true;
		// Where it cannot be had, blocks are still found by other nodes' links.
		this.#call("subscribe", { query: NEW_BLOCKS }).catch(() => this.#socket?.terminate());
	}

	#closed(): void {
		this.#connected = false;
		this.#socket = null;
		for (const { reject } of [...this.#waiting.values()]) reject(this.#broken("the connection closed"));
		if (this.#stopped) return;
		this.#cancelRetry();
		const timer = this.#timers.after(RETRY_MS, () => this.start());
		this.#cancelRetry = () => timer.cancel();
	}

	#received(text: string): void {
		let message: unknown;
		try {
			message = JSON.parse(text);
		} catch {
			this.#socket?.terminate();
			return;
		}
		const block = announcedBlock(valueAt(message, "result"));
		if (block !== null) {
			this.#events.block(block);
			return;
		}
		const waiting = this.#waiting.get(numberAt(message, "id"));
		const result = valueAt(message, "result");
		if (result !== undefined) waiting?.resolve(result);
		else if (waiting === undefined) {
			// The node ended our subscription: a new connection subscribes anew.
			this.#socket?.terminate();
		} else waiting.reject(new CairnError("rpc-refused", "operator", answerError(message), { address: this.#address }));
	}

	#broken(what: string): CairnError {
		return new CairnError("rpc-link", "operator", `the link to the node at ${this.#address}: ${what}`);
	}
}

/** The block of a NewBlock event; null for any other answer. */
export function announcedBlock(result: unknown): AnnouncedBlock | null {
	if (textAt(result, "data", "type") !== "tendermint/event/NewBlock") return null;
	const value = valueAt(result, "data", "value");
	const results = listAt(value, "result_finalize_block", "tx_results");
	return blockOf(valueAt(value, "block"), results);
}

/** A block and the results of its transactions, as `block` and `block_results` also give them. */
export function blockOf(block: unknown, results: readonly unknown[]): AnnouncedBlock {
	const txs = listAt(block, "data", "txs").map((tx, index) => ({
		tx: typeof tx === "string" ? tx : "",
		code: numberAt(results, index, "code"),
		codespace: textAt(results, index, "codespace"),
		log: textAt(results, index, "log"),
	}));
	return { height: numberAt(block, "header", "height"), txs };
}
