import type { ReadStream } from "node:tty";

const CTRL_C = "\u0003";

/**
 * Reads keys one by one and keeps them off the screen, where standard input is a terminal: Ctrl-C and q call `onStop`.
 * Returns how to give the keyboard back; may be called repeatedly.
 */
export function listenToKeys(input: ReadStream, onStop: () => void): () => void {
	if (!input.isTTY) return () => {};
	const take = (keys: Buffer): void => {
		const text = keys.toString("utf8");
		if (text.includes(CTRL_C) || text === "q") onStop();
	};
	input.setRawMode(true);
	input.on("data", take);
	input.resume();
	return () => {
		input.off("data", take);
		input.setRawMode(false);
		input.pause();
	};
}
