// Shared by the tests of this package; holds no tests itself.
import { WebSocket } from "ws";

/** A WebSocket client that keeps what it was sent. */
export class TestSocket {
	readonly socket: WebSocket;
	readonly frames: string[] = [];
	/** Resolves with code and reason when the connection has ended. */
	readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
	#waiting: { readonly isIt: (frame: string) => boolean; readonly found: (frame: string) => void }[] = [];

	private constructor(socket: WebSocket) {
		this.socket = socket;
		this.closed = new Promise((resolve) => {
			socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
		});
		socket.on("error", () => {});
		socket.on("message", (data) => {
			const frame = data.toString();
			this.frames.push(frame);
			const found = this.#waiting.filter(({ isIt }) => isIt(frame));
			this.#waiting = this.#waiting.filter((each) => !found.includes(each));
			for (const each of found) each.found(frame);
		});
	}

	/** @param address `ip:port` of the server */
	static async open(address: string): Promise<TestSocket> {
		const client = new TestSocket(new WebSocket(`ws://${address}/websocket`));
		await new Promise((resolve, reject) => {
			client.socket.once("open", resolve);
			client.socket.once("error", reject);
		});
		return client;
	}

	/** The first frame, of those that came already or will come, that is it. */
	frame(isIt: (frame: string) => boolean): Promise<string> {
		const known = this.frames.find(isIt);
		if (known !== undefined) return Promise.resolve(known);
		return new Promise((found) => this.#waiting.push({ isIt, found }));
	}

	send(text: string): void {
		this.socket.send(text);
	}

	/** Makes a call and resolves with its answer. @param id not used before */
	async call(id: number | string, method: string, params: object = {}): Promise<string> {
		this.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
		return this.frame((frame) => frame.startsWith(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},`));
	}

	close(): void {
		this.socket.terminate();
	}
}
