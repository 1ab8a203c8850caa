import { type Connection, concatBytes } from "@cairn/kit";

/** A connection whose other end is a vector file: keeps what is written, receives what it is given. */
export class RecordedConnection implements Connection {
	readonly remoteAddress = "192.0.2.1:26656";
	readonly localAddress = "192.0.2.2:40000";
	readonly pendingBytes = 0;
	onData: (bytes: Uint8Array) => void = () => undefined;
	onDrain: () => void = () => undefined;
	onClose: (error: Error | undefined) => void = () => undefined;
	/** Each write in order. */
	readonly writes: Uint8Array[] = [];

	/** Everything written since the start, or since `from` writes. */
	written(from = 0): Uint8Array {
		return concatBytes(...this.writes.slice(from));
	}

	write(bytes: Uint8Array): boolean {
		this.writes.push(bytes);
		return true;
	}

	pause(): void {}

	resume(): void {}

	end(): void {}

	destroy(): void {}
}
