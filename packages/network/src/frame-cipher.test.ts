import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sealChaCha20Poly1305 } from "@cairn/crypto";
import { bytesEqual, concatBytes, EMPTY_BYTES } from "@cairn/kit";
import fc from "fast-check";
import { FrameOpener, FrameSealer } from "./frame-cipher.ts";
import { split } from "./test-connection.ts";

const key = Uint8Array.from({ length: 32 }, (_, i) => i);

function sealedOf(plaintext: Uint8Array): Uint8Array {
	return new FrameSealer(key).seal(plaintext);
}

describe("frames", () => {
	it("come out as they went in, however they were written and split", () => {
		const writes = fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 5 });
		const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });
		fc.assert(
			fc.property(writes, cuts, (parts, at) => {
				const sealer = new FrameSealer(key);
				const wire = concatBytes(...parts.map((part) => sealer.seal(part)));
				const opener = new FrameOpener(key);
				const opened = split(wire, at).map((piece) => opener.open(piece));
				return bytesEqual(concatBytes(...opened), concatBytes(...parts));
			}),
		);
	});

	it("come byte by byte", () => {
		const plaintext = Uint8Array.from({ length: 1500 }, (_, i) => i * 7);
		const opener = new FrameOpener(key);
		const opened = Array.from(sealedOf(plaintext), (byte) => opener.open(Uint8Array.of(byte)));
		assert.deepEqual(concatBytes(...opened), plaintext);
	});

	it("take 1044 bytes each and none for nothing", () => {
		assert.equal(sealedOf(EMPTY_BYTES).length, 0);
		assert.equal(sealedOf(new Uint8Array(1)).length, 1044);
		assert.equal(sealedOf(new Uint8Array(1024)).length, 1044);
		assert.equal(sealedOf(new Uint8Array(1025)).length, 2088);
	});

	it("do not change what they are opened from", () => {
		const wire = sealedOf(new Uint8Array(2500).fill(9));
		const before = wire.slice();
		new FrameOpener(key).open(wire);
		assert.deepEqual(wire, before);
	});

	it("are refused when a bit changed, when replayed, and in another order", () => {
		const wire = sealedOf(new Uint8Array(2048).fill(1));
		const first = wire.slice(0, 1044);
		const second = wire.slice(1044);
		const changed = first.slice();
		changed[500] = (changed[500] ?? 0) ^ 1;
		for (const bad of [changed, concatBytes(first, first), second]) {
			assert.throws(() => new FrameOpener(key).open(bad), { code: "p2p-bad-frame", blame: "peer" });
		}
	});

	it("that claim more than 1024 bytes are refused", () => {
		for (const length of [1025, 0x10000, 0xffff_ffff]) {
			const frame = new Uint8Array(1028);
			new DataView(frame.buffer).setUint32(0, length, true);
			const wire = sealChaCha20Poly1305(key, new Uint8Array(12), frame);
			assert.throws(() => new FrameOpener(key).open(wire), { code: "p2p-bad-frame", blame: "peer" });
		}
	});

	it("use the nonce of all ones once, then the session is over", () => {
		const last = 0xffff_ffff_ffff_ffffn;
		const sealer = new FrameSealer(key, last);
		const wire = sealer.seal(Uint8Array.of(1, 2, 3));
		assert.throws(() => sealer.seal(Uint8Array.of(4)), { code: "p2p-nonce-exhausted" });
		const opener = new FrameOpener(key, last);
		assert.deepEqual(opener.open(wire), Uint8Array.of(1, 2, 3));
		assert.throws(() => opener.open(wire), { code: "p2p-nonce-exhausted" });
	});

	it("carry the counter over byte borders", () => {
		const sealer = new FrameSealer(key, 0xfffffen);
		const opener = new FrameOpener(key, 0xfffffen);
		for (let i = 0; i < 5; i++) assert.deepEqual(opener.open(sealer.seal(Uint8Array.of(i))), Uint8Array.of(i));
		const independent = new FrameOpener(key, 0x1000003n);
		assert.deepEqual(independent.open(sealer.seal(Uint8Array.of(9))), Uint8Array.of(9));
	});
});
