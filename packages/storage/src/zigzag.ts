import { DecodeError } from "@cairn/kit";

/** Go's `binary.PutVarint`: a signed integer as a zig-zag varint. */
export function zigzagToBytes(value: bigint): Uint8Array {
	const bytes: number[] = [];
	let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
	for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
	bytes.push(Number(rest));
	return Uint8Array.from(bytes);
}

/** @throws DecodeError when the bytes end inside the varint or it has more than 64 bits */
export function zigzagFromBytes(bytes: Uint8Array): bigint {
	let raw = 0n;
	for (const [index, byte] of bytes.entries()) {
		if (index > 9) break;
		raw |= BigInt(byte & 0x7f) << BigInt(7 * index);
		if (byte < 0x80) return BigInt.asIntN(64, (raw >> 1n) ^ -(raw & 1n));
	}
	throw new DecodeError("malformed varint", { length: bytes.length });
}
