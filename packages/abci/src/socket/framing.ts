import { type Connection, DecodeError } from "@cairn/kit";

/** Greatest message on an ABCI socket (CometBFT abci/types/messages.go: math.MaxInt32). */
export const MAX_MESSAGE_BYTES = 2 ** 31 - 1;

/** Frames up to this size travel together in one write. */
const COALESCED_BYTES = 64 * 1024;

/** Room made for a message before its bytes have come. */
const FIRST_BODY_BYTES = 4096;

/**
 * Cuts a byte stream into messages, each after its length as an unsigned varint. Memory is taken as bytes arrive, never
 * on the word of a length. Each message is a copy of its own: it does not keep the buffers of its neighbours alive.
 */
export class FrameReader {
	readonly #limit: number;
	#length = 0;
	#scale = 1;
	#lengthBytes = 0;
	#readingLength = true;
	/** What has come of the current message; grows up to its length. */
	#body: Uint8Array = new Uint8Array(0);
	#filled = 0;

	constructor(limit: number = MAX_MESSAGE_BYTES) {
		this.#limit = limit;
	}

	/** True between two messages: an end of the stream here loses nothing. */
	get isAtBoundary(): boolean {
		return this.#readingLength && this.#lengthBytes === 0;
	}

	/**
	 * Takes bytes off the stream and calls once per complete message, in order. After a throw (of the callback too) the
	 * reader must not be used again.
	 * @throws DecodeError on a length of more than 10 bytes or above the limit
	 */
	push(bytes: Uint8Array, onMessage: (message: Uint8Array) => void): void {
		let at = 0;
		while (at < bytes.length) {
			if (this.#readingLength) {
				this.#lengthByte(bytes[at++] as number);
				if (this.#readingLength) continue;
			}
			const end = Math.min(at + this.#length - this.#filled, bytes.length);
			this.#append(bytes.subarray(at, end));
			at = end;
			if (this.#filled === this.#length) onMessage(this.#take());
		}
	}

	#append(bytes: Uint8Array): void {
		const filled = this.#filled + bytes.length;
		if (filled > this.#body.length) {
			// Doubling keeps the copying linear however small the pieces are; the last step is exact.
			const capacity = Math.min(this.#length, Math.max(filled, FIRST_BODY_BYTES, this.#body.length * 2));
			const grown = new Uint8Array(capacity);
			grown.set(this.#body.subarray(0, this.#filled));
			this.#body = grown;
		}
		this.#body.set(bytes, this.#filled);
		this.#filled = filled;
	}

	#take(): Uint8Array {
		const message = this.#body;
		this.#body = new Uint8Array(0);
		this.#filled = 0;
		this.#length = 0;
		this.#readingLength = true;
		return message;
	}

	#lengthByte(byte: number): void {
		this.#length += (byte & 0x7f) * this.#scale;
		this.#scale *= 128;
		this.#lengthBytes++;
		if (this.#length > this.#limit) {
			throw new DecodeError("message exceeds its limit", { length: this.#length, limit: this.#limit });
		}
		if (byte < 0x80) {
			this.#readingLength = false;
			this.#scale = 1;
			this.#lengthBytes = 0;
		} else if (this.#lengthBytes === 10) throw new DecodeError("message length of more than 10 bytes");
	}
}

function join(parts: readonly Uint8Array[], length: number): Uint8Array {
	const first = parts[0];
	if (parts.length === 1 && first !== undefined) return first;
	const joined = new Uint8Array(length);
	let at = 0;
	for (const part of parts) {
		joined.set(part, at);
		at += part.length;
	}
	return joined;
}

/** Writes frames in order, small ones together. False when the connection asks to wait for `onDrain`. */
export function writeFrames(connection: Connection, frames: readonly Uint8Array[]): boolean {
	let ready = true;
	let batch: Uint8Array[] = [];
	let size = 0;
	const send = (): void => {
		if (batch.length > 0) ready = connection.write(join(batch, size));
		batch = [];
		size = 0;
	};
	for (const frame of frames) {
		if (size + frame.length > COALESCED_BYTES) send();
		batch.push(frame);
		size += frame.length;
	}
	send();
	return ready;
}
