import { BoundedQueue, type Connection, messageOf } from "@cairn/kit";
import { abci, encodeDelimited } from "@cairn/types/proto";
import { type AbciClient, clientOf, type Transport } from "../client.ts";
import { AbciError, closedError, lostError } from "../errors.ts";
import { FailureListeners } from "../listeners.ts";
import type { Kind, RequestOf, ResponseOf } from "../methods.ts";
import { FrameReader, MAX_MESSAGE_BYTES, writeFrames } from "./framing.ts";

/** Bounds of one socket connection. */
export interface SocketLimits {
	/** Calls without an answer; the longest row is a recheck of a full mempool. */
	readonly calls: number;
	/** Bytes that wait because the application does not read. One message may always wait. */
	readonly waitingBytes: number;
	/** Greatest message that is read. */
	readonly messageBytes: number;
}

export const SOCKET_LIMITS: SocketLimits = {
	calls: 1 << 18,
	waitingBytes: 256 * 1024 * 1024,
	messageBytes: MAX_MESSAGE_BYTES,
};

interface Expectation {
	readonly kind: Kind;
	resolve(value: unknown): void;
	reject(error: AbciError): void;
}

const FLUSH_FRAME = encodeDelimited(abci.Request.encode({ value: { kind: "flush", value: {} } }));
const nothing = (): void => {};

/**
 * The client's side of CometBFT's socket protocol (abci/client/socket_client.go): requests are written in order and
 * answered in order. The application's side may hold answers back until it reads a Flush, so one follows whatever was
 * asked within one turn of the program. Any answer that does not fit its request ends the connection.
 */
class SocketTransport implements Transport {
	readonly #connection: Connection;
	readonly #address: string;
	readonly #limits: SocketLimits;
	readonly #reader: FrameReader;
	readonly #expected: BoundedQueue<Expectation>;
	readonly #listeners = new FailureListeners();
	#outgoing: Uint8Array[] = [];
	#outgoingBytes = 0;
	#flushed = true;
	#scheduled = false;
	#blocked = false;
	#failure: AbciError | undefined;

	constructor(connection: Connection, address: string, limits: SocketLimits) {
		this.#connection = connection;
		this.#address = address;
		this.#limits = limits;
		this.#reader = new FrameReader(limits.messageBytes);
		// Each call may bring a flush of ours with it.
		this.#expected = new BoundedQueue(2 * limits.calls + 1, "refuse-newest");
		connection.onData = (bytes) => this.#receive(bytes);
		connection.onDrain = () => {
			this.#blocked = false;
			this.#send();
		};
		connection.onClose = (error) => this.#fail(lostError(this.#address, error));
	}

	call<K extends Kind>(kind: K, request: RequestOf<K>): Promise<ResponseOf<K>> {
		if (this.#failure !== undefined) return Promise.reject(this.#failure);
		const frame = kind === "flush" ? FLUSH_FRAME : encodeDelimited(encodeRequest(kind, request));
		const isFull =
			this.#expected.length >= this.#limits.calls ||
			(this.#outgoingBytes > 0 && this.#outgoingBytes + frame.length > this.#limits.waitingBytes);
		if (isFull) {
			const details = { address: this.#address, calls: this.#expected.length, bytes: this.#outgoingBytes };
			return Promise.reject(new AbciError("abci-overloaded", "the application answers too slowly", details));
		}
		return new Promise<ResponseOf<K>>((resolve, reject) => {
			this.#expected.push({ kind, resolve: (value) => resolve(value as ResponseOf<K>), reject });
			this.#queue(frame, kind === "flush");
		});
	}

	onError(callback: (error: AbciError) => void): void {
		this.#listeners.add(callback);
	}

	async close(): Promise<void> {
		if (this.#failure !== undefined) return;
		this.#refuseAll(closedError());
		this.#connection.end();
	}

	#queue(frame: Uint8Array, isFlush: boolean): void {
		this.#outgoing.push(frame);
		this.#outgoingBytes += frame.length;
		this.#flushed = isFlush;
		if (this.#scheduled) return;
		this.#scheduled = true;
		queueMicrotask(() => {
			this.#scheduled = false;
			this.#send();
		});
	}

	#send(): void {
		if (this.#blocked || this.#failure !== undefined || this.#outgoing.length === 0) return;
		if (!this.#flushed) {
			this.#expected.push({ kind: "flush", resolve: nothing, reject: nothing });
			this.#outgoing.push(FLUSH_FRAME);
			this.#flushed = true;
		}
		const frames = this.#outgoing;
		this.#outgoing = [];
		this.#outgoingBytes = 0;
		this.#blocked = !writeFrames(this.#connection, frames);
	}

	#receive(bytes: Uint8Array): void {
		try {
			this.#reader.push(bytes, (message) => {
				if (this.#failure === undefined) this.#answer(abci.Response.decode(message).value);
			});
		} catch (cause) {
			const text = `the application at ${this.#address} sent bytes that are no ABCI response: ${messageOf(cause)}`;
			this.#fail(new AbciError("abci-malformed", text, { address: this.#address }, cause));
		}
	}

	#answer(response: abci.Response["value"]): void {
		if (response?.kind === "exception") {
			const text = `the application at ${this.#address} threw: ${response.value.error}`;
			this.#fail(new AbciError("abci-exception", text, { address: this.#address }));
			return;
		}
		const expected = this.#expected.shift();
		if (expected !== undefined && expected.kind === response?.kind) {
			expected.resolve(response.value);
			return;
		}
		const details = { address: this.#address, expected: expected?.kind ?? null, received: response?.kind ?? null };
		const asked = expected === undefined ? "without being asked" : `to ${expected.kind}`;
		const text = `the application at ${this.#address} answered ${response?.kind ?? "nothing known"} ${asked}`;
		const error = new AbciError("abci-unexpected-response", text, details);
		expected?.reject(error);
		this.#fail(error);
	}

	#fail(error: AbciError): void {
		if (this.#failure !== undefined) return;
		this.#refuseAll(error);
		this.#connection.destroy();
		this.#listeners.fail(error);
	}

	#refuseAll(error: AbciError): void {
		this.#failure = error;
		this.#outgoing = [];
		this.#outgoingBytes = 0;
		for (const expectation of this.#expected.take(this.#expected.length)) expectation.reject(error);
	}
}

function encodeRequest<K extends Kind>(kind: K, request: RequestOf<K>): Uint8Array {
	return abci.Request.encode({ value: { kind, value: request } as unknown as abci.Request["value"] });
}

/** A client on a connection that has just been made; it takes the connection over. */
export function socketClient(
	connection: Connection,
	address: string,
	limits: SocketLimits = SOCKET_LIMITS,
): AbciClient {
	return clientOf(new SocketTransport(connection, address, limits));
}
