import { utf8 } from "@cairn/kit";
import { possessionBytes, type RegisterDevice } from "./account-message.ts";
import { type Refusal, refusal } from "./codes.ts";
import { didOf, verifyWith } from "./device-key.ts";
import { type Outcome, outcome, type StateEvent } from "./outcome.ts";
import type { Params } from "./params.ts";
import type { DeviceProfile } from "./profile.ts";
import { type BlockContext, claimMetrics, newDevice } from "./readings.ts";
import { ACCOUNTS, type Account, ALIASES, DEVICES, type Device, NO_USE } from "./records.ts";
import type { StagedState } from "./state.ts";
import { type AccountTransaction, type DecodedTransaction, isAlias } from "./transaction.ts";
import { useQuota, windowAt } from "./verdict.ts";

/** How far ahead of the committed nonce CheckTx lets a transaction be: it may follow others that wait for a block. */
export const NONCE_LOOKAHEAD = 64;

export function newAccount(address: string): Account {
	return { address, nonce: 0, balance: 0n, devices: 0, quota: NO_USE };
}

/** Chain, size, account, signature, quota, fee. The nonce is judged by the caller: blocks are stricter than CheckTx. */
export function checkAccount(
	decoded: DecodedTransaction,
	transaction: AccountTransaction,
	account: Account | undefined,
	params: Params,
	now: bigint,
): Refusal | undefined {
	const { message } = transaction;
	if (message.chainId !== params.chainId) {
		return refusal("wrong-chain", `signed for chain ${JSON.stringify(message.chainId)}, this is ${params.chainId}`);
	}
	if (decoded.size > params.maxTxBytes) {
		return refusal("too-large", `${decoded.size} bytes, at most ${params.maxTxBytes} allowed`);
	}
	if (account === undefined && !params.openAccounts) {
		return refusal("unknown-account", `${transaction.account} is not an account of this chain`);
	}
	if (!decoded.isSigned()) return refusal("bad-signature", `not signed by ${transaction.account}`);
	const { quota, balance } = account ?? newAccount(transaction.account);
	if (useQuota(quota, windowAt(now, params), params.accountQuota) === undefined) {
		return refusal("quota-exceeded", `an account may send ${params.accountQuota} in ${params.quotaWindowMs} ms`);
	}
	if (balance < params.fee) return refusal("insufficient-funds", `the fee is ${params.fee}, the balance ${balance}`);
	return undefined;
}

/** Executes what an account asks for. From a good nonce on the fee is taken, even if the request then fails. */
export function executeAccount(
	block: BlockContext,
	decoded: DecodedTransaction,
	transaction: AccountTransaction,
): Outcome {
	const { state, params, time } = block;
	const known = state.get(ACCOUNTS, transaction.account);
	const account = known ?? newAccount(transaction.account);
	const refused =
		checkAccount(decoded, transaction, known, params, time) ?? checkNonce(account, transaction.message.sequence);
	if (refused !== undefined) return outcome(refused.reason, refused.text);
	const quota = useQuota(account.quota, windowAt(time, params), params.accountQuota) ?? account.quota;
	const charged = { ...account, nonce: account.nonce + 1, balance: account.balance - params.fee, quota };
	state.set(ACCOUNTS, account.address, charged);
	state.addStats({ accounts: known === undefined ? 1 : 0, fees: params.fee });
	return executeRequest(block, transaction, charged);
}

function checkNonce(account: Account, nonce: number): Refusal | undefined {
	if (nonce === account.nonce) return undefined;
	return refusal("bad-nonce", `nonce ${nonce}, the next one of ${account.address} is ${account.nonce}`);
}

function executeRequest(block: BlockContext, transaction: AccountTransaction, account: Account): Outcome {
	const { body } = transaction;
	const did = didOf(body.device.id);
	const done = (action: string, alias: string): Outcome => {
		const event: StateEvent = {
			type: "device",
			attributes: [
				["device", did],
				["alias", alias],
				["owner", account.address],
				["action", action],
			],
		};
		return outcome("ok", `${action} ${did}`, [event], { data: utf8(did) });
	};
	if (body.kind === "register-device") {
		const refused =
			checkPossession(block.params, transaction, body) ??
			registerDevice(block.state, block.params, { did, alias: body.alias, owner: account, profile: body.profile });
		return refused === undefined ? done("registered", body.alias) : outcome(refused.reason, refused.text);
	}
	const device = block.state.get(DEVICES, did);
	if (device === undefined) return outcome("unknown-device", `${did} is not registered`);
	if (device.owner !== account.address) return outcome("not-owner", `${did} belongs to another account`);
	if (body.kind === "set-profile") return setProfile(block, device, body.profile) ?? done("profiled", device.alias);
	return setStatus(block, device, body.active) ?? done(body.active ? "activated" : "paused", device.alias);
}

function checkPossession(params: Params, transaction: AccountTransaction, body: RegisterDevice): Refusal | undefined {
	const signed = possessionBytes(params.chainId, transaction.message.key.id);
	if (verifyWith(body.device, signed, body.possession)) return undefined;
	return refusal("bad-possession", "the device has not signed that it belongs to this account");
}

/** A device that is to be registered. */
export interface Registration {
	readonly did: string;
	readonly alias: string;
	readonly owner: Account;
	readonly profile: DeviceProfile;
}

/** Registers a device, or says why not; genesis uses it too. */
export function registerDevice(
	state: StagedState,
	params: Params,
	{ did, alias, owner, profile }: Registration,
): Refusal | undefined {
	if (!isAlias(alias)) return refusal("bad-profile", `${JSON.stringify(alias)} is not a name: a-z, 0-9, . _ -`);
	if (state.get(DEVICES, did) !== undefined) return refusal("already-registered", `${did} is registered`);
	const full = `${owner.address}/${alias}`;
	if (state.get(ALIASES, full) !== undefined) return refusal("alias-taken", `the account has another ${alias}`);
	if (owner.devices >= params.maxDevicesPerAccount) {
		return refusal("too-many-devices", `an account may have ${params.maxDevicesPerAccount} devices`);
	}
	const refused = claimMetrics(state, profile.metrics);
	if (refused !== undefined) return refused;
	state.set(DEVICES, did, newDevice(did, alias, owner.address, params, profile));
	state.set(ALIASES, full, did);
	if (state.get(ALIASES, alias) === undefined) state.set(ALIASES, alias, did);
	state.set(ACCOUNTS, owner.address, { ...owner, devices: owner.devices + 1 });
	state.addStats({ devices: 1 });
	return undefined;
}

function setProfile({ state }: BlockContext, device: Device, profile: DeviceProfile): Outcome | undefined {
	const refused = claimMetrics(state, profile.metrics);
	if (refused !== undefined) return outcome(refused.reason, refused.text);
	state.set(DEVICES, device.id, { ...device, profile });
	return undefined;
}

function setStatus({ state, time }: BlockContext, device: Device, active: boolean): Outcome | undefined {
	if (device.status === "jailed" && (!active || time < device.jailedUntil)) {
		return outcome("bad-status", `${device.alias} is jailed and cannot be ${active ? "woken yet" : "paused"}`);
	}
	state.set(DEVICES, device.id, { ...device, status: active ? "active" : "paused", jailedUntil: 0n });
	return undefined;
}
