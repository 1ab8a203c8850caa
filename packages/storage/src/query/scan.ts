import { DecodeError } from "@cairn/kit";
import { parseDate, parseTime } from "./moment.ts";

export type TokenKind =
	| "tag"
	| "string"
	| "number"
	| "time"
	| "date"
	| "AND"
	| "CONTAINS"
	| "EXISTS"
	| "="
	| "<"
	| "<="
	| ">"
	| ">=";

export interface Token {
	readonly kind: TokenKind;
	readonly text: string;
	/** Where it begins, in bytes. */
	readonly offset: number;
}

/** What is next in the text; `end` also where a quote is never closed, as in CometBFT's scanner. */
export type Next =
	| { readonly kind: "token"; readonly token: Token }
	| { readonly kind: "end"; readonly offset: number }
	| { readonly kind: "invalid"; readonly offset: number; readonly why: string };

const WORDS: ReadonlySet<string> = new Set(["AND", "CONTAINS", "EXISTS"]);
const SPACE = /[\t-\r\u0085\p{Z}]/u;
const FIRST_OF_TAG = /[_\p{L}\p{Nd}]/u;
const IN_TAG = /[._\-\p{L}\p{Nd}]/u;
const DIGIT = /[0-9]/;
const IN_TIME = /[-T:+Z0-9]/;
const IN_DATE = /[-0-9]/;
const FIRST_YEAR = 1900;
const LAST_YEAR = 2999;

/** Cuts a query into tokens (libs/pubsub/query/syntax/scanner.go). Offsets count bytes, as Go's do. */
export class Scanner {
	readonly #runes: readonly string[];
	#at = 0;
	#bytes = 0;

	constructor(text: string) {
		this.#runes = [...text];
	}

	next(): Next {
		while (SPACE.test(this.#peek())) this.#take();
		const offset = this.#bytes;
		const rune = this.#take();
		if (rune === "") return { kind: "end", offset };
		if (DIGIT.test(rune)) return this.#number(rune, offset);
		if (FIRST_OF_TAG.test(rune)) return this.#word(rune, offset);
		if (rune === "'") return this.#string(offset);
		if (rune === "=") return token("=", rune, offset);
		if (rune === "<" || rune === ">") {
			if (this.#peek() !== "=") return token(rune, rune, offset);
			this.#take();
			return token(`${rune}=`, `${rune}=`, offset);
		}
		return { kind: "invalid", offset, why: `invalid input ${rune} at offset ${this.#bytes}` };
	}

	#number(first: string, offset: number): Next {
		let text = first + this.#takeWhile(DIGIT);
		if (this.#peek() === ".") text += this.#take() + this.#takeWhile(DIGIT);
		return token("number", text, offset);
	}

	#string(offset: number): Next {
		let text = "";
		for (;;) {
			const rune = this.#take();
			if (rune === "") return { kind: "end", offset };
			if (rune === "'") return token("string", text, offset);
			text += rune;
		}
	}

	#word(first: string, offset: number): Next {
		const text = first + this.#takeWhile(IN_TAG);
		if ((text === "TIME" || text === "DATE") && this.#peek() === " ") {
			this.#take();
			return text === "TIME" ? this.#time(offset) : this.#date(offset);
		}
		return token(WORDS.has(text) ? (text as TokenKind) : "tag", text, offset);
	}

	#time(offset: number): Next {
		const text = this.#takeWhile(IN_TIME);
		const moment = parseTime(text);
		if (moment === null) return { kind: "invalid", offset, why: `invalid TIME value: ${JSON.stringify(text)}` };
		if (!isYearInRange(moment.year)) {
			return { kind: "invalid", offset, why: `timestamp year ${moment.year} out of range` };
		}
		return token("time", text, offset);
	}

	#date(offset: number): Next {
		const text = this.#takeWhile(IN_DATE);
		const moment = parseDate(text);
		if (moment === null) return { kind: "invalid", offset, why: `invalid DATE value: ${JSON.stringify(text)}` };
		if (!isYearInRange(moment.year)) {
			return { kind: "invalid", offset, why: `datestamp year ${moment.year} out of range` };
		}
		return token("date", text, offset);
	}

	#takeWhile(kind: RegExp): string {
		let text = "";
		while (kind.test(this.#peek())) text += this.#take();
		return text;
	}

	#peek(): string {
		return this.#runes[this.#at] ?? "";
	}

	#take(): string {
		const rune = this.#peek();
		if (rune !== "") this.#at++;
		this.#bytes += utf8Length(rune);
		return rune;
	}
}

function token(kind: TokenKind, text: string, offset: number): Next {
	return { kind: "token", token: { kind, text, offset } };
}

function isYearInRange(year: number): boolean {
	return year >= FIRST_YEAR && year <= LAST_YEAR;
}

function utf8Length(rune: string): number {
	const code = rune.codePointAt(0);
	if (code === undefined) return 0;
	return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

/** A query that cannot be read; `details.offset` says where, in bytes. */
export function queryError(offset: number, why: string): DecodeError {
	return new DecodeError(`offset ${offset}: ${why}`, { offset });
}
