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

interface LoadOptions {
	readonly run: string;
	readonly perSecond: number;
	readonly seconds: number;
	readonly txBytes: number;
}

/** Follows the chain of the first node and notes when each transaction was in a block. */
class Watcher {
	readonly sentAt = new Map<string, number>();
	readonly latencies: number[] = [];
	readonly blockTimes = new Map<number, number>();
	lastCommit = 0;
	#client: Client | null = null;

	async start(port: number): Promise<void> {
		this.#client = await Client.connect(port, (frame) => this.#take(frame));
		this.#client.send(0, "subscribe", { query: "tm.event='NewBlockHeader'" });
	}

	stop(): void {
		this.#client?.close();
	}

	#take(frame: Frame): void {
		const height = frame.result?.data?.value?.header?.height;
		if (height !== undefined) {
			this.blockTimes.set(Number(height), performance.now());
			this.#client?.send(BLOCK_IDS + Number(height), "block", { height });
		}
		const txs = frame.result?.block?.data.txs;
		if (txs !== undefined && typeof frame.id === "number") this.#note(frame.id - BLOCK_IDS, txs);
	}

	#note(height: number, txs: readonly string[]): void {
		const at = this.blockTimes.get(height) ?? performance.now();
		for (const tx of txs) {
			const key = Buffer.from(tx, "base64").toString("latin1").split("=")[0] ?? "";
			const sent = this.sentAt.get(key);
			if (sent === undefined) continue;
			this.sentAt.delete(key);
			this.latencies.push(at - sent);
			this.lastCommit = at;
		}
	}
}

/** Ids of calls that ask for blocks begin here. */
const BLOCK_IDS = 1_000_000_000;

/** An open-loop load: so many transactions a second go to the nodes in turn, whatever becomes of them. */
export async function runLoad(ports: readonly number[], options: LoadOptions): Promise<LoadResult> {
	const watcher = new Watcher();
	await watcher.start(ports[0] ?? 0);
	let refused = 0;
	const count = (frame: Frame): void => {
		if (frame.error !== undefined || (frame.result?.code ?? 0) !== 0) refused++;
	};
	const clients = await Promise.all(ports.map((port) => Client.connect(port, count)));
	const started = performance.now();
	const sent = await offer(clients, watcher, options);
	// What was taken gets time to be committed; what was refused never will be.
	const patience = performance.now() + 10_000;
	while (watcher.sentAt.size > refused && performance.now() < patience) await new Promise((r) => setTimeout(r, 100));
	for (const client of clients) client.close();
	watcher.stop();
	const latencies = watcher.latencies.sort((a, b) => a - b);
	const at = (share: number): number =>
		latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
	return {
		offeredPerSecond: options.perSecond,
		sent,
		committed: latencies.length,
		refused,
		committedPerSecond: (latencies.length * 1000) / Math.max(1, watcher.lastCommit - started),
		p50: at(0.5),
		p99: at(0.99),
		blocks: watcher.blockTimes.size,
	};
}

/** Sends at the rate asked for. Resolves with how many were sent. */
function offer(clients: readonly Client[], watcher: Watcher, options: LoadOptions): Promise<number> {
	const started = performance.now();
	const total = options.perSecond * options.seconds;
	let sent = 0;
	return new Promise((resolve) => {
		const timer = setInterval(() => {
			const due = Math.min(total, Math.floor(((performance.now() - started) * options.perSecond) / 1000));
			for (; sent < due; sent++) {
				const tx = transaction(options.run, sent, options.txBytes);
				watcher.sentAt.set(`${options.run}-${sent}`, performance.now());
				clients[sent % clients.length]?.send(sent, "broadcast_tx_sync", { tx: Buffer.from(tx).toString("base64") });
			}
			if (sent < total) return;
			clearInterval(timer);
			resolve(sent);
		}, TICK_MS);
	});
}
