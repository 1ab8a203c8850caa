/**
 * Everything a node may ask of the world it runs in. The node gets one `World` from its composition root (real) or from
 * the simulator (invented); no other room touches clocks, timers, sockets, files or randomness.
 */
export interface World {
	readonly clock: Clock;
	readonly timers: Timers;
	readonly random: Random;
	readonly disk: Disk;
	readonly network: Network;
}

export interface Clock {
	/** Milliseconds since this start of the process; never goes back; fractions allowed. */
	mono(): number;
	/** Nanoseconds since 1970 (UTC); may jump. */
	wall(): bigint;
}

export interface Timer {
	cancel(): void;
}

export interface Timers {
	/** Calls once after `ms` milliseconds (0 = as soon as the current turn is over). */
	after(ms: number, call: () => void): Timer;
}

export interface Random {
	/** Cryptographically strong random bytes (in the simulator: from the seed). */
	bytes(length: number): Uint8Array;
}

/** A file opened for appending. Appends are in order; bytes are durable only once `sync` has resolved. */
export interface AppendFile {
	/** Length in bytes, what was appended included. */
	readonly size: number;
	/** Keeps the array until it is written: it must not be changed afterwards. */
	append(bytes: Uint8Array): void;
	/** Writes out and fsyncs everything appended so far. A rejection must stop the caller from making promises. */
	sync(): Promise<void>;
	/** Writes out without fsync. */
	flush(): void;
	close(): Promise<void>;
}

export interface Disk {
	/** The whole file, or undefined where there is none. */
	read(path: string): Promise<Uint8Array | undefined>;
	/** Replaces the file atomically: temporary file, fsync, rename, fsync of the directory. `mode` defaults to 0o600. */
	writeAtomic(path: string, bytes: Uint8Array, mode?: number): Promise<void>;
	/** Opens for appending, creating file (and fsyncing its directory) where needed. */
	openAppend(path: string): Promise<AppendFile>;
	/** Cuts the file to `size` bytes and fsyncs it. */
	truncate(path: string, size: number): Promise<void>;
	/** Renames durably, replacing what is at `to`. */
	rename(from: string, to: string): Promise<void>;
	/** Removes a file, or a directory with all that is in it; fine where nothing is. */
	remove(path: string): Promise<void>;
	makeDirectory(path: string): Promise<void>;
	/** Names in a directory, sorted; empty where there is none. */
	list(path: string): Promise<readonly string[]>;
	/** Size in bytes, or undefined where there is no such file. */
	size(path: string): Promise<number | undefined>;
	/** Opens (creating where needed) an ordered key-value store in this directory. @throws CairnError `store-locked`, `store-corrupt` */
	openStore(path: string): Promise<KeyValueStore>;
}

export type StoreWrite =
	| { readonly key: Uint8Array; readonly value: Uint8Array }
	| { readonly key: Uint8Array; readonly remove: true };

export interface KeyRange {
	/** Inclusive. */
	readonly from?: Uint8Array;
	/** Exclusive. */
	readonly to?: Uint8Array;
	readonly reverse?: boolean;
	readonly limit?: number;
}

/** An ordered map of bytes to bytes on disk (LevelDB's semantics). */
export interface KeyValueStore {
	get(key: Uint8Array): Uint8Array | undefined;
	has(key: Uint8Array): boolean;
	/** Applies all or nothing; durable when it resolves if `sync`. */
	write(writes: readonly StoreWrite[], options?: { sync?: boolean }): Promise<void>;
	entries(range?: KeyRange): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]>;
	/** Asks the store to reclaim space. */
	compact(): Promise<void>;
	close(): Promise<void>;
}

/** One byte stream between two machines. Callbacks are set once, right after the connection is handed over. */
export interface Connection {
	/** `ip:port` of the other side as the socket knows it; a path for unix sockets. */
	readonly remoteAddress: string;
	readonly localAddress: string;
	/** Queues bytes; false means: above the high-water mark, wait for `onDrain`. */
	write(bytes: Uint8Array): boolean;
	/** Bytes written and not yet taken by the operating system. */
	readonly pendingBytes: number;
	onData: (bytes: Uint8Array) => void;
	onDrain: () => void;
	/** Called exactly once; `error` is undefined for an orderly end. */
	onClose: (error: Error | undefined) => void;
	/** Stops (and restarts) reading from the socket: back-pressure to the sender. */
	pause(): void;
	resume(): void;
	/** Flushes what was written, then closes. */
	end(): void;
	/** Closes at once. */
	destroy(): void;
}

export interface Listener {
	/** Where it really listens, with the port that was assigned for port 0: `127.0.0.1:26656`. */
	readonly address: string;
	close(): Promise<void>;
}

/** Addresses are `tcp://host:port` or `unix://path`. */
export interface Network {
	listen(address: string, onConnection: (connection: Connection) => void): Promise<Listener>;
	dial(address: string, timeoutMs: number): Promise<Connection>;
	/** IP addresses of a host name. */
	lookup(host: string): Promise<readonly string[]>;
}
