import { toHex } from "@cairn/kit";
import type { BlockFeeds } from "./block-feeds.ts";
import { CborWriter } from "./cbor.ts";
import { CODES, type Reason, type Refusal, refusal, verdictOf } from "./codes.ts";
import { NO_MESSAGE } from "./cose.ts";
import { formatFixed, VALUE_DIGITS } from "./fixed-point.ts";
import { type Outcome, outcome, type StateEvent } from "./outcome.ts";
import type { Params } from "./params.ts";
import type { MetricProfile } from "./profile.ts";
import { ALIASES, DEVICES, type Device, emptyFeed, FEEDS, LATEST, type Latest, NO_USE } from "./records.ts";
import { placeOf, useSequence } from "./sequence-window.ts";
import type { StagedState } from "./state.ts";
import type { DecodedTransaction, DevelopmentTransaction, ReadingTransaction } from "./transaction.ts";
import {
	checkEnvelope,
	isFromFuture,
	isLate,
	judgeRecord,
	movedReputation,
	scoreOf,
	type TimedRecord,
	useQuota,
	windowAt,
} from "./verdict.ts";

/** The block that transactions are executed in. */
export interface BlockContext {
	readonly state: StagedState;
	readonly params: Params;
	readonly height: number;
	/** Block time, the only clock. */
	readonly time: bigint;
	readonly feeds: BlockFeeds;
}

/** Judges a signed pack and writes down what follows from it. */
export function executeReading(
	block: BlockContext,
	decoded: DecodedTransaction,
	transaction: ReadingTransaction,
): Outcome {
	const { state, params, time } = block;
	const device = state.get(DEVICES, transaction.device);
	const refused = checkEnvelope(decoded, transaction, device, params, time);
	if (refused?.reason === "equivocation" && device !== undefined) return jail(block, device, transaction, refused);
	if (refused !== undefined || device === undefined) {
		return refusedOutcome(refused ?? refusal("unknown-device", transaction.device), transaction.device, transaction);
	}
	const records = transaction.records.map((record) => ({
		...record,
		time: record.relative ? time + record.time : record.time,
	}));
	// The chain's clock may be what is wrong, so this costs nothing: the same message may be sent again.
	if (records.some((record) => isFromFuture(record.time, params, time))) {
		const text = "measured after the time of this block; the chain's clock may be behind: send it again";
		return refusedOutcome(refusal("time-future", text), transaction.device, transaction);
	}
	return judgePack(block, device, records, {
		sequence: transaction.message.sequence,
		digest: toHex(transaction.message.digest),
	});
}

/** Events of a refusal say which device was named, signed or not. */
function refusedOutcome(refused: Refusal, device: string, transaction?: ReadingTransaction): Outcome {
	const sequence = transaction === undefined ? [] : [["sequence", String(transaction.message.sequence)] as const];
	const event: StateEvent = {
		type: "reading",
		attributes: [["device", device], ["verdict", "rejected"], ["reason", refused.reason], ...sequence],
	};
	return outcome(refused.reason, refused.text, [event], { verdict: "rejected" });
}

/** Two messages with one sequence number are proof of a fault, whoever brings them. */
function jail(block: BlockContext, device: Device, transaction: ReadingTransaction, refused: Refusal): Outcome {
	const until = block.time + BigInt(block.params.jailMs) * 1_000_000n;
	const reputation = movedReputation(device.reputation, 0, block.params.reputationWeight);
	block.state.set(DEVICES, device.id, {
		...device,
		status: "jailed",
		jailedUntil: until,
		reputation,
		rejected: device.rejected + 1,
	});
	block.state.addStats({ rejected: 1 });
	const base = refusedOutcome(refused, device.id, transaction);
	const event: StateEvent = {
		type: "jailed",
		attributes: [
			["device", device.id],
			["alias", device.alias],
		],
	};
	return { ...base, events: [...base.events, event] };
}

interface Position {
	readonly sequence: number;
	readonly digest: string;
}

interface Judged {
	readonly record: TimedRecord;
	readonly reason: Reason;
	readonly text: string;
	readonly late: boolean;
}

function judgePack(
	block: BlockContext,
	device: Device,
	records: readonly TimedRecord[],
	position: Position | undefined,
): Outcome {
	const { state, params, time } = block;
	const filled = position !== undefined && placeOf(device, position.sequence) === "hole";
	const before = state.get(LATEST, device.id)?.metrics ?? [];
	const latest = new Map(before.map((each) => [each.metric, each]));
	const judged = records.map((record): Judged => {
		const last = latest.get(record.name);
		const refused = judgeRecord(record, device.profile, last, time);
		const late = filled || isLate(record.time, params, time);
		if (refused !== undefined) return { record, reason: refused.reason, text: refused.text, late };
		if (last === undefined || record.time >= last.time) {
			latest.set(record.name, newest(record, block.height, position?.sequence ?? 0));
		}
		return { record, reason: "ok", text: "", late };
	});
	const after = countPack(device, judged, block, position, filled);
	state.set(DEVICES, device.id, after);
	const accepted = judged.filter(({ reason }) => reason === "ok");
	if (accepted.length > 0) state.set(LATEST, device.id, { device: device.id, metrics: [...latest.values()] });
	for (const { record } of accepted) {
		const { value, time: measured } = record;
		const contribution = { device: device.id, reputation: after.reputation, value, time: measured };
		block.feeds.add(record.name, record.unit, contribution);
	}
	return packOutcome(after, judged, position);
}

function newest(record: TimedRecord, height: number, sequence: number): Latest {
	return { metric: record.name, unit: record.unit, value: record.value, time: record.time, height, sequence };
}

/** The device after its pack: sequence, counters, reputation (once per pack, by its worst record), quota. */
function countPack(
	device: Device,
	judged: readonly Judged[],
	block: BlockContext,
	position: Position | undefined,
	filled: boolean,
): Device {
	const { params, time } = block;
	const count = (wanted: (each: Judged) => boolean): number => judged.filter(wanted).length;
	const counts = {
		accepted: count(({ reason }) => reason === "ok"),
		late: count(({ reason, late }) => reason === "ok" && late),
		quarantined: count(({ reason }) => verdictOf(reason) === "quarantined"),
		rejected: count(({ reason }) => verdictOf(reason) === "rejected"),
	};
	block.state.addStats(counts);
	const scores = judged.map(({ reason, late }) => scoreOf(reason, late, device.profile));
	const reputation = movedReputation(device.reputation, Math.min(...scores), params.reputationWeight);
	const jumped = position === undefined ? 0 : filled ? -1 : position.sequence - device.nextSequence;
	const moved = position === undefined ? {} : useSequence(device, position.sequence);
	return {
		...device,
		...moved,
		lastMessage: position === undefined || filled ? device.lastMessage : position.digest,
		reputation,
		accepted: device.accepted + counts.accepted,
		late: device.late + counts.late,
		quarantined: device.quarantined + counts.quarantined,
		rejected: device.rejected + counts.rejected,
		missing: Math.max(0, device.missing + jumped),
		quota: useQuota(device.quota, windowAt(time, params), params.deviceQuota) ?? device.quota,
	};
}

function packOutcome(device: Device, judged: readonly Judged[], position: Position | undefined): Outcome {
	const events = judged.map(({ record, reason, late }): StateEvent => {
		const attributes: (readonly [string, string])[] = [
			["device", device.id],
			["alias", device.alias],
			["metric", record.name],
			["value", formatFixed(record.value, VALUE_DIGITS)],
			["unit", record.unit],
			["verdict", verdictOf(reason)],
			["reason", reason],
			["late", String(late)],
		];
		if (position !== undefined) attributes.push(["sequence", String(position.sequence)]);
		return { type: "reading", attributes };
	});
	const writer = new CborWriter().array(judged.length);
	for (const { reason } of judged) writer.uint(CODES[reason]);
	const data = writer.finish();
	const failed = judged.findIndex(({ reason }) => reason !== "ok");
	const first = judged[failed];
	if (first === undefined) return outcome("ok", "accepted", events, { data, verdict: "accepted" });
	const where = judged.length === 1 ? "" : `record ${failed + 1} of ${judged.length}: `;
	return outcome(first.reason, where + first.text, events, { data, verdict: verdictOf(first.reason) });
}

/** The metric of devices that exist only by being named. */
const DEVELOPMENT_METRIC = { name: "reading", unit: "/", min: -(10n ** 15n), max: 10n ** 15n, maxRate: 0n };

/** Most devices that the development form may bring into being. */
export const MAX_DEVELOPMENT_DEVICES = 1000;

/** Id of the device without a key that the development form calls by this name. */
export function developmentId(alias: string): string {
	return `dev:${alias}`;
}

/** Whether the development form may be used for this device; CheckTx asks the same. */
export function checkDevelopment(
	transaction: DevelopmentTransaction,
	params: Params,
	signedDevice: string | undefined,
	device: Device | undefined,
	now: bigint,
): Refusal | undefined {
	if (!params.development) {
		const text = "unsigned readings are for development chains: sign it, or set development in the genesis parameters";
		return refusal("not-development", text);
	}
	if (signedDevice !== undefined && device === undefined) {
		return refusal("bad-signature", `${transaction.device} has a key: its readings must be signed`);
	}
	if (device !== undefined && useQuota(device.quota, windowAt(now, params), params.deviceQuota) === undefined) {
		return refusal("quota-exceeded", `${device.alias} may send ${params.deviceQuota} readings in a window`);
	}
	return undefined;
}

/** The form of first tries: the device comes into being when it is first named, and its time is that of the block. */
export function executeDevelopment(block: BlockContext, transaction: DevelopmentTransaction): Outcome {
	const { state, params, time } = block;
	const id = developmentId(transaction.device);
	const known = state.get(DEVICES, id);
	const named = state.get(ALIASES, transaction.device);
	const refused =
		checkDevelopment(transaction, params, named, known, time) ?? (known === undefined ? checkRoom(block) : undefined);
	if (refused !== undefined) return refusedOutcome(refused, transaction.device);
	const device = known ?? createDevelopmentDevice(block, transaction.device);
	const metric = device.profile.metrics[0] ?? DEVELOPMENT_METRIC;
	const record = { name: transaction.metric ?? metric.name, unit: metric.unit, value: transaction.value, time };
	return judgePack(block, device, [record], undefined);
}

function checkRoom({ state }: BlockContext): Refusal | undefined {
	if (state.stats().devices >= MAX_DEVELOPMENT_DEVICES) {
		return refusal("too-many-devices", `there are ${MAX_DEVELOPMENT_DEVICES} devices: register more with keys`);
	}
	return claimMetrics(state, [DEVELOPMENT_METRIC]);
}

/** A metric has one unit on a chain: who comes first fixes it. */
export function claimMetrics(state: StagedState, metrics: readonly MetricProfile[]): Refusal | undefined {
	for (const { name, unit } of metrics) {
		const feed = state.get(FEEDS, name);
		if (feed !== undefined && feed.unit !== unit) {
			return refusal("bad-profile", `${name} is measured in ${feed.unit} on this chain, not in ${unit}`);
		}
	}
	for (const { name, unit } of metrics) {
		if (state.get(FEEDS, name) === undefined) state.set(FEEDS, name, emptyFeed(name, unit));
	}
	return undefined;
}

function createDevelopmentDevice({ state, params }: BlockContext, alias: string): Device {
	const id = developmentId(alias);
	state.set(ALIASES, alias, id);
	state.addStats({ devices: 1 });
	return newDevice(id, alias, "", params, {
		metrics: [DEVELOPMENT_METRIC],
		intervalMs: 0,
		lateWindowMs: 60_000,
		latePenalty: 0,
	});
}

/** A device that has not said anything yet. */
export function newDevice(
	id: string,
	alias: string,
	owner: string,
	params: Params,
	profile: Device["profile"],
): Device {
	return {
		id,
		alias,
		owner,
		status: "active",
		jailedUntil: 0n,
		profile,
		reputation: params.reputationStart,
		nextSequence: 1,
		seen: 0n,
		lastMessage: NO_MESSAGE,
		accepted: 0,
		late: 0,
		quarantined: 0,
		rejected: 0,
		missing: 0,
		quota: NO_USE,
	};
}
