import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { numberAt, textAt, valueAt } from "../json-value.ts";

/** What the fake node answers: a result, or an error where it throws one. */
export type Answer = (method: string, params: unknown) => unknown;

/** A node's RPC without a node: JSON-RPC over HTTP and WebSocket on a free port. For tests only. */
export class FakeNode {
	answer: Answer;
	/** Methods that were called, in order. */
	readonly calls: string[] = [];
	readonly #server: Server;
	readonly #sockets: WebSocketServer;
	readonly #clients = new Set<WebSocket>();
	readonly #waiting: (() => void)[] = [];

	private constructor(answer: Answer) {
		this.answer = answer;
		this.#server = createServer((request, response) => {
			let body = "";
			request.setEncoding("utf8");
			request.on("data", (text: string) => {
				body += text;
			});
			request.on("end", () => {
				const parsed: unknown = JSON.parse(body);
				const answers = Array.isArray(parsed) ? parsed.map((each) => this.#answer(each)) : this.#answer(parsed);
				response.setHeader("Content-Type", "application/json");
				response.end(JSON.stringify(Array.isArray(answers) && answers.length === 1 ? answers[0] : answers));
			});
		});
		this.#sockets = new WebSocketServer({ server: this.#server, path: "/websocket" });
		this.#sockets.on("connection", (socket) => {
			this.#clients.add(socket);
			socket.on("close", () => this.#clients.delete(socket));
			socket.on("message", (data) => {
				const answer = this.#answer(JSON.parse(String(data)));
				if (answer !== undefined) socket.send(JSON.stringify(answer));
				for (const wake of this.#waiting.splice(0)) wake();
			});
		});
	}

	static async start(answer: Answer, port = 0): Promise<FakeNode> {
		const node = new FakeNode(answer);
		await new Promise<void>((resolve) => node.#server.listen(port, "127.0.0.1", resolve));
		return node;
	}

	get port(): number {
		return (this.#server.address() as AddressInfo).port;
	}

	get address(): string {
		return `127.0.0.1:${this.port}`;
	}

	/** Resolves when the next message has come over a WebSocket and was answered. */
	nextMessage(): Promise<void> {
		return new Promise((resolve) => this.#waiting.push(resolve));
	}

	/** Sends a message to all WebSockets. */
	push(message: unknown): void {
		for (const socket of this.#clients) socket.send(typeof message === "string" ? message : JSON.stringify(message));
	}

	/** Breaks all WebSockets. */
	drop(): void {
		for (const socket of this.#clients) socket.terminate();
	}

	async stop(): Promise<void> {
		this.drop();
		this.#sockets.close();
		this.#server.closeAllConnections();
		await new Promise((resolve) => this.#server.close(resolve));
	}

	#answer(request: unknown): unknown {
		const id = numberAt(request, "id");
		const method = textAt(request, "method");
		this.calls.push(method);
		try {
			const result = this.answer(method, valueAt(request, "params"));
			return result === undefined ? undefined : { jsonrpc: "2.0", id, result };
		} catch (cause) {
			return { jsonrpc: "2.0", id, error: { code: -32603, message: "Internal error", data: (cause as Error).message } };
		}
	}
}

/** A block as `NewBlock` tells it. */
export function newBlock(height: number, txs: readonly string[], codes: readonly number[] = []): object {
	const results = txs.map((_, index) => ({ code: codes[index] ?? 0, codespace: "depin", log: "" }));
	const block = { header: { height: String(height) }, data: { txs } };
	const value = { block, result_finalize_block: { tx_results: results } };
	return {
		jsonrpc: "2.0",
		id: 1,
		result: { query: "tm.event='NewBlock'", data: { type: "tendermint/event/NewBlock", value } },
	};
}
