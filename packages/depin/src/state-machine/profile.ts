import { DecodeError } from "@cairn/kit";
import type { CborReader, CborWriter } from "./cbor.ts";
import type { Fields } from "./fields.ts";
import { formatFixed, VALUE_DIGITS } from "./fixed-point.ts";

/** What one metric of a device may read. */
export interface MetricProfile {
	/** As in SenML records: `temperature`. */
	readonly name: string;
	/** A unit of RFC 8428 §12.1: `Cel`. */
	readonly unit: string;
	/** Bounds of a value, inclusive, in units of 10^-6. */
	readonly min: bigint;
	readonly max: bigint;
	/** Most that a value may change in a second, in units of 10^-6; 0 for as much as it likes. */
	readonly maxRate: bigint;
}

/** What a device promises about its readings. */
export interface DeviceProfile {
	readonly metrics: readonly MetricProfile[];
	/** How often it means to report. */
	readonly intervalMs: number;
	/** Readings older than this are refused. */
	readonly lateWindowMs: number;
	/** What a late reading costs, of a score of 1,000,000. */
	readonly latePenalty: number;
}

export const MAX_METRICS = 8;
const MAX_INTERVAL_MS = 366 * 86_400_000;
const MAX_LATE_WINDOW_MS = 31 * 86_400_000;

/** Score of a reading that is accepted in time; also what reputation is measured in. */
export const FULL_SCORE = 1_000_000;

/** Checks the rules that neither JSON nor CBOR know. @throws DecodeError */
function validateProfile(profile: DeviceProfile): DeviceProfile {
	const { metrics, intervalMs, lateWindowMs, latePenalty } = profile;
	if (metrics.length < 1 || metrics.length > MAX_METRICS)
		throw new DecodeError(`a profile has 1 to ${MAX_METRICS} metrics`);
	if (new Set(metrics.map(({ name }) => name)).size !== metrics.length) throw new DecodeError("a metric comes twice");
	for (const { name, unit, min, max, maxRate } of metrics) {
		if (!isMetricName(name)) throw new DecodeError(`${JSON.stringify(name)} is not a metric: a-z, 0-9, _ . -`);
		if (!/^[!-~]{1,16}$/.test(unit)) throw new DecodeError(`${JSON.stringify(unit)} is not a unit`);
		if (min > max || maxRate < 0n)
			throw new DecodeError(`metric ${name}: min must not exceed max, max_rate not be negative`);
	}
	if (intervalMs < 0 || intervalMs > MAX_INTERVAL_MS) throw new DecodeError("interval_ms is out of bounds");
	if (lateWindowMs < 0 || lateWindowMs > MAX_LATE_WINDOW_MS) throw new DecodeError("late_window_ms is out of bounds");
	if (latePenalty < 0 || latePenalty > FULL_SCORE) throw new DecodeError("late_penalty is out of bounds");
	return profile;
}

/** True for names of metrics: lower-case, up to 32 characters. */
export function isMetricName(name: string): boolean {
	return /^[a-z][a-z0-9_.-]{0,31}$/.test(name);
}

/** The form of genesis files and queries. */
export function profileToJson(profile: DeviceProfile): object {
	return {
		metrics: profile.metrics.map(({ name, unit, min, max, maxRate }) => ({
			name,
			unit,
			min: formatFixed(min, VALUE_DIGITS),
			max: formatFixed(max, VALUE_DIGITS),
			max_rate: formatFixed(maxRate, VALUE_DIGITS),
		})),
		interval_ms: profile.intervalMs,
		late_window_ms: profile.lateWindowMs,
		late_penalty: profile.latePenalty,
	};
}

/** @throws DecodeError */
export function profileFromJson(fields: Fields): DeviceProfile {
	const metrics = fields.list("metrics").map((metric) => {
		const read = {
			name: metric.text("name"),
			unit: metric.text("unit"),
			min: metric.decimal("min", VALUE_DIGITS),
			max: metric.decimal("max", VALUE_DIGITS),
			maxRate: metric.decimal("max_rate", VALUE_DIGITS, "0"),
		};
		metric.end();
		return read;
	});
	const profile = {
		metrics,
		intervalMs: fields.integer("interval_ms", { min: 0, max: MAX_INTERVAL_MS, fallback: 60_000 }),
		lateWindowMs: fields.integer("late_window_ms", { min: 0, max: MAX_LATE_WINDOW_MS, fallback: 86_400_000 }),
		latePenalty: fields.integer("late_penalty", { min: 0, max: FULL_SCORE, fallback: 200_000 }),
	};
	fields.end();
	return validateProfile(profile);
}

/** The form of registrations: `[[[name, unit, min, max, max_rate], …], interval_ms, late_window_ms, late_penalty]`. */
export function writeProfile(writer: CborWriter, profile: DeviceProfile): void {
	writer.array(4).array(profile.metrics.length);
	for (const { name, unit, min, max, maxRate } of profile.metrics) {
		writer.array(5).text(name).text(unit);
		for (const value of [min, max, maxRate]) writer.fixed(value, VALUE_DIGITS);
	}
	writer.uint(profile.intervalMs).uint(profile.lateWindowMs).uint(profile.latePenalty);
}

/** @throws DecodeError */
export function readProfile(reader: CborReader): DeviceProfile {
	if (reader.array(4) !== 4) throw new DecodeError("a profile has four parts");
	const count = reader.array(MAX_METRICS);
	const metrics: MetricProfile[] = [];
	for (let i = 0; i < count; i++) {
		if (reader.array(5) !== 5) throw new DecodeError("a metric of a profile has five parts");
		metrics.push({
			name: reader.text(32),
			unit: reader.text(16),
			min: reader.fixed(VALUE_DIGITS),
			max: reader.fixed(VALUE_DIGITS),
			maxRate: reader.fixed(VALUE_DIGITS),
		});
	}
	const profile = { metrics, intervalMs: reader.uint(), lateWindowMs: reader.uint(), latePenalty: reader.uint() };
	return validateProfile(profile);
}
