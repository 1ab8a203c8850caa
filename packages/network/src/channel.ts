import { BoundedQueue, invariant } from "@cairn/kit";
import { FIRST_RECEIVE_BUFFER, LARGEST_FIRST_RECEIVE_BUFFER, RECENTLY_SENT_DECAY } from "./limits.ts";
import { writeMessagePacket } from "./packet.ts";
import type { ChannelDescriptor, ChannelStatus } from "./peer.ts";
import { refusal } from "./refusal.ts";

/** What waits to be sent on one channel of one connection. */
export class SendChannel {
	readonly descriptor: ChannelDescriptor;
	/** Decaying count of bytes sent; divided by the priority it decides who is next. */
	recentlySent = 0;
	readonly #payloadSize: number;
	readonly #queue: BoundedQueue<Uint8Array>;
	#queuedBytes = 0;
	#sending: Uint8Array | undefined;
	#sent = 0;
	#refused = false;

	constructor(descriptor: ChannelDescriptor, payloadSize: number) {
		const { id, priority, sendQueueCapacity } = descriptor;
		invariant(Number.isInteger(id) && id >= 0 && id <= 0xff, "a channel id is a byte", { id });
		invariant(priority > 0, "a channel has a positive priority", { id, priority });
		invariant(sendQueueCapacity > 0, "a channel has a send queue", { id, sendQueueCapacity });
		this.descriptor = descriptor;
		this.#payloadSize = payloadSize;
		this.#queue = new BoundedQueue(sendQueueCapacity, "refuse-newest");
	}

	/** Bytes not yet written into packets. */
	get queuedBytes(): number {
		return this.#queuedBytes;
	}

	get isPending(): boolean {
		return this.#sending !== undefined || this.#queue.length > 0;
	}

	get hasRoom(): boolean {
		const room = this.#queue.length < this.descriptor.sendQueueCapacity && this.#fits(1);
		if (!room) this.#refused = true;
		return room;
	}

	/** False if there is no room for it now. A message alone may exceed the bytes of the queue. */
	push(message: Uint8Array): boolean {
		if (!this.#fits(message.length) || !this.#queue.push(message)) {
			this.#refused = true;
			return false;
		}
		this.#queuedBytes += message.length;
		return true;
	}

	#fits(length: number): boolean {
		return !this.isPending || this.#queuedBytes + length <= this.descriptor.sendQueueBytes;
	}

	/** Writes the next packet at `offset`; gives the offset after it. Only if `isPending`. */
	writePacket(target: Uint8Array, offset: number): number {
		this.#sending ??= this.#queue.shift();
		const message = this.#sending;
		invariant(message !== undefined, "a packet is written only of a pending message");
		const end = Math.min(this.#sent + this.#payloadSize, message.length);
		const next = writeMessagePacket(target, offset, this.descriptor.id, message, this.#sent, end);
		this.#queuedBytes -= end - this.#sent;
		this.#sent = end;
		if (end === message.length) {
			this.#sending = undefined;
			this.#sent = 0;
		}
		this.recentlySent += next - offset;
		return next;
	}

	/** True once after something was refused and half of the queue is free again. */
	takeDrained(): boolean {
		const { sendQueueCapacity, sendQueueBytes } = this.descriptor;
		if (!this.#refused || this.#queue.length > sendQueueCapacity >> 1) return false;
		if (this.isPending && this.#queuedBytes > sendQueueBytes / 2) return false;
		this.#refused = false;
		return true;
	}

	/** `periods` of 2 s have passed. */
	decay(periods: number): void {
		this.recentlySent = Math.floor(this.recentlySent * RECENTLY_SENT_DECAY ** periods);
	}

	clear(): void {
		this.#queue.clear();
		this.#sending = undefined;
		this.#sent = 0;
		this.#queuedBytes = 0;
	}

	status(): ChannelStatus {
		return {
			id: this.descriptor.id,
			sendQueueCapacity: this.descriptor.sendQueueCapacity,
			sendQueueSize: this.#queue.length + (this.#sending === undefined ? 0 : 1),
			priority: this.descriptor.priority,
			recentlySent: this.recentlySent,
		};
	}
}

/** Puts the packets of one channel together again. */
export class ReceiveChannel {
	readonly descriptor: ChannelDescriptor;
	readonly #grew: (bytes: number) => void;
	#buffer: Uint8Array | undefined;
	#length = 0;
	#firstSize = FIRST_RECEIVE_BUFFER;

	/** `grew` hears by how many bytes the memory of a half-received message changes. */
	constructor(descriptor: ChannelDescriptor, grew: (bytes: number) => void) {
		this.descriptor = descriptor;
		this.#grew = grew;
	}

	/**
	 * Adds a packet; gives the message when it is whole, in bytes of its own. @throws CairnError
	 * `p2p-oversize-message`
	 */
	add(data: Uint8Array, eof: boolean): Uint8Array | undefined {
		const length = this.#length + data.length;
		const { id, receiveMessageCapacity } = this.descriptor;
		if (length > receiveMessageCapacity) {
			throw refusal(
				"p2p-oversize-message",
				`a message on channel ${hexId(id)} exceeds ${receiveMessageCapacity} bytes`,
				{ channel: id, limit: receiveMessageCapacity },
			);
		}
		if (eof && this.#length === 0) return data.slice();
		const buffer = this.#roomFor(length);
		buffer.set(data, this.#length);
		this.#length = length;
		return eof ? this.#take(buffer) : undefined;
	}

	#take(buffer: Uint8Array): Uint8Array {
		const length = this.#length;
		this.#firstSize = Math.min(Math.max(length, FIRST_RECEIVE_BUFFER), LARGEST_FIRST_RECEIVE_BUFFER);
		this.#buffer = undefined;
		this.#length = 0;
		this.#grew(-buffer.length);
		return length === buffer.length ? buffer : buffer.slice(0, length);
	}

	#roomFor(length: number): Uint8Array {
		const buffer = this.#buffer;
		if (buffer !== undefined && length <= buffer.length) return buffer;
		const doubled = Math.max(length, this.#firstSize, 2 * (buffer?.length ?? 0));
		const grown = new Uint8Array(Math.min(doubled, this.descriptor.receiveMessageCapacity));
		if (buffer !== undefined) grown.set(buffer.subarray(0, this.#length));
		this.#buffer = grown;
		this.#grew(grown.length - (buffer?.length ?? 0));
		return grown;
	}
}

/** A channel id as CometBFT prints it in metrics: `0x20`. */
export function hexId(id: number): string {
	return `0x${id.toString(16)}`;
}
