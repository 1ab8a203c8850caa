import { sha256 } from "@cairn/crypto";
import { fromHex, invariant, toHex, ValidationError } from "@cairn/kit";
import { CONTENT_SENML_CBOR, encodeHeader, encodeSign1, NO_MESSAGE, signedBytesOf } from "../state-machine/cose.ts";
import { didOf } from "../state-machine/device-key.ts";
import { encodeSenml, type Measurement } from "../state-machine/senml.ts";
import type { Signer } from "./key.ts";

/** What a device has to keep, written down before a message leaves: with an old copy it would sign a number twice. */
export interface DeviceMemory {
	/** Sequence number of the next message. */
	readonly nextSequence: number;
	/** Digest of the message before it, in hex. */
	readonly previous: string;
}

/** The memory of a device that has not said anything. */
export const NEW_DEVICE: DeviceMemory = { nextSequence: 1, previous: NO_MESSAGE };

/** How far a device jumps ahead when it resumes from what the chain knows: messages of its own may still be on their way. */
export const RESUME_JUMP = 16;

/**
 * A device that signs readings: its key, its sequence number, and the chain of its messages. Without Node built-ins, so
 * that it runs in browsers and on small boards.
 */
export class DeviceIdentity {
	readonly signer: Signer;
	readonly chainId: string;
	#memory: DeviceMemory;

	/** @throws ValidationError for a memory that cannot be */
	constructor(signer: Signer, chainId: string, memory: DeviceMemory = NEW_DEVICE) {
		if (
			!Number.isSafeInteger(memory.nextSequence) ||
			memory.nextSequence < 1 ||
			!/^[0-9a-f]{64}$/.test(memory.previous)
		) {
			throw new ValidationError("a device's memory: nextSequence is from 1 on, previous 64 hex digits");
		}
		this.signer = signer;
		this.chainId = chainId;
		this.#memory = memory;
	}

	/** did:key of the device. */
	get id(): string {
		return didOf(this.signer.key.id);
	}

	/** What to keep. */
	get memory(): DeviceMemory {
		return this.#memory;
	}

	/** Signs a pack of measurements as the next message, and moves on. */
	signReading(measurements: readonly Measurement[]): Uint8Array {
		const { nextSequence, previous } = this.#memory;
		const { tx, digest } = this.signMessage(measurements, nextSequence, fromHex(previous));
		this.#memory = { nextSequence: nextSequence + 1, previous: toHex(digest) };
		return tx;
	}

	/** Signs a message with any position, without moving on. */
	signMessage(
		measurements: readonly Measurement[],
		sequence: number,
		previous: Uint8Array,
	): { tx: Uint8Array; digest: Uint8Array } {
		invariant(measurements.length > 0, "a message has at least one measurement");
		const { key } = this.signer;
		const header = encodeHeader({ key, contentType: CONTENT_SENML_CBOR, chainId: this.chainId, sequence, previous });
		const payload = encodeSenml(measurements);
		const signedBytes = signedBytesOf(header, payload);
		return { tx: encodeSign1(header, payload, this.signer.sign(signedBytes)), digest: sha256(signedBytes) };
	}

	/**
	 * Goes on from `next_sequence` of the chain's `/device/<id>`, for a device that has lost its memory. It jumps ahead, so
	 * that no number is signed twice even if a message of before is still under way; the jump shows as missing.
	 */
	resume(nextSequenceOnChain: number, jump = RESUME_JUMP): void {
		const nextSequence = Math.max(this.#memory.nextSequence, nextSequenceOnChain + jump);
		this.#memory = { nextSequence, previous: this.#memory.previous };
	}
}
