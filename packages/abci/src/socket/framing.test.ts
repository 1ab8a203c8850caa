import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DecodeError, toHex } from "@cairn/kit";
import { encodeDelimited } from "@cairn/types/proto";
import fc from "fast-check";
import { FrameReader } from "./framing.ts";

function read(stream: Uint8Array, cuts: readonly number[], limit?: number): Uint8Array[] {
	const reader = new FrameReader(limit);
	const messages: Uint8Array[] = [];
	const ends = [...cuts.map((cut) => cut % (stream.length + 1)), stream.length].sort((a, b) => a - b);
	let at = 0;
	for (const end of ends) {
		reader.push(stream.subarray(at, end), (message) => messages.push(message));
		at = end;
	}
	return messages;
}

const concat = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

describe("FrameReader", () => {
	it("gives back any messages, however the stream is cut", () => {
		const message = fc.uint8Array({ maxLength: 300 });
		const property = fc.property(fc.array(message), fc.array(fc.nat()), (messages, cuts) => {
			const found = read(concat(messages.map((bytes) => encodeDelimited(bytes))), cuts);
			assert.deepEqual(found.map(toHex), messages.map(toHex));
		});
		fc.assert(property, { numRuns: 500 });
	});

	it("survives any bytes: messages within the limit, or a DecodeError", () => {
		const property = fc.property(
			fc.uint8Array({ maxLength: 400 }),
			fc.array(fc.nat()),
			fc.nat(200),
			(stream, cuts, limit) => {
				try {
					for (const message of read(stream, cuts, limit)) assert.ok(message.length <= limit);
				} catch (cause) {
					assert.ok(cause instanceof DecodeError);
				}
			},
		);
		fc.assert(property, { numRuns: 2000 });
	});

	it("refuses a length above the limit before its bytes come, and takes no memory for one below", () => {
		const reader = new FrameReader();
		assert.throws(() => reader.push(Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x08), () => {}), DecodeError);
		const before = process.memoryUsage().arrayBuffers;
		const patient = new FrameReader();
		patient.push(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x07, 1, 2, 3), () => assert.fail("nothing is complete"));
		assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000);
		assert.equal(patient.isAtBoundary, false);
	});

	it("refuses a length of more than ten bytes", () => {
		const endless = new Uint8Array(11).fill(0x80);
		assert.throws(() => new FrameReader().push(endless, () => {}), DecodeError);
	});

	it("accepts a length that is longer than it needs to be, as Go does", () => {
		assert.deepEqual(read(Uint8Array.of(0x82, 0x00, 7, 8, 0x00), []), [Uint8Array.of(7, 8), new Uint8Array(0)]);
	});

	it("gives messages that do not change when the stream's buffer is reused", () => {
		const buffer = Uint8Array.of(2, 7, 8);
		const [message] = read(buffer, []);
		buffer.fill(0);
		assert.deepEqual(message, Uint8Array.of(7, 8));
	});

	it("joins a message of many pieces in linear time", () => {
		const size = 8_000_000;
		const stream = encodeDelimited(new Uint8Array(size).fill(9));
		const reader = new FrameReader();
		let found = 0;
		for (let at = 0; at < stream.length; at += 64) {
			reader.push(stream.subarray(at, at + 64), (message) => {
				found = message.length;
			});
		}
		assert.equal(found, size);
	});
});
