/**
 * One character for each byte: the cheapest key of a hash or an address for maps and sets. Not for people, and
 * meant for short bytes (every argument is a parameter of one call).
 */
export function latin1(bytes: Uint8Array): string {
	// Spreading the typed array itself is ten times slower.
	const codes = new Array<number>(bytes.length);
	for (let i = 0; i < bytes.length; i++) codes[i] = bytes[i] as number;
	return String.fromCharCode.apply(null, codes);
}
