import { textToBytes } from "@cairn/types/proto";

/** Deeper nesting is refused, as in Go. */
const MAX_DEPTH = 10_000;
const END = -1;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;

/** A place where the text is no JSON any more. */
class Fault {
	readonly message: string;

	constructor(message: string) {
		this.message = message;
	}
}

/**
 * Says in the words of Go's `encoding/json` what is wrong with a text; undefined where it is one JSON value. The answers
 * of CometBFT carry these words, so that its clients have come to know them. Slow: for texts known to be bad.
 */
export function syntaxFault(text: string): string | undefined {
	try {
		const scanner = new Scanner(textToBytes(text));
		scanner.value();
		scanner.end();
		return undefined;
	} catch (cause) {
		if (cause instanceof Fault) return cause.message;
		throw cause;
	}
}

class Scanner {
	readonly #bytes: Uint8Array;
	#at = 0;

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
	}

	#peek(): number {
		return this.#bytes[this.#at] ?? END;
	}

	#fault(context: string): Fault {
		const byte = this.#peek();
		if (byte !== END) return new Fault(`invalid character ${quoteByte(byte)} ${context}`);
		// Go ends every text with a space: only where that could stand it sees that the text has ended.
		const isSpaceWrong = /^(in (literal|numeric|exponent|string escape|\\u)|after decimal)/.test(context);
		return new Fault(isSpaceWrong ? `invalid character ' ' ${context}` : "unexpected end of JSON input");
	}

	#skipSpace(): void {
		for (let byte = this.#peek(); byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09; ) {
			this.#at++;
			byte = this.#peek();
		}
	}

	/** Only space may follow. */
	end(): void {
		this.#skipSpace();
		if (this.#peek() !== END) throw this.#fault("after top-level value");
	}

	/** One value: objects and arrays that are open stand on a stack, so that no text exhausts the call stack. */
	value(): void {
		const open: number[] = [];
		do {
			this.#skipSpace();
			const byte = this.#peek();
			if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
				if (open.push(byte) > MAX_DEPTH) throw new Fault("exceeded max depth");
				this.#at++;
				if (!this.#isEmpty(byte)) {
					if (byte === OPEN_BRACE) this.#key();
					continue;
				}
				open.pop();
			} else this.#scalar(byte);
			this.#close(open);
		} while (open.length > 0);
	}

	/** True if an object or array ends as soon as it has begun; its end is passed then. */
	#isEmpty(opening: number): boolean {
		this.#skipSpace();
		// The closing brackets stand two behind the opening ones in ASCII.
		if (this.#peek() !== opening + 2) return false;
		this.#at++;
		return true;
	}

	/** Behind a value: passes the ends of what it completes, or the comma and what precedes the next value. */
	#close(open: number[]): void {
		for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
			this.#skipSpace();
			const byte = this.#peek();
			if (byte !== COMMA && byte !== top + 2) {
				throw this.#fault(top === OPEN_BRACE ? "after object key:value pair" : "after array element");
			}
			this.#at++;
			if (byte === COMMA) {
				if (top === OPEN_BRACE) this.#key();
				return;
			}
			open.pop();
		}
	}

	/** The name of a member, and the colon behind it. */
	#key(): void {
		this.#skipSpace();
		if (this.#peek() !== QUOTE) throw this.#fault("looking for beginning of object key string");
		this.#string();
		this.#skipSpace();
		if (this.#peek() !== COLON) throw this.#fault("after object key");
		this.#at++;
	}

	#scalar(byte: number): void {
		if (byte === QUOTE) this.#string();
		else if (byte === 0x2d || isDigit(byte)) this.#number();
		else if (byte === 0x74) this.#literal("true");
		else if (byte === 0x66) this.#literal("false");
		else if (byte === 0x6e) this.#literal("null");
		else throw this.#fault("looking for beginning of value");
	}

	#string(): void {
		this.#at++;
		for (;;) {
			const byte = this.#peek();
			if (byte === 0x22) {
				this.#at++;
				return;
			}
			if (byte === 0x5c) this.#escape();
			else if (byte === END || byte < 0x20) throw this.#fault("in string literal");
			else this.#at++;
		}
	}

	#escape(): void {
		this.#at++;
		const byte = this.#peek();
		if (byte !== 0x75) {
			if (!'bfnrt\\/"'.includes(String.fromCharCode(byte))) throw this.#fault("in string escape code");
			this.#at++;
			return;
		}
		this.#at++;
		for (let i = 0; i < 4; i++) {
			if (!isHexDigit(this.#peek())) throw this.#fault("in \\u hexadecimal character escape");
			this.#at++;
		}
	}

	#number(): void {
		if (this.#peek() === 0x2d) this.#at++;
		if (this.#peek() === 0x30) this.#at++;
		else this.#digits("in numeric literal");
		if (this.#peek() === 0x2e) {
			this.#at++;
			this.#digits("after decimal point in numeric literal");
		}
		if (this.#peek() !== 0x65 && this.#peek() !== 0x45) return;
		this.#at++;
		if (this.#peek() === 0x2b || this.#peek() === 0x2d) this.#at++;
		this.#digits("in exponent of numeric literal");
	}

	#digits(context: string): void {
		if (!isDigit(this.#peek())) throw this.#fault(context);
		while (isDigit(this.#peek())) this.#at++;
	}

	#literal(word: string): void {
		this.#at++;
		for (const letter of word.slice(1)) {
			if (this.#peek() !== letter.charCodeAt(0)) throw this.#fault(`in literal ${word} (expecting '${letter}')`);
			this.#at++;
		}
	}
}

function isDigit(byte: number): boolean {
	return byte >= 0x30 && byte <= 0x39;
}

function isHexDigit(byte: number): boolean {
	return isDigit(byte) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
}

const SHORT_ESCAPES: Readonly<Record<number, string>> = {
	7: "\\a",
	8: "\\b",
	9: "\\t",
	10: "\\n",
	11: "\\v",
	12: "\\f",
	13: "\\r",
	39: "\\'",
	92: "\\\\",
};

/** One byte in single quotes as Go shows it: a byte above ASCII as the character of that number. */
export function quoteByte(byte: number): string {
	const short = SHORT_ESCAPES[byte];
	if (short !== undefined) return `'${short}'`;
	const printable = (byte >= 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
	if (printable) return `'${String.fromCharCode(byte)}'`;
	return byte < 0x80 ? `'\\x${byte.toString(16).padStart(2, "0")}'` : `'\\u${byte.toString(16).padStart(4, "0")}'`;
}
