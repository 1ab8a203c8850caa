import { readFileSync } from "node:fs";

/** A file of vectors/ (made by the real CometBFT v0.40.0); the caller names the shape it has. For tests only. */
export function readVectors<Shape>(name: string): Shape {
	return JSON.parse(readFileSync(new URL(`../../../../vectors/${name}`, import.meta.url), "utf8")) as Shape;
}

export interface InvalidMessage {
	readonly decoder: string;
	readonly name: string;
	/** Null where the message is too long to be written down; its name says how to build it. */
	readonly hex: string | null;
	readonly accepted: boolean;
	readonly failed_stage?: string;
	readonly error?: string | null;
}

export interface WrittenMessage extends InvalidMessage {
	readonly hex: string;
}

/** The messages of vectors/invalid.json for one decoder, without those to be built. */
export function messagesFor(decoder: string): readonly WrittenMessage[] {
	const { messages } = readVectors<{ readonly messages: readonly InvalidMessage[] }>("invalid.json");
	return messages.filter((each): each is WrittenMessage => each.hex !== null && each.decoder.startsWith(decoder));
}
