import { DecodeError } from "@cairn/kit";
import { syntaxFault } from "./go-scanner.ts";

export type GoJsonKind = "object" | "array" | "string" | "number" | "bool" | "null";

const LONE_SURROGATE = /\p{Surrogate}/u;
const ALL_LONE_SURROGATES = /\p{Surrogate}/gu;

/**
 * A JSON value of a request with the text it was written in: CometBFT tells the number 5 from the text "5" and quotes
 * requests in its errors. Reads what Go's `encoding/json` reads: any key order, the last of equal keys counts.
 */
export class GoJson {
	/** As written, without space around it. */
	readonly text: string;
	/** Resolved only where it is asked for: most values are small, and some are large texts. */
	readonly kind: GoJsonKind;

	private constructor(text: string) {
		this.text = text;
		this.kind = kindOf(text);
	}

	/** @throws DecodeError with Go's words where the text is not one JSON value */
	static parse(text: string): GoJson {
		try {
			JSON.parse(text);
		} catch {
			throw new DecodeError(syntaxFault(text) ?? "invalid JSON");
		}
		return new GoJson(text.trim());
	}

	/** The members of an object, none for other values. */
	members(): ReadonlyMap<string, GoJson> {
		const members = new Map<string, GoJson>();
		for (const [name, value] of this.pairs()) members.set(name, value);
		return members;
	}

	/** The members of an object in the order written, equal names as often as they occur. */
	pairs(): (readonly [string, GoJson])[] {
		const pairs: (readonly [string, GoJson])[] = [];
		const { text } = this;
		if (this.kind !== "object") return pairs;
		for (let at = skipSpace(text, 1); text[at] !== "}"; ) {
			const keyEnd = endOfValue(text, at);
			const start = skipSpace(text, skipSpace(text, keyEnd) + 1);
			const end = endOfValue(text, start);
			pairs.push([JSON.parse(text.slice(at, keyEnd)) as string, new GoJson(text.slice(start, end))]);
			at = skipSeparator(text, end);
		}
		return pairs;
	}

	/** The items of an array, none for other values. */
	items(): GoJson[] {
		const items: GoJson[] = [];
		const { text } = this;
		if (this.kind !== "array") return items;
		for (let at = skipSpace(text, 1); text[at] !== "]"; ) {
			const end = endOfValue(text, at);
			items.push(new GoJson(text.slice(at, end)));
			at = skipSeparator(text, end);
		}
		return items;
	}

	/** The text that a string stands for. What is no character becomes U+FFFD, as in Go. */
	string(): string {
		const text = JSON.parse(this.text) as string;
		return LONE_SURROGATE.test(text) ? text.replace(ALL_LONE_SURROGATES, "\ufffd") : text;
	}

	/** What Go says when a value of this kind is to become one of its types: `json: cannot unmarshal …`. */
	mismatch(goType: string): DecodeError {
		return new DecodeError(`json: cannot unmarshal ${this.kind} into Go value of type ${goType}`);
	}
}

function kindOf(text: string): GoJsonKind {
	switch (text[0]) {
		case "{":
			return "object";
		case "[":
			return "array";
		case '"':
			return "string";
		case "t":
		case "f":
			return "bool";
		case "n":
			return "null";
		default:
			return "number";
	}
}

// From here on the text is known to be JSON.

function skipSpace(text: string, start: number): number {
	let at = start;
	for (let code = text.charCodeAt(at); code === 32 || code === 10 || code === 13 || code === 9; ) {
		code = text.charCodeAt(++at);
	}
	return at;
}

function skipSeparator(text: string, start: number): number {
	const at = skipSpace(text, start);
	return text[at] === "," ? skipSpace(text, at + 1) : at;
}

/** Offset behind the value that begins at `start`. */
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

/** Long texts are passed in leaps from quote to quote. */
function endOfString(text: string, start: number): number {
	for (let at = text.indexOf('"', start + 1); ; at = text.indexOf('"', at + 1)) {
		let slashes = 0;
		while (text[at - 1 - slashes] === "\\") slashes++;
		if (slashes % 2 === 0) return at + 1;
	}
}
