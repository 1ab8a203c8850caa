import { textToBytes } from "@cairn/types/proto";

/** Keys are cut from slabs of this size: to allocate each for itself costs more than to write it. */
const SLAB = 16384;

/** Writes keys of text, one after the other. A key keeps the memory of its neighbours alive. */
export class KeyBuilder {
	#bytes = new Uint8Array(SLAB);
	#start = 0;
	#end = 0;

	/** Adds a text to the key. */
	text(text: string): this {
		this.#reserve(text.length);
		const bytes = this.#bytes;
		let at = this.#end;
		for (let i = 0; i < text.length; i++) {
			const code = text.charCodeAt(i);
			if (code >= 0x80) return this.#encoded(textToBytes(text));
			bytes[at++] = code;
		}
		this.#end = at;
		return this;
	}

	/** The key; the next one begins. */
	take(): Uint8Array {
		const key = this.#bytes.subarray(this.#start, this.#end);
		this.#start = this.#end;
		return key;
	}

	#encoded(text: Uint8Array): this {
		this.#reserve(text.length);
		this.#bytes.set(text, this.#end);
		this.#end += text.length;
		return this;
	}

	#reserve(room: number): void {
		if (this.#end + room <= this.#bytes.length) return;
		const begun = this.#bytes.subarray(this.#start, this.#end);
		const grown = new Uint8Array(Math.max(SLAB, 2 * (begun.length + room)));
		grown.set(begun);
		this.#bytes = grown;
		this.#end = begun.length;
		this.#start = 0;
	}
}
