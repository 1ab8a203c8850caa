import { DecodeError, fromHex, fromUtf8, toUpperHex, utf8 } from "@cairn/kit";

/** How one key of a key path is written: percent-escaped text, or `x:` and upper-case hex. */
export type KeyEncoding = "url" | "hex";

/** Bytes that Go's `url.PathEscape` leaves as they are. */
const PLAIN = /^[A-Za-z0-9\-_.~$&+=:@]$/;

/** `/App/IBC/x:010203`: the keys from the outermost tree to the innermost (crypto/merkle/proof_key_path.go). */
export function formatKeyPath(keys: readonly { readonly key: Uint8Array; readonly encoding: KeyEncoding }[]): string {
	return keys
		.map(({ key, encoding }) => `/${encoding === "hex" ? `x:${toUpperHex(key)}` : percentEncode(key)}`)
		.join("");
}

function percentEncode(key: Uint8Array): string {
	let text = "";
	for (const byte of key) {
		const character = String.fromCharCode(byte);
		text += PLAIN.test(character) ? character : `%${toUpperHex(Uint8Array.of(byte))}`;
	}
	return text;
}

/** The keys of a path that begins with `/`. @throws DecodeError on a missing slash, bad hex or a bad escape. */
export function parseKeyPath(path: string): Uint8Array[] {
	if (!path.startsWith("/"))
		throw new DecodeError("key path must start with a forward slash", { path: path.slice(0, 80) });
	return path
		.slice(1)
		.split("/")
		.map((part) => (part.startsWith("x:") ? fromHex(part.slice(2)) : percentDecode(part)));
}

function percentDecode(part: string): Uint8Array {
	const text = utf8(part);
	const key: number[] = [];
	for (let i = 0; i < text.length; i++) {
		const byte = text[i] as number;
		if (byte !== 0x25) {
			key.push(byte);
			continue;
		}
		const digits = fromUtf8(text.subarray(i + 1, i + 3));
		if (!/^[0-9a-fA-F]{2}$/.test(digits))
			throw new DecodeError("key path has a bad percent escape", { part: part.slice(0, 80) });
		key.push(Number.parseInt(digits, 16));
		i += 2;
	}
	return Uint8Array.from(key);
}
