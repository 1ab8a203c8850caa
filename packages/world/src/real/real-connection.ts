import type { Socket } from "node:net";
import type { Connection } from "@cairn/kit";
import { CairnError, messageOf } from "@cairn/kit";
import { formatHostPort } from "../address.ts";
import { systemCode } from "./os-errors.ts";

/** Bytes waiting for the operating system from which on `write` answers false. */
export const HIGH_WATER_MARK = 256 * 1024;
const KEEP_ALIVE_MS = 15_000;

/** A socket. It is not read from before `onData` is set, so nothing that arrives early is lost. */
export class RealConnection implements Connection {
	readonly remoteAddress: string;
	readonly localAddress: string;
	onDrain: () => void = () => undefined;
	readonly #socket: Socket;
	#onData: (bytes: Uint8Array) => void = () => undefined;
	#onClose: ((error: Error | undefined) => void) | undefined;
	#reading = false;
	#paused = false;
	#error: CairnError | undefined;
	#closed = false;

	constructor(socket: Socket) {
		this.#socket = socket;
		socket.setNoDelay(true);
		socket.setKeepAlive(true, KEEP_ALIVE_MS);
		const path = (socket.address() as { path?: string }).path ?? "unix";
		this.remoteAddress = endpoint(socket.remoteAddress, socket.remotePort, path);
		this.localAddress = endpoint(socket.localAddress, socket.localPort, path);
		socket.on("drain", () => this.onDrain());
		socket.on("error", (cause) => {
			this.#error ??= lost(cause, this.remoteAddress);
		});
		socket.on("close", () => this.#finish());
	}

	get onData(): (bytes: Uint8Array) => void {
		return this.#onData;
	}

	set onData(call: (bytes: Uint8Array) => void) {
		this.#onData = call;
		if (this.#reading) return;
		this.#reading = true;
		this.#socket.on("data", (bytes: Uint8Array) => {
			this.#onData(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
		});
		// A socket that was accepted paused stays so until told.
		if (this.#paused) this.#socket.pause();
		else this.#socket.resume();
	}

	get onClose(): (error: Error | undefined) => void {
		return this.#onClose ?? (() => undefined);
	}

	set onClose(call: (error: Error | undefined) => void) {
		const late = this.#closed && this.#onClose === undefined;
		this.#onClose = call;
		if (late) queueMicrotask(() => call(this.#error));
	}

	get pendingBytes(): number {
		return this.#socket.writableLength;
	}

	write(bytes: Uint8Array): boolean {
		if (this.#closed || !this.#socket.writable) return false;
		return this.#socket.write(bytes);
	}

	pause(): void {
		this.#paused = true;
		this.#socket.pause();
	}

	resume(): void {
		this.#paused = false;
		if (this.#reading) this.#socket.resume();
	}

	end(): void {
		this.#socket.end();
	}

	destroy(): void {
		this.#socket.destroy();
	}

	#finish(): void {
		if (this.#closed) return;
		this.#closed = true;
		this.#onClose?.(this.#error);
	}
}

function endpoint(host: string | undefined, port: number | undefined, path: string): string {
	return host === undefined || port === undefined ? path : formatHostPort(host, port);
}

function lost(cause: unknown, remote: string): CairnError {
	const details = { remote, errno: systemCode(cause) };
	return new CairnError(
		"connection-lost",
		"peer",
		`the connection to ${remote} broke: ${messageOf(cause)}`,
		details,
		cause,
	);
}
