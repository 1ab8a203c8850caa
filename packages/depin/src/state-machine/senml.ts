import { DecodeError } from "@cairn/kit";
import { CborReader, CborWriter } from "./cbor.ts";
import { TIME_DIGITS, VALUE_DIGITS } from "./fixed-point.ts";

/** Labels of RFC 8428 §12.4, table 4, that readings may have. */
const LABELS = {
	baseVersion: -1,
	baseName: -2,
	baseTime: -3,
	baseUnit: -4,
	baseValue: -5,
	name: 0,
	unit: 1,
	value: 2,
	time: 6,
} as const;

/** The version of SenML that RFC 8428 is; older ones may be named too (§4.4). */
const VERSION = 10;

/** Times below this many seconds are relative to now (RFC 8428 §4.5.3). */
const RELATIVE_BELOW = (1n << 28n) * 1_000_000_000n;

/** Most records that a pack may have, whatever the parameters say. */
export const MAX_PACK_RECORDS = 64;

const MAX_NAME_SIZE = 64;
const MAX_UNIT_SIZE = 16;

/** One resolved record (RFC 8428 §4.6). */
export interface SenmlRecord {
	readonly name: string;
	readonly unit: string;
	/** In units of 10^-6. */
	readonly value: bigint;
	/** Nanoseconds: since 1970, or if `relative` from now (zero or less). */
	readonly time: bigint;
	readonly relative: boolean;
}

interface RawRecord {
	bn?: string;
	bt?: bigint;
	bu?: string;
	bv?: bigint;
	n?: string;
	u?: string;
	v?: bigint;
	t?: bigint;
}

/**
 * Reads a SenML pack in CBOR: numeric values only; labels that it does not know are refused, as are texts, booleans, data
 * and sums. Base fields apply from their record on. @throws DecodeError
 */
export function decodeSenml(bytes: Uint8Array): SenmlRecord[] {
	const reader = new CborReader(bytes);
	const count = reader.array(MAX_PACK_RECORDS);
	if (count === 0) throw new DecodeError("SenML: a pack without records");
	const records: SenmlRecord[] = [];
	const base = { name: "", time: 0n, unit: "", value: 0n };
	for (let i = 0; i < count; i++) {
		const raw = readRecord(reader);
		if (raw.bn !== undefined) base.name = raw.bn;
		if (raw.bt !== undefined) base.time = raw.bt;
		if (raw.bu !== undefined) base.unit = raw.bu;
		if (raw.bv !== undefined) base.value = raw.bv;
		if (raw.v === undefined) throw new DecodeError("SenML: a record without a numeric value");
		const name = base.name + (raw.n ?? "");
		if (!/^[A-Za-z0-9][A-Za-z0-9:./_-]*$/.test(name)) throw new DecodeError("SenML: a record without a proper name");
		const time = base.time + (raw.t ?? 0n);
		const relative = time < RELATIVE_BELOW;
		if (relative && time > 0n) throw new DecodeError("SenML: a relative time in the future");
		records.push({ name, unit: raw.u ?? base.unit, value: base.value + raw.v, time, relative });
	}
	reader.end();
	return records;
}

function readRecord(reader: CborReader): RawRecord {
	const raw: RawRecord = {};
	const seen = new Set<number>();
	const pairs = reader.map(9);
	for (let i = 0; i < pairs; i++) {
		const label = reader.int();
		if (seen.has(label)) throw new DecodeError(`SenML: label ${label} comes twice`);
		seen.add(label);
		readField(reader, label, raw);
	}
	return raw;
}

function readField(reader: CborReader, label: number, raw: RawRecord): void {
	switch (label) {
		case LABELS.baseVersion:
			if (reader.uint() > VERSION) throw new DecodeError(`SenML: a version above ${VERSION}`);
			return;
		case LABELS.baseName:
			raw.bn = reader.text(MAX_NAME_SIZE);
			return;
		case LABELS.baseTime:
			raw.bt = reader.fixed(TIME_DIGITS);
			return;
		case LABELS.baseUnit:
			raw.bu = reader.text(MAX_UNIT_SIZE);
			return;
		case LABELS.baseValue:
			raw.bv = reader.fixed(VALUE_DIGITS);
			return;
		case LABELS.name:
			raw.n = reader.text(MAX_NAME_SIZE);
			return;
		case LABELS.unit:
			raw.u = reader.text(MAX_UNIT_SIZE);
			return;
		case LABELS.value:
			raw.v = reader.fixed(VALUE_DIGITS);
			return;
		case LABELS.time:
			raw.t = reader.fixed(TIME_DIGITS);
			return;
		default:
			throw new DecodeError(`SenML: label ${label} is not one of numeric readings`);
	}
}

/** A record to be written. */
export interface Measurement {
	readonly name: string;
	readonly unit: string;
	/** In units of 10^-6. */
	readonly value: bigint;
	/** Nanoseconds since 1970. */
	readonly time: bigint;
}

/** A pack of records, each complete in itself; numbers as integers or decimal fractions, so that they stay exact. */
export function encodeSenml(records: readonly Measurement[]): Uint8Array {
	const writer = new CborWriter().array(records.length);
	for (const { name, unit, value, time } of records) {
		writer.map(4).int(LABELS.name).text(name).int(LABELS.unit).text(unit);
		writer.int(LABELS.value).fixed(value, VALUE_DIGITS).int(LABELS.time).fixed(time, TIME_DIGITS);
	}
	return writer.finish();
}
