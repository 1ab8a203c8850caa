const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/**
 * The libp2p peer id of an ed25519 public key: base58 of the identity multihash (code 0, 36 bytes) of the key's
 * protobuf (type 1, 32 bytes of data), see libp2p/specs peer-ids.
 */
export function libp2pPeerId(publicKey: Uint8Array): string {
	return base58(Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20, ...publicKey));
}

/** Bitcoin's base 58: a leading `1` for each leading zero byte. */
function base58(bytes: Uint8Array): string {
	let number = 0n;
	for (const byte of bytes) number = number * 256n + BigInt(byte);
	let text = "";
	for (; number > 0n; number /= 58n) text = ALPHABET.charAt(Number(number % 58n)) + text;
	const zeros = bytes.findIndex((byte) => byte !== 0);
	return ALPHABET.charAt(0).repeat(zeros < 0 ? bytes.length : zeros) + text;
}
