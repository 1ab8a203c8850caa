/** Castagnoli's polynomial, bit-reversed. */
const POLYNOMIAL = 0x82f63b78;

/** Eight tables of 256: table k holds the effect of a byte that has k further bytes behind it. */
const TABLES: readonly Int32Array[] = makeTables();

function makeTables(): Int32Array[] {
	const first = new Int32Array(256);
	for (let byte = 0; byte < 256; byte++) {
		let crc = byte;
		for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
		first[byte] = crc;
	}
	const tables = [first];
	for (let k = 1; k < 8; k++) {
		const previous = tables[k - 1] as Int32Array;
		tables.push(previous.map((crc) => (first[crc & 255] as number) ^ (crc >>> 8)));
	}
	return tables;
}

const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as [
	Int32Array,
	Int32Array,
	Int32Array,
	Int32Array,
	Int32Array,
	Int32Array,
	Int32Array,
	Int32Array,
];

/** CRC-32C (RFC 3720, appendix B.4) of the bytes, as an unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array): number {
	let crc = -1;
	let at = 0;
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	for (const end = bytes.length - 7; at < end; at += 8) {
		const low = crc ^ view.getInt32(at, true);
		const high = view.getInt32(at + 4, true);
		crc =
			(T7[low & 255] as number) ^
			(T6[(low >>> 8) & 255] as number) ^
			(T5[(low >>> 16) & 255] as number) ^
			(T4[low >>> 24] as number) ^
			(T3[high & 255] as number) ^
			(T2[(high >>> 8) & 255] as number) ^
			(T1[(high >>> 16) & 255] as number) ^
			(T0[high >>> 24] as number);
	}
	for (; at < bytes.length; at++) crc = (T0[(crc ^ (bytes[at] as number)) & 255] as number) ^ (crc >>> 8);
	return ~crc >>> 0;
}
