import type { Random } from "@cairn/kit";

const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Random letters and digits, as in the names of CometBFT's new chains. */
export function randomLetters(random: Random, length: number): string {
	let text = "";
	while (text.length < length) {
		for (const byte of random.bytes(length * 2)) {
			// 248 is the largest multiple of 62 in a byte: above it some letters would come more often.
			if (byte < 248 && text.length < length) text += LETTERS[byte % LETTERS.length];
		}
	}
	return text;
}
