import { concatBytes, DecodeError, EMPTY_BYTES } from "@cairn/kit";
import { readDelimited } from "@cairn/types/proto";
import { type RefusalCode, refusal } from "./refusal.ts";

/** A message as a view, and what followed it in the stream. */
export interface TakenMessage {
	readonly message: Uint8Array;
	readonly rest: Uint8Array;
}

/** Waits for one length-prefixed message of a stream, keeping no more than its bound plus one piece of the stream. */
export class FirstMessage {
	readonly #limit: number;
	readonly #code: RefusalCode;
	#bytes: Uint8Array = EMPTY_BYTES;

	/** `limit` is the longest message accepted, `code` what to refuse a longer or malformed one with. */
	constructor(limit: number, code: RefusalCode) {
		this.#limit = limit;
		this.#code = code;
	}

	/** Undefined until the message is complete. @throws CairnError as soon as its length is malformed or too large */
	push(bytes: Uint8Array): TakenMessage | undefined {
		this.#bytes = this.#bytes.length === 0 ? bytes : concatBytes(this.#bytes, bytes);
		try {
			const found = readDelimited(this.#bytes, 0, this.#limit);
			return found && { message: found.message, rest: this.#bytes.subarray(found.next) };
		} catch (cause) {
			if (!(cause instanceof DecodeError)) throw cause;
			throw refusal(this.#code, cause.message, cause.details, cause);
		}
	}
}
