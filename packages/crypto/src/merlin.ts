import { concatBytes, utf8 } from "@cairn/kit";
import { keccakP } from "@noble/hashes/sha3.js";
import { swap32IfBE } from "@noble/hashes/utils.js";

const STATE_SIZE = 200;
/** Rate of STROBE-128: 200 − 2·16 − 2 bytes. */
const RATE = 166;

const FLAG_I = 1;
const FLAG_A = 2;
const FLAG_C = 4;
const FLAG_M = 16;

/**
 * The part of STROBE-128 v1.0.2 that Merlin transcripts use: meta-AD, AD and PRF (strobe.sourceforge.io/specs).
 */
class Strobe128 {
	private readonly words = new Uint32Array(STATE_SIZE / 4);
	private readonly state = new Uint8Array(this.words.buffer);
	private position = 0;
	private begin = 0;

	constructor(label: Uint8Array) {
		this.state.set([1, RATE + 2, 1, 0, 1, 96]);
		this.state.set(utf8("STROBEv1.0.2"), 6);
		this.permute();
		this.metaAd(label);
	}

	metaAd(bytes: Uint8Array): void {
		this.startOperation(FLAG_M | FLAG_A);
		this.absorb(bytes);
	}

	ad(bytes: Uint8Array): void {
		this.startOperation(FLAG_A);
		this.absorb(bytes);
	}

	prf(length: number): Uint8Array {
		this.startOperation(FLAG_I | FLAG_A | FLAG_C);
		const out = new Uint8Array(length);
		for (let i = 0; i < length; i++) {
			out[i] = this.state[this.position] as number;
			this.state[this.position] = 0;
			this.advance();
		}
		return out;
	}

	private startOperation(flags: number): void {
		const previousBegin = this.begin;
		this.begin = this.position + 1;
		this.absorb(Uint8Array.of(previousBegin, flags));
		// Operations that use the cipher start on a fresh block.
		if ((flags & FLAG_C) !== 0 && this.position !== 0) this.runF();
	}

	private absorb(bytes: Uint8Array): void {
		for (const byte of bytes) {
			this.xor(this.position, byte);
			this.advance();
		}
	}

	private advance(): void {
		this.position++;
		if (this.position === RATE) this.runF();
	}

	private runF(): void {
		this.xor(this.position, this.begin);
		this.xor(this.position + 1, 0x04);
		this.xor(RATE + 1, 0x80);
		this.permute();
		this.position = 0;
		this.begin = 0;
	}

	private xor(at: number, byte: number): void {
		this.state[at] = (this.state[at] as number) ^ byte;
	}

	private permute(): void {
		// The permutation works on little-endian words in the order of this machine.
		swap32IfBE(this.words);
		keccakP(this.words);
		swap32IfBE(this.words);
	}
}

function littleEndian32(value: number): Uint8Array {
	return Uint8Array.of(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24);
}

/**
 * A Merlin transcript (merlin.cool): both sides append the same labelled messages and draw the same challenges.
 * CometBFT's SecretConnection binds its handshake with one.
 */
export class MerlinTranscript {
	private readonly strobe = new Strobe128(utf8("Merlin v1.0"));

	constructor(label: string) {
		this.appendMessage("dom-sep", utf8(label));
	}

	appendMessage(label: string, message: Uint8Array): void {
		this.strobe.metaAd(concatBytes(utf8(label), littleEndian32(message.length)));
		this.strobe.ad(message);
	}

	challengeBytes(label: string, length: number): Uint8Array {
		this.strobe.metaAd(concatBytes(utf8(label), littleEndian32(length)));
		return this.strobe.prf(length);
	}
}
