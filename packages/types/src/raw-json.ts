import { DecodeError, messageOf } from "@cairn/kit";

/**
 * JSON values as the text they were written in. Genesis files need it: `app_state` is handed to the application
 * byte for byte, and CometBFT tells the number 5 from the text "5". Rules are those of Go's `libs/json`: 64-bit
 * integers are texts, null is the zero value, unknown keys are ignored, the last of equal keys counts.
 */
export class RawJson {
	/** The value as written, without space around it. */
	readonly text: string;
	readonly #path: string;

	private constructor(text: string, path: string) {
		this.text = text;
		this.#path = path;
	}

	/** @throws DecodeError unless the text is one JSON value */
	static parse(text: string): RawJson {
		try {
			JSON.parse(text);
		} catch (cause) {
			throw new DecodeError(`not JSON: ${messageOf(cause)}`);
		}
		return new RawJson(text.trim(), "");
	}

	get isNull(): boolean {
		return this.text === "null";
	}

	/** The members of an object; of null, none. @throws DecodeError on other values */
	members(): ReadonlyMap<string, RawJson> {
		const members = new Map<string, RawJson>();
		if (this.isNull) return members;
		if (!this.text.startsWith("{")) throw this.#error("an object");
		for (let at = skipSpace(this.text, 1); this.text[at] !== "}"; ) {
			const keyEnd = endOfValue(this.text, at);
			const key = JSON.parse(this.text.slice(at, keyEnd)) as string;
			const start = skipSpace(this.text, skipSpace(this.text, keyEnd) + 1);
			const end = endOfValue(this.text, start);
			members.set(key, new RawJson(this.text.slice(start, end), `${this.#path}.${key}`));
			at = skipSeparator(this.text, end);
		}
		return members;
	}

	/** The items of an array; of null, none. @throws DecodeError on other values */
	items(): RawJson[] {
		const items: RawJson[] = [];
		if (this.isNull) return items;
		if (!this.text.startsWith("[")) throw this.#error("an array");
		for (let at = skipSpace(this.text, 1); this.text[at] !== "]"; ) {
			const end = endOfValue(this.text, at);
			items.push(new RawJson(this.text.slice(at, end), `${this.#path}[${items.length}]`));
			at = skipSeparator(this.text, end);
		}
		return items;
	}

	/** A text; of null, the empty one. @throws DecodeError on other values */
	string(): string {
		if (this.isNull) return "";
		if (!this.text.startsWith('"')) throw this.#error("a text");
		return JSON.parse(this.text) as string;
	}

	/** What stands between the quotes, escapes unresolved; of null, undefined. @throws DecodeError on other values */
	quoted(): string | undefined {
		if (this.isNull) return undefined;
		if (!this.text.startsWith('"')) throw this.#error("a text");
		return this.text.slice(1, -1);
	}

	/** A signed 64-bit integer, which must stand in quotes; of null, zero. @throws DecodeError */
	int64(): bigint {
		const value = this.#integer(/^ *(-?(?:0|[1-9][0-9]*)|null) *$/);
		if (BigInt.asIntN(64, value) !== value) throw this.#error("a 64-bit integer");
		return value;
	}

	/** An unsigned 64-bit integer, which must stand in quotes; of null, zero. @throws DecodeError */
	uint64(): bigint {
		const value = this.#integer(/^ *((?:0|[1-9][0-9]*)|null) *$/);
		if (BigInt.asUintN(64, value) !== value) throw this.#error("an unsigned 64-bit integer");
		return value;
	}

	#integer(form: RegExp): bigint {
		if (this.isNull) return 0n;
		if (!this.text.startsWith('"')) throw this.#error("a 64-bit integer in quotes");
		const digits = form.exec(this.text.slice(1, -1))?.[1];
		if (digits === undefined) throw this.#error("a 64-bit integer in quotes");
		return digits === "null" ? 0n : BigInt(digits);
	}

	#error(expected: string): DecodeError {
		return new DecodeError(`${this.#path.slice(1) || "value"}: expected ${expected}, got ${this.text.slice(0, 40)}`);
	}
}

/** The text is known to be JSON from here on. */
function skipSpace(text: string, start: number): number {
	let at = start;
	while (" \t\r\n".includes(text.charAt(at))) at++;
	return at;
}

function skipSeparator(text: string, start: number): number {
	const at = skipSpace(text, start);
	return text[at] === "," ? skipSpace(text, at + 1) : at;
}

/** Offset after the value that begins at `start`. */
function endOfValue(text: string, start: number): number {
	if (text[start] === '"') return endOfString(text, start);
	if (text[start] !== "{" && text[start] !== "[") {
		let at = start;
		while (at < text.length && !",]} \t\r\n".includes(text.charAt(at))) at++;
		return at;
	}
	let depth = 0;
	for (let at = start; ; at++) {
		const character = text[at];
		if (character === '"') at = endOfString(text, at) - 1;
		else if (character === "{" || character === "[") depth++;
		else if (character === "}" || character === "]") depth--;
		if (depth === 0) return at + 1;
	}
}

function endOfString(text: string, start: number): number {
	let at = start + 1;
	while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
	return at + 1;
}
