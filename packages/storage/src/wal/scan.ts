import { FRAME_HEADER_BYTES, readFrame, type TimedWalRecord } from "./record.ts";

/** The tag of the time, the first field of every record: what a frame must have behind its header. */
const TIME_TAG = 0x0a;

export interface DamagedRange {
	readonly from: number;
	/** Where readable records go on; the end of the file if none do. */
	readonly to: number;
	readonly why: string;
}

export interface PlacedRecord extends TimedWalRecord {
	readonly offset: number;
	readonly next: number;
}

export type Scanned = { readonly record: PlacedRecord } | { readonly damage: DamagedRange };

/** Reads the records of a log file in order. Behind damage it searches for the next record whose checksum fits. */
export function* scanRecords(bytes: Uint8Array, from = 0): Generator<Scanned> {
	let offset = from;
	for (;;) {
		const frame = readFrame(bytes, offset);
		if (frame.kind === "end") return;
		if (frame.kind === "record") {
			yield { record: { ...frame.entry, offset, next: frame.next } };
			offset = frame.next;
			continue;
		}
		const to = nextReadable(bytes, offset + 1);
		yield { damage: { from: offset, to, why: frame.why } };
		offset = to;
	}
}

function nextReadable(bytes: Uint8Array, from: number): number {
	for (let offset = from; offset + FRAME_HEADER_BYTES < bytes.length; offset++) {
		if (bytes[offset + FRAME_HEADER_BYTES] !== TIME_TAG) continue;
		if (readFrame(bytes, offset).kind === "record") return offset;
	}
	return bytes.length;
}

export interface WalFileReport {
	readonly records: readonly TimedWalRecord[];
	readonly damage: readonly DamagedRange[];
}

/** All readable records of a log file and where it is damaged; for tools that show or mend logs. */
export function readWalFile(bytes: Uint8Array): WalFileReport {
	const records: TimedWalRecord[] = [];
	const damage: DamagedRange[] = [];
	for (const found of scanRecords(bytes)) {
		if ("damage" in found) damage.push(found.damage);
		else records.push({ time: found.record.time, record: found.record.record });
	}
	return { records, damage };
}
