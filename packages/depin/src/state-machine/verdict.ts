import { toHex } from "@cairn/kit";
import { type Reason, type Refusal, refusal, verdictOf } from "./codes.ts";
import { formatFixed, VALUE_DIGITS } from "./fixed-point.ts";
import type { Params } from "./params.ts";
import { type DeviceProfile, FULL_SCORE, type MetricProfile } from "./profile.ts";
import type { Device, Latest, QuotaUse } from "./records.ts";
import { placeOf } from "./sequence-window.ts";
import type { DecodedTransaction, ReadingTransaction } from "./transaction.ts";

const NS_PER_MS = 1_000_000n;
const NS_PER_SECOND = 1_000_000_000n;

/** Number of the quota window that an instant is in. */
export function windowAt(time: bigint, params: Params): number {
	return time < 0n ? 0 : Number(time / (BigInt(params.quotaWindowMs) * NS_PER_MS));
}

/** The quota after one more use; undefined where it is used up. */
export function useQuota(quota: QuotaUse, window: number, limit: number): QuotaUse | undefined {
	const used = quota.window === window ? quota.used : 0;
	return used >= limit ? undefined : { window, used: used + 1 };
}

/**
 * Everything that decides whether a pack is the device's own word, said now for the first time: chain, device, signature,
 * sequence number, quota, in this order. Undefined where it is. CheckTx asks the same of the committed state.
 */
export function checkEnvelope(
	decoded: DecodedTransaction,
	transaction: ReadingTransaction,
	device: Device | undefined,
	params: Params,
	now: bigint,
): Refusal | undefined {
	const { message, records } = transaction;
	if (message.chainId !== params.chainId) {
		return refusal("wrong-chain", `signed for chain ${JSON.stringify(message.chainId)}, this is ${params.chainId}`);
	}
	if (decoded.size > params.maxTxBytes) {
		return refusal("too-large", `${decoded.size} bytes, at most ${params.maxTxBytes} allowed`);
	}
	if (records.length > params.maxRecords) {
		return refusal("too-large", `${records.length} records, at most ${params.maxRecords} allowed`);
	}
	if (device === undefined) return refusal("unknown-device", `${transaction.device} is not registered`);
	if (device.status === "paused") return refusal("device-paused", `${device.alias} is paused by its owner`);
	if (device.status === "jailed")
		return refusal("device-jailed", `${device.alias} signed two messages with one sequence number`);
	if (!decoded.isSigned()) return refusal("bad-signature", `not signed by ${transaction.device}`);
	return checkSequence(transaction, device, params) ?? checkQuota(device, params, now);
}

function checkSequence({ message }: ReadingTransaction, device: Device, params: Params): Refusal | undefined {
	const { sequence, digest } = message;
	const { nextSequence, lastMessage } = device;
	switch (placeOf(device, sequence)) {
		case "used":
			if (sequence === nextSequence - 1 && toHex(digest) !== lastMessage) {
				return refusal("equivocation", `sequence number ${sequence} was used for another message`);
			}
			return refusal("replay", `sequence number ${sequence} was used, the next one is ${nextSequence}`);
		case "hole":
			return undefined;
		case "ahead":
			if (sequence - nextSequence > params.maxGap) {
				return refusal(
					"sequence-gap",
					`sequence number ${sequence} is more than ${params.maxGap} beyond ${nextSequence}`,
				);
			}
			// After a gap the message before this one is not known.
			if (sequence === nextSequence && toHex(message.previous ?? digest) !== lastMessage) {
				return refusal("broken-chain", `the message before number ${sequence} is ${lastMessage}`);
			}
			return undefined;
	}
}

function checkQuota(device: Device, params: Params, now: bigint): Refusal | undefined {
	if (useQuota(device.quota, windowAt(now, params), params.deviceQuota) !== undefined) return undefined;
	return refusal(
		"quota-exceeded",
		`${device.alias} may send ${params.deviceQuota} packs in ${params.quotaWindowMs} ms`,
	);
}

/** A reading with its time settled. */
export interface TimedRecord {
	readonly name: string;
	readonly unit: string;
	readonly value: bigint;
	readonly time: bigint;
}

/** What the time of a pack says: refused as from the future, or which of its records are late. */
export function isFromFuture(time: bigint, params: Params, now: bigint): boolean {
	return time > now + BigInt(params.maxFutureMs) * NS_PER_MS;
}

export function isLate(time: bigint, params: Params, now: bigint): boolean {
	return time < now - BigInt(params.onTimeMs) * NS_PER_MS;
}

/** Judges one record of a device by its profile: age, metric, unit, range, rate of change, in this order. */
export function judgeRecord(
	record: TimedRecord,
	profile: DeviceProfile,
	latest: Latest | undefined,
	now: bigint,
): Refusal | undefined {
	if (record.time < now - BigInt(profile.lateWindowMs) * NS_PER_MS) {
		return refusal("time-stale", `measured more than ${profile.lateWindowMs} ms ago`);
	}
	const metric = profile.metrics.find(({ name }) => name === record.name);
	if (metric === undefined) return refusal("unknown-metric", `the device does not measure ${record.name}`);
	if (record.unit !== metric.unit) {
		return refusal("wrong-unit", `${record.name} in ${JSON.stringify(record.unit)}, expected ${metric.unit}`);
	}
	if (record.value < metric.min || record.value > metric.max) {
		const [value, min, max] = [record.value, metric.min, metric.max].map((each) => formatFixed(each, VALUE_DIGITS));
		return refusal("out-of-range", `${record.name} = ${value} ${metric.unit} is not within ${min} and ${max}`);
	}
	return checkRate(record, metric, latest);
}

/** What is allowed grows with the time since the last accepted reading, so a real step is accepted after a while. */
function checkRate(record: TimedRecord, metric: MetricProfile, latest: Latest | undefined): Refusal | undefined {
	if (latest === undefined || metric.maxRate === 0n || record.time < latest.time) return undefined;
	const change = record.value > latest.value ? record.value - latest.value : latest.value - record.value;
	const allowed = (metric.maxRate * (record.time - latest.time)) / NS_PER_SECOND;
	if (change <= allowed) return undefined;
	const [by, most] = [change, allowed].map((each) => formatFixed(each, VALUE_DIGITS));
	return refusal("rate-of-change", `${record.name} changed by ${by} ${metric.unit}, at most ${most} is plausible`);
}

const QUARANTINED_SCORE = 300_000;

/** What an outcome counts for in the moving average, of 1,000,000. */
export function scoreOf(reason: Reason, late: boolean, profile: DeviceProfile): number {
	switch (verdictOf(reason)) {
		case "accepted":
			return late ? FULL_SCORE - profile.latePenalty : FULL_SCORE;
		case "quarantined":
			return QUARANTINED_SCORE;
		case "rejected":
			return 0;
	}
}

/** old + (score − old) × weight / 1,000,000, towards zero. All products stay below 2^53. */
export function movedReputation(old: number, score: number, weight: number): number {
	return old + Math.trunc(((score - old) * weight) / FULL_SCORE);
}
