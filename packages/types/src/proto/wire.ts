import { DecodeError, invariant } from "@cairn/kit";

/** Something read from bytes, and the offset after it. */
export interface Uvarint {
	readonly value: number;
	readonly next: number;
}

/** A view of the message between its length and the next message, and the offset of that. */
export interface Delimited {
	readonly message: Uint8Array;
	readonly next: number;
}

/** How many bytes `encodeUvarint` makes of this non-negative safe integer. */
export function uvarintLength(value: number): number {
	let length = 1;
	for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) length++;
	return length;
}

/** Writes a varint at `offset` and returns the offset after it. */
export function writeUvarint(bytes: Uint8Array, offset: number, value: number): number {
	invariant(Number.isSafeInteger(value) && value >= 0, "a varint here is a non-negative safe integer", { value });
	let at = offset;
	let rest = value;
	while (rest >= 0x80) {
		bytes[at++] = (rest % 128) | 0x80;
		rest = Math.floor(rest / 128);
	}
	bytes[at++] = rest;
	return at;
}

/** An unsigned varint of a non-negative safe integer (Go's `binary.PutUvarint`). */
export function encodeUvarint(value: number): Uint8Array {
	const bytes = new Uint8Array(uvarintLength(value));
	writeUvarint(bytes, 0, value);
	return bytes;
}

/**
 * Reads an unsigned varint (Go's `binary.Uvarint`); undefined when the bytes end inside it.
 * @throws DecodeError when it has more than 64 bits or is beyond the safe integers (nothing we measure is that long)
 */
export function readUvarint(bytes: Uint8Array, offset: number): Uvarint | undefined {
	let value = 0;
	let scale = 1;
	for (let count = 0; count < 10; count++) {
		const byte = bytes[offset + count];
		if (byte === undefined) return undefined;
		value += (byte & 0x7f) * scale;
		scale *= 128;
		if (byte < 0x80) {
			if (value > Number.MAX_SAFE_INTEGER) throw new DecodeError("varint out of range");
			return { value, next: offset + count + 1 };
		}
	}
	throw new DecodeError("varint of more than 10 bytes");
}

/** The message with its length before it, as on the ABCI socket and on multiplexed connections. */
export function encodeDelimited(message: Uint8Array): Uint8Array {
	const bytes = new Uint8Array(uvarintLength(message.length) + message.length);
	bytes.set(message, writeUvarint(bytes, 0, message.length));
	return bytes;
}

/**
 * Finds the length-prefixed message at `offset`; undefined when not all of it is there yet.
 * @throws DecodeError when its length is malformed or greater than `limit` bytes (before waiting for its bytes)
 */
export function readDelimited(bytes: Uint8Array, offset: number, limit: number): Delimited | undefined {
	const length = readUvarint(bytes, offset);
	if (length === undefined) return undefined;
	if (length.value > limit) throw new DecodeError("message exceeds its limit", { length: length.value, limit });
	const next = length.next + length.value;
	if (next > bytes.length) return undefined;
	return { message: new Uint8Array(bytes.buffer, bytes.byteOffset + length.next, length.value), next };
}
