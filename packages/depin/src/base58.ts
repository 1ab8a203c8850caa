import { DecodeError } from "@cairn/kit";

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** Base58 with Bitcoin's alphabet (draft-msporny-base58-03), the `z` of multibase. */
export function toBase58(bytes: Uint8Array): string {
	let zeroes = 0;
	while (bytes[zeroes] === 0) zeroes++;
	const digits: number[] = [];
	for (const byte of bytes.subarray(zeroes)) {
		let carry = byte;
		for (let i = 0; i < digits.length; i++) {
			carry += (digits[i] as number) * 256;
			digits[i] = carry % 58;
			carry = Math.floor(carry / 58);
		}
		for (; carry > 0; carry = Math.floor(carry / 58)) digits.push(carry % 58);
	}
	const text = digits.reverse().map((digit) => ALPHABET.charAt(digit));
	return "1".repeat(zeroes) + text.join("");
}

/** Reads at most 128 characters of it. @throws DecodeError */
export function fromBase58(text: string): Uint8Array {
	if (text.length > 128) throw new DecodeError(`base58: ${text.length} characters, at most 128 allowed`);
	let zeroes = 0;
	while (text[zeroes] === "1") zeroes++;
	const bytes: number[] = [];
	for (const character of text.slice(zeroes)) {
		let carry = ALPHABET.indexOf(character);
		if (carry < 0) throw new DecodeError(`base58: the character ${JSON.stringify(character)} is not in the alphabet`);
		for (let i = 0; i < bytes.length; i++) {
			carry += (bytes[i] as number) * 58;
			bytes[i] = carry & 255;
			carry >>= 8;
		}
		for (; carry > 0; carry >>= 8) bytes.push(carry & 255);
	}
	return Uint8Array.from([...new Array<number>(zeroes).fill(0), ...bytes.reverse()]);
}
