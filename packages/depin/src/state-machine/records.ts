import { DecodeError, fromUtf8, utf8 } from "@cairn/kit";
import { timeFromRfc3339, timeToRfc3339 } from "@cairn/types";
import { NO_MESSAGE } from "./cose.ts";
import { isAccountAddress, signingKeyFromDid } from "./device-key.ts";
import { Fields } from "./fields.ts";
import { formatFixed, VALUE_DIGITS } from "./fixed-point.ts";
import { type DeviceProfile, FULL_SCORE, profileFromJson, profileToJson } from "./profile.ts";

const ANY = { min: 0, max: Number.MAX_SAFE_INTEGER } as const;
const COUNT = { ...ANY, fallback: 0 } as const;

/** How much of a quota is used: in the window with this number. */
export interface QuotaUse {
	readonly window: number;
	readonly used: number;
}

export const NO_USE: QuotaUse = { window: 0, used: 0 };

export type DeviceStatus = "active" | "paused" | "jailed";

export interface Device {
	/** did:key; `dev:<alias>` for those of the development form, which have no key. */
	readonly id: string;
	readonly alias: string;
	/** Address of the owning account; empty for devices of the development form. */
	readonly owner: string;
	readonly status: DeviceStatus;
	/** When a jailed device may be woken; nanoseconds. */
	readonly jailedUntil: bigint;
	readonly profile: DeviceProfile;
	/** 0 to 1,000,000. */
	readonly reputation: number;
	/** The lowest sequence number that was never used. */
	readonly nextSequence: number;
	/** Bit k says that `nextSequence - 1 - k` was used. */
	readonly seen: bigint;
	/** Digest of the message with the highest sequence number, in hex. */
	readonly lastMessage: string;
	readonly accepted: number;
	readonly late: number;
	readonly quarantined: number;
	readonly rejected: number;
	/** Sequence numbers that were jumped over and have not come since. */
	readonly missing: number;
	readonly quota: QuotaUse;
}

export interface Account {
	readonly address: string;
	readonly nonce: number;
	readonly balance: bigint;
	/** How many devices it owns. */
	readonly devices: number;
	readonly quota: QuotaUse;
}

/** The newest accepted reading of one metric of a device. */
export interface Latest {
	readonly metric: string;
	readonly unit: string;
	/** In units of 10^-6. */
	readonly value: bigint;
	/** When it was measured, nanoseconds. */
	readonly time: bigint;
	readonly height: number;
	readonly sequence: number;
}

/** The newest accepted readings of a device, one per metric. */
export interface LatestReadings {
	readonly device: string;
	readonly metrics: readonly Latest[];
}

/** What the newest block with accepted readings of a metric says about it. */
export interface Feed {
	readonly metric: string;
	readonly unit: string;
	/** Accepted readings since genesis. */
	readonly accepted: number;
	/** The block of the summary; 0 for none yet. */
	readonly height: number;
	readonly time: bigint;
	/** Readings and devices in it. */
	readonly count: number;
	readonly contributors: number;
	/** Weighted by reputation; like all values in units of 10^-6. */
	readonly median: bigint;
	readonly min: bigint;
	readonly max: bigint;
	/** The last reading of the block. */
	readonly last: { readonly device: string; readonly value: bigint; readonly time: bigint } | undefined;
}

export interface Stats {
	readonly devices: number;
	readonly accounts: number;
	readonly accepted: number;
	readonly late: number;
	readonly quarantined: number;
	readonly rejected: number;
	/** Fees taken since genesis. */
	readonly fees: bigint;
}

/**
 * A kind of record: where it is in the tree (`prefix` and its id) and how its value is spelt. Values are JSON without
 * space, fields in the order below: what a query answers is byte for byte what the tree commits to.
 */
export interface Table<T> {
	readonly prefix: string;
	encode(record: T): Uint8Array;
	/** @throws DecodeError */
	decode(bytes: Uint8Array): T;
}

function table<T>(prefix: string, toJson: (record: T) => unknown, fromJson: (fields: Fields) => T): Table<T> {
	return {
		prefix,
		encode: (record) => utf8(JSON.stringify(toJson(record))),
		decode: (bytes) => fromJson(new Fields(parseJson(bytes), prefix)),
	};
}

function parseJson(bytes: Uint8Array): unknown {
	try {
		return JSON.parse(fromUtf8(bytes));
	} catch {
		throw new DecodeError("a record is not JSON");
	}
}

function bigText(fields: Fields, name: string, fallback?: string): bigint {
	return fields.decimal(name, 0, fallback);
}

function quotaFromJson(fields: Fields): QuotaUse {
	return { window: fields.integer("window", COUNT), used: fields.integer("used", COUNT) };
}

export function deviceToJson(device: Device): object {
	return {
		id: device.id,
		alias: device.alias,
		owner: device.owner,
		status: device.status,
		jailed_until: device.jailedUntil === 0n ? "" : timeToRfc3339(device.jailedUntil),
		profile: profileToJson(device.profile),
		reputation: device.reputation,
		next_sequence: device.nextSequence,
		seen: device.seen.toString(16),
		last_message: device.lastMessage,
		accepted: device.accepted,
		late: device.late,
		quarantined: device.quarantined,
		rejected: device.rejected,
		missing: device.missing,
		quota: device.quota,
	};
}

const STATUSES: readonly DeviceStatus[] = ["active", "paused", "jailed"];

function statusFromJson(fields: Fields): DeviceStatus {
	const text = fields.text("status", "active");
	const status = STATUSES.find((each) => each === text);
	if (status === undefined) throw new DecodeError(`unknown status of a device ${JSON.stringify(text)}`);
	return status;
}

function deviceFromJson(fields: Fields): Device {
	const id = fields.text("id");
	if (!id.startsWith("dev:")) signingKeyFromDid(id);
	const seen = fields.text("seen", "0");
	const lastMessage = fields.text("last_message", NO_MESSAGE);
	if (!/^[0-9a-f]{1,16}$/.test(seen)) throw new DecodeError("seen: expected up to 16 hex digits");
	if (!/^[0-9a-f]{64}$/.test(lastMessage)) throw new DecodeError("last_message: expected 64 hex digits");
	const jailedUntil = fields.text("jailed_until", "");
	return {
		id,
		alias: fields.text("alias"),
		owner: fields.text("owner", ""),
		status: statusFromJson(fields),
		jailedUntil: jailedUntil === "" ? 0n : timeFromRfc3339(jailedUntil),
		profile: profileFromJson(fields.nested("profile")),
		reputation: fields.integer("reputation", { min: 0, max: FULL_SCORE }),
		nextSequence: fields.integer("next_sequence", { min: 1, max: Number.MAX_SAFE_INTEGER, fallback: 1 }),
		seen: BigInt(`0x${seen}`),
		lastMessage,
		accepted: fields.integer("accepted", COUNT),
		late: fields.integer("late", COUNT),
		quarantined: fields.integer("quarantined", COUNT),
		rejected: fields.integer("rejected", COUNT),
		missing: fields.integer("missing", COUNT),
		quota: fields.has("quota") ? quotaFromJson(fields.nested("quota")) : NO_USE,
	};
}

/** By did:key. */
export const DEVICES: Table<Device> = table("device/", deviceToJson, deviceFromJson);

function accountFromJson(fields: Fields): Account {
	const address = fields.text("address");
	if (!isAccountAddress(address)) throw new DecodeError(`${JSON.stringify(address)} is not an account address`);
	return {
		address,
		nonce: fields.integer("nonce", COUNT),
		balance: bigText(fields, "balance", "0"),
		devices: fields.integer("devices", COUNT),
		quota: fields.has("quota") ? quotaFromJson(fields.nested("quota")) : NO_USE,
	};
}

/** By address. */
export const ACCOUNTS: Table<Account> = table(
	"account/",
	({ address, nonce, balance, devices, quota }) => ({ address, nonce, balance: String(balance), devices, quota }),
	accountFromJson,
);

/** Names to did:keys: `<owner>/<alias>`, and `<alias>` for the first device that took it. */
export const ALIASES: Table<string> = table(
	"alias/",
	(device) => ({ device }),
	(fields) => fields.text("device"),
);

/** By did:key. */
export const LATEST: Table<LatestReadings> = table(
	"reading/",
	({ device, metrics }) => ({
		device,
		metrics: metrics.map(({ metric, unit, value, time, height, sequence }) => ({
			metric,
			unit,
			value: formatFixed(value, VALUE_DIGITS),
			time: timeToRfc3339(time),
			height,
			sequence,
		})),
	}),
	(fields) => ({
		device: fields.text("device"),
		metrics: fields.list("metrics").map((latest) => ({
			metric: latest.text("metric"),
			unit: latest.text("unit"),
			value: latest.decimal("value", VALUE_DIGITS),
			time: timeFromRfc3339(latest.text("time")),
			height: latest.integer("height", ANY),
			sequence: latest.integer("sequence", ANY),
		})),
	}),
);

/** By metric. */
export const FEEDS: Table<Feed> = table("feed/", feedToJson, feedFromJson);

function feedToJson(feed: Feed): object {
	const { metric, unit, accepted, height, time, count, contributors, median, min, max, last } = feed;
	const head = { metric, unit, accepted, height };
	if (last === undefined) return head;
	return {
		...head,
		time: timeToRfc3339(time),
		count,
		contributors,
		median: formatFixed(median, VALUE_DIGITS),
		min: formatFixed(min, VALUE_DIGITS),
		max: formatFixed(max, VALUE_DIGITS),
		last: { device: last.device, value: formatFixed(last.value, VALUE_DIGITS), time: timeToRfc3339(last.time) },
	};
}

/** The feed of a metric that nothing was accepted for. */
export function emptyFeed(metric: string, unit: string): Feed {
	const nothing = { accepted: 0, height: 0, time: 0n, count: 0, contributors: 0, median: 0n, min: 0n, max: 0n };
	return { metric, unit, ...nothing, last: undefined };
}

function feedFromJson(fields: Fields): Feed {
	const empty = emptyFeed(fields.text("metric"), fields.text("unit"));
	if (!fields.has("last")) return empty;
	const last = fields.nested("last");
	return {
		...empty,
		accepted: fields.integer("accepted", COUNT),
		height: fields.integer("height", ANY),
		time: timeFromRfc3339(fields.text("time")),
		count: fields.integer("count", ANY),
		contributors: fields.integer("contributors", ANY),
		median: fields.decimal("median", VALUE_DIGITS),
		min: fields.decimal("min", VALUE_DIGITS),
		max: fields.decimal("max", VALUE_DIGITS),
		last: {
			device: last.text("device"),
			value: last.decimal("value", VALUE_DIGITS),
			time: timeFromRfc3339(last.text("time")),
		},
	};
}

export const EMPTY_STATS: Stats = {
	devices: 0,
	accounts: 0,
	accepted: 0,
	late: 0,
	quarantined: 0,
	rejected: 0,
	fees: 0n,
};

/** One record, with the empty id. */
export const STATS: Table<Stats> = table(
	"stats",
	(stats) => ({ ...stats, fees: String(stats.fees) }),
	(fields) => ({
		devices: fields.integer("devices", COUNT),
		accounts: fields.integer("accounts", COUNT),
		accepted: fields.integer("accepted", COUNT),
		late: fields.integer("late", COUNT),
		quarantined: fields.integer("quarantined", COUNT),
		rejected: fields.integer("rejected", COUNT),
		fees: bigText(fields, "fees", "0"),
	}),
);
