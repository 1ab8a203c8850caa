import { WebSocket } from "ws";

/** What became of the transactions of one run. */
export interface LoadResult {
	readonly offeredPerSecond: number;
	readonly sent: number;
	readonly committed: number;
	readonly refused: number;
	/** From the first to the last committed transaction's block. */
	readonly committedPerSecond: number;
	/** Milliseconds from submission to the NewBlockHeader event of the first node. */
	readonly p50: number;
	readonly p99: number;
	readonly blocks: number;
}

const TICK_MS = 10;

/** Transactions that `kvstore` takes: a unique key, "=", and letters up to `size` bytes. */
export function transaction(run: string, index: number, size: number): string {
	const head = `${run}-${index}=`;
	return head + "v".repeat(Math.max(0, size - head.length));
}

interface Frame {
	readonly id?: number | string;
	readonly error?: unknown;
	readonly result?: {
		readonly code?: number;
		readonly data?: { readonly value?: { readonly header?: { readonly height: string } } };
		readonly block?: { readonly data: { readonly txs: readonly string[] } };
	};
}

/** One WebSocket to a node, with answers handed to whoever waits for their id. */
class Client {
	readonly #socket: WebSocket;
	readonly #onFrame: (frame: Frame) => void;

	private constructor(socket: WebSocket, onFrame: (frame: Frame) => void) {
		this.#socket = socket;
		this.#onFrame = onFrame;
		socket.on("message", (data: Buffer) => this.#onFrame(JSON.parse(data.toString()) as Frame));
	}

	static async connect(port: number, onFrame: (frame: Frame) => void): Promise<Client> {
		const socket = new WebSocket(`ws://127.0.0.1:${port}/websocket`, { maxPayload: 256 * 1024 * 1024 });
		await new Promise((resolve, reject) => {
			socket.once("open", resolve);
			socket.once("error", reject);
		});
		return new Client(socket, onFrame);
	}

	send(id: number, method: string, params: Readonly<Record<string, unknown>>): void {
		this.#socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
	}

	close(): void {
		this.#socket.terminate();
	}
}

/** An open-loop load: so many transactions a second go to the nodes in turn, whatever becomes of them. */
export async function runLoad(
	ports: readonly number[],
	options: { readonly run: string; readonly perSecond: number; readonly seconds: number; readonly txBytes: number },
): Promise<LoadResult> {
	const sentAt = new Map<string, number>();
	const latencies: number[] = [];
	const blockTimes = new Map<number, number>();
	let refused = 0;
	let firstCommit = 0;
	let lastCommit = 0;
	const [first = 0] = ports;
	const watcher: Client = await Client.connect(first, (frame) => {
		const height = frame.result?.data?.value?.header?.height;
		if (height !== undefined) {
			blockTimes.set(Number(height), performance.now());
			watcher.send(1_000_000_000 + Number(height), "block", { height });
		}
		const txs = frame.result?.block?.data.txs;
		if (txs === undefined || typeof frame.id !== "number") return;
		const at = blockTimes.get(frame.id - 1_000_000_000) ?? performance.now();
		for (const tx of txs) {
			const key = Buffer.from(tx, "base64").toString("latin1").split("=")[0] ?? "";
			const sent = sentAt.get(key);
			if (sent === undefined) continue;
			sentAt.delete(key);
			latencies.push(at - sent);
			if (firstCommit === 0) firstCommit = at;
			lastCommit = at;
		}
	});
	watcher.send(0, "subscribe", { query: "tm.event='NewBlockHeader'" });
	const clients = await Promise.all(
		ports.map((port) =>
			Client.connect(port, (frame) => {
				if (frame.error !== undefined || (frame.result?.code ?? 0) !== 0) refused++;
			}),
		),
	);
	let sent = 0;
	const started = performance.now();
	await new Promise<void>((resolve) => {
		const timer = setInterval(() => {
			const elapsed = performance.now() - started;
			const due = Math.min(options.perSecond * options.seconds, Math.floor((elapsed * options.perSecond) / 1000));
			for (; sent < due; sent++) {
				const tx = transaction(options.run, sent, options.txBytes);
				sentAt.set(`${options.run}-${sent}`, performance.now());
				const client = clients[sent % clients.length];
				client?.send(sent, "broadcast_tx_sync", { tx: Buffer.from(tx).toString("base64") });
			}
			if (elapsed < options.seconds * 1000) return;
			clearInterval(timer);
			resolve();
		}, TICK_MS);
	});
	// What was taken gets time to be committed; what was refused never will be.
	const patience = performance.now() + 10_000;
	while (sentAt.size > refused && performance.now() < patience) await new Promise((r) => setTimeout(r, 100));
	for (const client of [...clients, watcher]) client.close();
	latencies.sort((a, b) => a - b);
	const at = (share: number): number => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
	const span = Math.max(1, lastCommit - started);
	return {
		offeredPerSecond: options.perSecond,
		sent,
		committed: latencies.length,
		refused,
		committedPerSecond: (latencies.length * 1000) / span,
		p50: at(0.5),
		p99: at(0.99),
		blocks: blockTimes.size,
	};
}
