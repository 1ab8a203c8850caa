import { AEAD_NONCE_SIZE, openChaCha20Poly1305, sealChaCha20Poly1305 } from "@cairn/crypto";
import { DecodeError, EMPTY_BYTES } from "@cairn/kit";
import { FRAME_DATA_SIZE, FRAME_LENGTH_SIZE, FRAME_SIZE, SEALED_FRAME_SIZE } from "./limits.ts";
import { refusal } from "./refusal.ts";

/**
 * The nonce of one direction: 64 bits, little-endian, in bytes 4 to 11. As in Go the session ends when the counter
 * would wrap, after the nonce of all ones has been used, so that no nonce is ever used twice with a key.
 */
class FrameNonce {
	readonly bytes = new Uint8Array(AEAD_NONCE_SIZE);
	#exhausted = false;

	constructor(counter: bigint) {
		new DataView(this.bytes.buffer).setBigUint64(4, counter, true);
	}

	/** Call before each use. @throws CairnError `p2p-nonce-exhausted` */
	check(): void {
		if (this.#exhausted) throw refusal("p2p-nonce-exhausted", "the frame counter of this session is used up");
	}

	advance(): void {
		const bytes = this.bytes;
		for (let i = 4; i < AEAD_NONCE_SIZE; i++) {
			const next = ((bytes[i] as number) + 1) & 0xff;
			bytes[i] = next;
			if (next !== 0) return;
		}
		this.#exhausted = true;
	}
}

/**
 * Cuts plaintext into frames and seals them: 4 bytes little-endian length, 1024 bytes of data padded with zeros,
 * tag.
 */
export class FrameSealer {
	readonly #key: Uint8Array;
	readonly #nonce: FrameNonce;
	/** Sealing from one buffer into another is a tenth faster than in place. */
	readonly #frame = new Uint8Array(FRAME_SIZE);

	/** `counter` is 0 except in tests of its end. */
	constructor(key: Uint8Array, counter = 0n) {
		this.#key = key;
		this.#nonce = new FrameNonce(counter);
	}

	/** The frames in one fresh buffer; none for no data. @throws CairnError `p2p-nonce-exhausted` */
	seal(plaintext: Uint8Array): Uint8Array {
		const count = Math.ceil(plaintext.length / FRAME_DATA_SIZE);
		const wire = new Uint8Array(count * SEALED_FRAME_SIZE);
		const frame = this.#frame;
		for (let i = 0, at = 0; i < count; i++, at += SEALED_FRAME_SIZE) {
			const start = i * FRAME_DATA_SIZE;
			const length = Math.min(FRAME_DATA_SIZE, plaintext.length - start);
			frame[0] = length & 0xff;
			frame[1] = length >>> 8;
			frame.set(plaintext.subarray(start, start + length), FRAME_LENGTH_SIZE);
			if (length < FRAME_DATA_SIZE) frame.fill(0, FRAME_LENGTH_SIZE + length);
			this.#nonce.check();
			sealChaCha20Poly1305(this.#key, this.#nonce.bytes, frame, wire.subarray(at, at + SEALED_FRAME_SIZE));
			this.#nonce.advance();
		}
		return wire;
	}
}

/** Opens what a `FrameSealer` made, however the bytes are split on their way. */
export class FrameOpener {
	readonly #key: Uint8Array;
	readonly #nonce: FrameNonce;
	readonly #partial = new Uint8Array(SEALED_FRAME_SIZE);
	#partialLength = 0;

	/** `counter` is 0 except in tests of its end. */
	constructor(key: Uint8Array, counter = 0n) {
		this.#key = key;
		this.#nonce = new FrameNonce(counter);
	}

	/**
	 * The data of all frames that `chunk` completes, in one fresh buffer; the rest is kept (less than one frame).
	 * @throws CairnError `p2p-bad-frame` when a frame does not open or says that it holds more than 1024 bytes
	 */
	open(chunk: Uint8Array): Uint8Array {
		const count = Math.floor((this.#partialLength + chunk.length) / SEALED_FRAME_SIZE);
		if (count === 0) {
			this.#partial.set(chunk, this.#partialLength);
			this.#partialLength += chunk.length;
			return EMPTY_BYTES;
		}
		// One frame more than the data needs: each frame is opened where its data belongs, its length four bytes before.
		const opened = new Uint8Array(FRAME_LENGTH_SIZE + count * FRAME_DATA_SIZE);
		let offset = 0;
		let end = FRAME_LENGTH_SIZE;
		if (this.#partialLength > 0) {
			offset = SEALED_FRAME_SIZE - this.#partialLength;
			this.#partial.set(chunk.subarray(0, offset), this.#partialLength);
			end = this.#openFrame(this.#partial, opened, end);
		}
		for (; offset + SEALED_FRAME_SIZE <= chunk.length; offset += SEALED_FRAME_SIZE) {
			end = this.#openFrame(chunk.subarray(offset, offset + SEALED_FRAME_SIZE), opened, end);
		}
		this.#partialLength = chunk.length - offset;
		this.#partial.set(chunk.subarray(offset));
		return opened.subarray(FRAME_LENGTH_SIZE, end);
	}

	/** Opens one frame so that its data starts at `end`; gives the new end. */
	#openFrame(sealed: Uint8Array, opened: Uint8Array, end: number): number {
		const at = end - FRAME_LENGTH_SIZE;
		const b0 = opened[at] as number;
		const b1 = opened[at + 1] as number;
		const b2 = opened[at + 2] as number;
		const b3 = opened[at + 3] as number;
		this.#nonce.check();
		try {
			openChaCha20Poly1305(this.#key, this.#nonce.bytes, sealed, opened.subarray(at, at + FRAME_SIZE));
		} catch (cause) {
			if (!(cause instanceof DecodeError)) throw cause;
			throw refusal(
				"p2p-bad-frame",
				"a frame does not open: it was changed, or the other side is not who it was",
				{},
				cause,
			);
		}
		this.#nonce.advance();
		const length =
			((opened[at] as number) |
				((opened[at + 1] as number) << 8) |
				((opened[at + 2] as number) << 16) |
				((opened[at + 3] as number) << 24)) >>>
			0;
		if (length > FRAME_DATA_SIZE)
			throw refusal("p2p-bad-frame", `a frame says that it holds ${length} bytes`, { length });
		// The data of the frame before ended here: give it back its last four bytes.
		opened[at] = b0;
		opened[at + 1] = b1;
		opened[at + 2] = b2;
		opened[at + 3] = b3;
		return end + length;
	}
}
