import { type Connection, concatBytes, EMPTY_BYTES } from "@cairn/kit";

/** One end of a connection whose other end is the test: it sees what is written and decides what arrives. */
export class TestConnection implements Connection {
	readonly remoteAddress = "192.0.2.1:26656";
	readonly localAddress = "192.0.2.2:40000";
	onData: (bytes: Uint8Array) => void = () => undefined;
	onDrain: () => void = () => undefined;
	onClose: (error: Error | undefined) => void = () => undefined;
	/** Each write in order. */
	writes: Uint8Array[] = [];
	/** What `write` answers. */
	accepts = true;
	pendingBytes = 0;
	paused = false;
	ended = false;
	destroyed = false;

	/** Everything written so far. */
	get written(): Uint8Array {
		return this.writes.reduce((all, bytes) => concatBytes(all, bytes), EMPTY_BYTES);
	}

	write(bytes: Uint8Array): boolean {
		this.writes.push(bytes);
		return this.accepts;
	}

	pause(): void {
		this.paused = true;
	}

	resume(): void {
		this.paused = false;
	}

	end(): void {
		this.ended = true;
	}

	destroy(): void {
		if (this.destroyed) return;
		this.destroyed = true;
		this.onClose(undefined);
	}
}

/** Cuts bytes at the given fractions, in order. */
export function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
	const at = [...new Set(cuts.map((cut) => Math.floor(cut * bytes.length)))].sort((a, b) => a - b);
	const pieces: Uint8Array[] = [];
	let start = 0;
	for (const end of [...at, bytes.length]) {
		if (end > start) pieces.push(bytes.slice(start, end));
		start = Math.max(start, end);
	}
	return pieces;
}
