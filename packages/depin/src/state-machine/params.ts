import { fromUtf8, utf8 } from "@cairn/kit";
import { Fields } from "./fields.ts";
import { FULL_SCORE } from "./profile.ts";
import type { Table } from "./records.ts";

/** What a chain has agreed on; set by genesis. */
export interface Params {
	/** Set by InitChain, not by `app_state`. */
	readonly chainId: string;
	/** Takes unsigned readings in JSON; never for chains of value. */
	readonly development: boolean;
	/** Any key may open an account by its first transaction. */
	readonly openAccounts: boolean;
	/** Taken from the account for each of its transactions. */
	readonly fee: bigint;
	readonly maxDevicesPerAccount: number;
	readonly maxTxBytes: number;
	/** Records in a pack. */
	readonly maxRecords: number;
	/** How far ahead of the next one a sequence number may be. */
	readonly maxGap: number;
	/** How far ahead of block time a reading may be. */
	readonly maxFutureMs: number;
	/** Older readings are late. */
	readonly onTimeMs: number;
	readonly quotaWindowMs: number;
	/** Packs of a device in a window. */
	readonly deviceQuota: number;
	/** Transactions of an account in a window. */
	readonly accountQuota: number;
	/** Reputation of a new device. */
	readonly reputationStart: number;
	/** Weight of the newest score in the moving average, of 1,000,000. */
	readonly reputationWeight: number;
	/** How long a device that signed two messages with one sequence number stays jailed. */
	readonly jailMs: number;
}

const DAY_MS = 86_400_000;

/** Reads `app_state.params`; what is missing has the default. @throws DecodeError */
export function paramsFromJson(fields: Fields, chainId: string): Params {
	const count = (name: string, fallback: number, max: number, min = 0): number =>
		fields.integer(name, { min, max, fallback });
	return {
		chainId,
		development: fields.flag("development", false),
		openAccounts: fields.flag("open_accounts", true),
		fee: fields.decimal("fee", 0, "0"),
		maxDevicesPerAccount: count("max_devices_per_account", 1000, 1_000_000),
		maxTxBytes: count("max_tx_bytes", 4096, 16_384, 256),
		maxRecords: count("max_records", 16, 64, 1),
		maxGap: count("max_gap", 1024, 1_000_000),
		maxFutureMs: count("max_future_ms", 30_000, DAY_MS),
		onTimeMs: count("on_time_ms", 60_000, 31 * DAY_MS),
		quotaWindowMs: count("quota_window_ms", 60_000, DAY_MS, 1000),
		deviceQuota: count("device_quota", 600, 1_000_000, 1),
		accountQuota: count("account_quota", 120, 1_000_000, 1),
		reputationStart: count("reputation_start", FULL_SCORE / 2, FULL_SCORE),
		reputationWeight: count("reputation_weight", 50_000, FULL_SCORE),
		jailMs: count("jail_ms", 600_000, 366 * DAY_MS),
	};
}

/** The JSON of genesis files and queries, complete. */
export function paramsToJson(params: Params): object {
	return {
		development: params.development,
		open_accounts: params.openAccounts,
		fee: String(params.fee),
		max_devices_per_account: params.maxDevicesPerAccount,
		max_tx_bytes: params.maxTxBytes,
		max_records: params.maxRecords,
		max_gap: params.maxGap,
		max_future_ms: params.maxFutureMs,
		on_time_ms: params.onTimeMs,
		quota_window_ms: params.quotaWindowMs,
		device_quota: params.deviceQuota,
		account_quota: params.accountQuota,
		reputation_start: params.reputationStart,
		reputation_weight: params.reputationWeight,
		jail_ms: params.jailMs,
	};
}

/** One record, with the empty id. */
export const PARAMS: Table<Params> = {
	prefix: "params",
	encode: (params) => utf8(JSON.stringify({ chain_id: params.chainId, ...paramsToJson(params) })),
	decode: (bytes) => {
		const fields = new Fields(JSON.parse(fromUtf8(bytes)), "params");
		return paramsFromJson(fields, fields.text("chain_id"));
	},
};
