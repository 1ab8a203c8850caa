import { concatBytes, DecodeError, EMPTY_BYTES, invariant } from "@cairn/kit";
import { p2p, uvarintLength, writeUvarint } from "@cairn/types/proto";
import { refusal } from "./refusal.ts";

/** Delimited packets without content. */
export const PING_PACKET: Uint8Array = Uint8Array.of(2, 0x0a, 0);
export const PONG_PACKET: Uint8Array = Uint8Array.of(2, 0x12, 0);

const TAG_PING = 0x0a;
const TAG_PONG = 0x12;
const TAG_MSG = 0x1a;
const TAG_CHANNEL = 0x08;
const TAG_EOF = 0x10;
const TAG_DATA = 0x1a;
/** Longest length prefix that Go reads. */
const MAX_PREFIX = 10;

/**
 * Longest packet (without its length prefix) that a peer with this payload size may send: that of channel 1 with
 * all of the payload, as Go computes it.
 */
export function maxPacketSize(payloadSize: number): number {
	const message = 2 + 2 + 1 + uvarintLength(payloadSize) + payloadSize;
	return 1 + uvarintLength(message) + message;
}

/** Room that a packet with `length` bytes of data may need, with its prefix. */
export function packetRoom(length: number): number {
	return length + 24;
}

/** Writes a delimited packet with `message[start…end)` at `offset`; gives the offset after it. */
export function writeMessagePacket(
	target: Uint8Array,
	offset: number,
	channelId: number,
	message: Uint8Array,
	start: number,
	end: number,
): number {
	const length = end - start;
	const eof = end === message.length;
	const channelSize = channelId === 0 ? 0 : 1 + uvarintLength(channelId);
	const dataSize = length === 0 ? 0 : 1 + uvarintLength(length) + length;
	const inner = channelSize + (eof ? 2 : 0) + dataSize;
	let at = writeUvarint(target, offset, 1 + uvarintLength(inner) + inner);
	target[at++] = TAG_MSG;
	at = writeUvarint(target, at, inner);
	if (channelId !== 0) {
		target[at++] = TAG_CHANNEL;
		at = writeUvarint(target, at, channelId);
	}
	if (eof) {
		target[at++] = TAG_EOF;
		target[at++] = 1;
	}
	if (length > 0) {
		target[at++] = TAG_DATA;
		at = writeUvarint(target, at, length);
		target.set(start === 0 && eof ? message : message.subarray(start, end), at);
		at += length;
	}
	return at;
}

/** One packet; `data` is a view. */
export interface Packet {
	readonly kind: "ping" | "pong" | "message";
	/** As on the wire: any int32. */
	readonly channelId: number;
	readonly eof: boolean;
	readonly data: Uint8Array;
}

const PING: Packet = { kind: "ping", channelId: 0, eof: false, data: EMPTY_BYTES };
const PONG: Packet = { kind: "pong", channelId: 0, eof: false, data: EMPTY_BYTES };

/** Finds the packets of a byte stream, however it is split. */
export class PacketReader {
	readonly #maxPacketSize: number;
	/** Start of a packet whose end has not come. */
	#partial: Uint8Array = EMPTY_BYTES;
	#bytes: Uint8Array = EMPTY_BYTES;
	#offset = 0;

	constructor(maximumPacketSize: number) {
		this.#maxPacketSize = maximumPacketSize;
	}

	/** Adds the next piece of the stream; it is not copied, so it must not change until `next` gives no more. */
	push(bytes: Uint8Array): void {
		const left = this.#bytes.length - this.#offset;
		this.#bytes = left === 0 ? bytes : concatBytes(this.#bytes.subarray(this.#offset), bytes);
		this.#offset = 0;
	}

	/** The next whole packet, or undefined. @throws CairnError `p2p-oversize-packet`, `p2p-bad-packet` */
	next(): Packet | undefined {
		if (this.#offset === this.#bytes.length) return undefined;
		if (this.#partial.length > 0) return this.#nextStitched();
		const end = this.#packetEnd(this.#bytes, this.#offset);
		if (end < 0) {
			this.#partial = this.#bytes.slice(this.#offset);
			this.#bytes = EMPTY_BYTES;
			this.#offset = 0;
			return undefined;
		}
		const packet = decodePacket(this.#bytes, this.#start, end);
		this.#offset = end;
		return packet;
	}

	/** A packet of which the first bytes came with the piece before. */
	#nextStitched(): Packet | undefined {
		const before = this.#partial.length;
		const take = Math.min(this.#bytes.length - this.#offset, MAX_PREFIX + this.#maxPacketSize);
		const whole = concatBytes(this.#partial, this.#bytes.subarray(this.#offset, this.#offset + take));
		const end = this.#packetEnd(whole, 0);
		if (end < 0) {
			invariant(take === this.#bytes.length - this.#offset, "one piece of the largest packet completes it");
			this.#partial = whole;
			this.#bytes = EMPTY_BYTES;
			this.#offset = 0;
			return undefined;
		}
		this.#partial = EMPTY_BYTES;
		this.#offset += end - before;
		return decodePacket(whole, this.#start, end);
	}

	/** Where the packet begins that `#packetEnd` found. */
	#start = 0;

	/** The end of the packet whose prefix is at `offset`, or -1 when it has not arrived. */
	#packetEnd(bytes: Uint8Array, offset: number): number {
		let length = 0;
		let scale = 1;
		for (let i = 0; i < MAX_PREFIX; i++) {
			const byte = bytes[offset + i];
			if (byte === undefined) return -1;
			length += (byte & 0x7f) * scale;
			scale *= 128;
			if (length > this.#maxPacketSize) break;
			if (byte < 0x80) {
				this.#start = offset + i + 1;
				const end = this.#start + length;
				return end <= bytes.length ? end : -1;
			}
		}
		const limit = this.#maxPacketSize;
		throw refusal("p2p-oversize-packet", `a packet exceeds ${limit} bytes or its length is malformed`, { limit });
	}
}

/** @throws CairnError `p2p-bad-packet` */
function decodePacket(bytes: Uint8Array, start: number, end: number): Packet {
	if (end - start === 2 && bytes[start + 1] === 0) {
		if (bytes[start] === TAG_PING) return PING;
		if (bytes[start] === TAG_PONG) return PONG;
	}
	return decodeUsual(bytes, start, end) ?? decodeAny(bytes.subarray(start, end));
}

/** The form that every implementation writes: fields in order, once, lengths of up to three bytes. */
function decodeUsual(bytes: Uint8Array, start: number, end: number): Packet | undefined {
	if (bytes[start] !== TAG_MSG) return undefined;
	let at = lengthToEnd(bytes, start + 1, end);
	if (at < 0) return undefined;
	let channelId = 0;
	if (at < end && bytes[at] === TAG_CHANNEL) {
		channelId = bytes[at + 1] as number;
		at += 2;
		if (channelId >= 0x80) channelId = (channelId & 0x7f) | ((bytes[at++] as number) << 7);
		if (channelId > 0xff) return undefined;
	}
	let eof = false;
	if (at < end && bytes[at] === TAG_EOF) {
		if (bytes[at + 1] !== 1) return undefined;
		eof = true;
		at += 2;
	}
	if (at === end) return { kind: "message", channelId, eof, data: EMPTY_BYTES };
	if (at > end || bytes[at] !== TAG_DATA) return undefined;
	at = lengthToEnd(bytes, at + 1, end);
	return at < 0 ? undefined : { kind: "message", channelId, eof, data: bytes.subarray(at, end) };
}

/** Where the content begins whose length at `at` reaches exactly to `end`; -1 if it does not. */
function lengthToEnd(bytes: Uint8Array, at: number, end: number): number {
	let length = 0;
	for (let i = 0; i < 3 && at + i < end; i++) {
		const byte = bytes[at + i] as number;
		length |= (byte & 0x7f) << (7 * i);
		if (byte < 0x80) return at + i + 1 + length === end ? at + i + 1 : -1;
	}
	return -1;
}

/** Whatever else protobuf allows: unknown fields, fields twice, odd varints. */
function decodeAny(bytes: Uint8Array): Packet {
	let sum: p2p.Packet["sum"];
	try {
		sum = p2p.Packet.decode(bytes).sum;
	} catch (cause) {
		if (!(cause instanceof DecodeError)) throw cause;
		throw refusal("p2p-bad-packet", `a packet does not decode: ${cause.message}`, cause.details, cause);
	}
	switch (sum?.kind) {
		case "packetPing":
			return PING;
		case "packetPong":
			return PONG;
		case "packetMsg":
			return { kind: "message", channelId: sum.value.channelId, eof: sum.value.eof, data: sum.value.data };
		case undefined:
			throw refusal("p2p-bad-packet", "a packet is of no known kind");
	}
}
