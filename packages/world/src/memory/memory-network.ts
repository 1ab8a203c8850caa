import type { Clock, Connection, Listener, Network, Timers } from "@cairn/kit";
import { CairnError } from "@cairn/kit";
import { parseSocketAddress } from "../address.ts";

const HIGH_WATER_MARK = 256 * 1024;
const FIRST_FREE_PORT = 40_000;

export interface MemoryNetworkOptions {
	/** For delays and for dialling time-outs. */
	readonly time: Clock & Timers;
	/** Milliseconds a chunk of bytes needs from one address (`ip`) to the other; 0 if not given: within the turn. */
	readonly delay?: (from: string, to: string, bytes: number) => number;
	/** False: dialling finds nobody until it times out. */
	readonly reachable?: (from: string, to: string) => boolean;
}

/** Machines by their address, connected by a network in memory. */
export class MemoryNetwork {
	readonly options: MemoryNetworkOptions;
	readonly #listeners = new Map<string, MemoryListener>();
	readonly #connections = new Set<MemoryConnection>();
	readonly #names = new Map<string, readonly string[]>();
	#ports = FIRST_FREE_PORT;

	constructor(options: MemoryNetworkOptions) {
		this.options = options;
	}

	/** What the machine with this IP address sees of the network. */
	host(ip: string): Network {
		return {
			listen: async (address, onConnection) => this.#listen(ip, address, onConnection),
			dial: (address, timeoutMs) => this.#dial(ip, address, timeoutMs),
			lookup: async (name) => {
				const found = this.#names.get(name) ?? (isIp(name) ? [name] : undefined);
				if (found !== undefined) return found;
				throw new CairnError("host-unknown", "operator", `the host name ${name} has no address`, { host: name });
			},
		};
	}

	/** Gives a machine a host name. */
	setName(name: string, addresses: readonly string[]): void {
		this.#names.set(name, addresses);
	}

	/** The machine is gone: its listeners are closed and the other ends of its connections break. */
	disconnect(ip: string): void {
		for (const [key, listener] of this.#listeners) {
			if (listener.ip === ip) this.#listeners.delete(key);
		}
		for (const connection of this.#connections) {
			if (connection.ip === ip) connection.breakOff();
		}
	}

	#listen(ip: string, address: string, onConnection: (connection: Connection) => void): Listener {
		const target = parseSocketAddress(address);
		const port = target.kind === "unix" ? 0 : target.port === 0 ? this.#ports++ : target.port;
		const where = target.kind === "unix" ? target.path : `${ip}:${port}`;
		const key = target.kind === "unix" ? `${ip} ${where}` : where;
		if (this.#listeners.has(key)) {
			const message = `${address} is already in use: stop what listens there, or change the laddr in config.toml`;
			throw new CairnError("address-in-use", "operator", message, { address });
		}
		const listener = new MemoryListener(ip, where, onConnection, () => this.#listeners.delete(key));
		this.#listeners.set(key, listener);
		return listener;
	}

	async #dial(ip: string, address: string, timeoutMs: number): Promise<Connection> {
		const target = parseSocketAddress(address);
		const unix = target.kind === "unix";
		const host = unix
			? ip
			: target.host === "" || isLoopback(target.host)
				? ip
				: (this.#resolve(target.host) ?? target.host);
		const where = unix ? target.path : `${host}:${target.port}`;
		if (this.options.reachable?.(ip, host) === false) return this.#timeOut(address, timeoutMs);
		const listener = this.#listeners.get(unix ? `${ip} ${where}` : where);
		if (listener === undefined) {
			const message = `connecting to ${address} failed: nobody listens there`;
			throw new CairnError("dial-refused", "peer", message, { address });
		}
		const near = unix ? where : `${ip}:${this.#ports++}`;
		const dialled = new MemoryConnection(this.options, ip, near, where);
		const accepted = new MemoryConnection(this.options, listener.ip, where, near);
		for (const [connection, other] of [
			[dialled, accepted],
			[accepted, dialled],
		] as const) {
			this.#connections.add(connection);
			connection.join(other, () => this.#connections.delete(connection));
		}
		listener.onConnection(accepted);
		return dialled;
	}

	#timeOut(address: string, timeoutMs: number): Promise<never> {
		return new Promise((_, reject) => {
			this.options.time.after(timeoutMs, () => {
				const message = `connecting to ${address} failed: no answer within ${timeoutMs} ms`;
				reject(new CairnError("dial-timeout", "peer", message, { address }));
			});
		});
	}

	#resolve(host: string): string | undefined {
		return this.#names.get(host)?.[0];
	}
}

class MemoryListener implements Listener {
	readonly ip: string;
	readonly address: string;
	readonly onConnection: (connection: Connection) => void;
	readonly #forget: () => void;

	constructor(ip: string, address: string, onConnection: (connection: Connection) => void, forget: () => void) {
		this.ip = ip;
		this.address = address;
		this.onConnection = onConnection;
		this.#forget = forget;
	}

	async close(): Promise<void> {
		this.#forget();
	}
}

type Arrival = { readonly bytes: Uint8Array } | { readonly closed: Error | undefined };

/** One end. What is written arrives at the other end in order, after the network's delay, once that end reads. */
class MemoryConnection implements Connection {
	readonly ip: string;
	readonly localAddress: string;
	readonly remoteAddress: string;
	onDrain: () => void = () => undefined;
	readonly #options: MemoryNetworkOptions;
	#onData: ((bytes: Uint8Array) => void) | undefined;
	#onClose: ((error: Error | undefined) => void) | undefined;
	#other: MemoryConnection = this;
	#forget: () => void = () => undefined;
	readonly #arrived: Arrival[] = [];
	#pendingBytes = 0;
	#inFlight = 0;
	#lastArrival = 0;
	#needDrain = false;
	#paused = false;
	#delivering = false;
	#ended = false;
	#closed: { readonly error: Error | undefined } | undefined;

	constructor(options: MemoryNetworkOptions, ip: string, localAddress: string, remoteAddress: string) {
		this.#options = options;
		this.ip = ip;
		this.localAddress = localAddress;
		this.remoteAddress = remoteAddress;
	}

	join(other: MemoryConnection, forget: () => void): void {
		this.#other = other;
		this.#forget = forget;
	}

	get pendingBytes(): number {
		return this.#pendingBytes;
	}

	get onData(): (bytes: Uint8Array) => void {
		return this.#onData ?? (() => undefined);
	}

	set onData(call: (bytes: Uint8Array) => void) {
		this.#onData = call;
		this.#deliverSoon();
	}

	get onClose(): (error: Error | undefined) => void {
		return this.#onClose ?? (() => undefined);
	}

	set onClose(call: (error: Error | undefined) => void) {
		const closed = this.#onClose === undefined ? this.#closed : undefined;
		this.#onClose = call;
		if (closed !== undefined) queueMicrotask(() => call(closed.error));
	}

	write(bytes: Uint8Array): boolean {
		if (this.#ended || this.#closed !== undefined) return false;
		this.#pendingBytes += bytes.length;
		this.#send({ bytes: bytes.slice() }, bytes.length);
		if (this.#pendingBytes >= HIGH_WATER_MARK) this.#needDrain = true;
		return !this.#needDrain;
	}

	pause(): void {
		this.#paused = true;
	}

	resume(): void {
		this.#paused = false;
		this.#deliverSoon();
	}

	end(): void {
		if (this.#ended || this.#closed !== undefined) return;
		this.#ended = true;
		this.#send({ closed: undefined }, 0);
	}

	destroy(): void {
		if (this.#closed !== undefined) return;
		this.#arrived.length = 0;
		if (!this.#ended) this.#send({ closed: undefined }, 0);
		this.#ended = true;
		queueMicrotask(() => this.#finish(undefined));
	}

	/** This end's machine is gone: nothing is heard of here any more, and the other end breaks. */
	breakOff(): void {
		this.#closed = { error: undefined };
		this.#arrived.length = 0;
		this.#forget();
		const error = new CairnError("connection-lost", "peer", `the connection to ${this.localAddress} broke`, {});
		queueMicrotask(() => this.#other.#destroyedBy(error));
	}

	#destroyedBy(error: Error): void {
		this.#arrived.length = 0;
		this.#finish(error);
	}

	#send(arrival: Arrival, length: number): void {
		const other = this.#other;
		const { delay, time } = this.#options;
		const now = time.mono();
		// A chunk with less delay must not overtake one that is still on its way.
		this.#lastArrival = Math.max(this.#lastArrival, now + (delay?.(this.ip, other.ip, length) ?? 0));
		if (this.#lastArrival <= now && this.#inFlight === 0) {
			other.#receive(arrival);
			return;
		}
		this.#inFlight++;
		time.after(this.#lastArrival - now, () => {
			this.#inFlight--;
			other.#receive(arrival);
		});
	}

	#receive(arrival: Arrival): void {
		if (this.#closed !== undefined) {
			if ("bytes" in arrival) this.#other.#taken(arrival.bytes.length);
			return;
		}
		this.#arrived.push(arrival);
		this.#deliverSoon();
	}

	#taken(bytes: number): void {
		this.#pendingBytes -= bytes;
		if (this.#pendingBytes > 0 || !this.#needDrain || this.#closed !== undefined) return;
		this.#needDrain = false;
		this.onDrain();
	}

	#deliverSoon(): void {
		if (this.#delivering) return;
		this.#delivering = true;
		queueMicrotask(() => {
			this.#delivering = false;
			this.#deliver();
		});
	}

	#deliver(): void {
		while (!this.#paused && this.#onData !== undefined && this.#closed === undefined) {
			const arrival = this.#arrived.shift();
			if (arrival === undefined) return;
			if ("closed" in arrival) {
				// As a socket without half-open: what was written still goes out, then this end is closed too.
				this.end();
				this.#finish(arrival.closed);
				return;
			}
			this.#onData(arrival.bytes);
			this.#other.#taken(arrival.bytes.length);
		}
	}

	#finish(error: Error | undefined): void {
		if (this.#closed !== undefined) return;
		this.#closed = { error };
		this.#forget();
		this.#onClose?.(error);
	}
}

function isIp(text: string): boolean {
	return /^\d+\.\d+\.\d+\.\d+$/.test(text) || text.includes(":");
}

function isLoopback(host: string): boolean {
	return host === "localhost" || host === "::1" || host.startsWith("127.");
}
