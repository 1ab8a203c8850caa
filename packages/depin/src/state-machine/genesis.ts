import { CairnError, DecodeError, fromUtf8, messageOf } from "@cairn/kit";
import { newAccount, registerDevice } from "./accounts.ts";
import { isAccountAddress, signingKeyFromDid } from "./device-key.ts";
import { Fields } from "./fields.ts";
import { PARAMS, paramsFromJson } from "./params.ts";
import { profileFromJson } from "./profile.ts";
import { ACCOUNTS, EMPTY_STATS, STATS } from "./records.ts";
import type { StagedState } from "./state.ts";

/** All that there is must fit where one number of the state may hold it: fees add up in one place. */
const MAX_SUPPLY = 10n ** 18n;

/**
 * Writes `app_state` of a genesis file: `{"params": {…}, "accounts": [{"address", "balance"}], "devices": [{"id", "alias",
 * "owner", "profile"}]}`, everything optional; empty means defaults. @throws CairnError `bad-genesis`, saying where
 */
export function applyGenesis(state: StagedState, chainId: string, appState: Uint8Array): void {
	try {
		const text = fromUtf8(appState).trim();
		// CometBFT writes {} where nobody has said anything; null and "" mean the same.
		const isEmpty = text === "" || text === "null" || text === '""';
		const genesis = new Fields(isEmpty ? {} : JSON.parse(text), "app_state");
		const fields = genesis.has("params") ? genesis.nested("params") : new Fields({}, "app_state.params");
		state.set(PARAMS, "", paramsFromJson(fields, chainId));
		fields.end();
		state.set(STATS, "", EMPTY_STATS);
		const supply = genesis.list("accounts").reduce((sum, account) => sum + addAccount(state, account), 0n);
		if (supply > MAX_SUPPLY) throw new DecodeError(`balances add up to ${supply}, at most ${MAX_SUPPLY} may be`);
		for (const device of genesis.list("devices")) addDevice(state, device);
		genesis.end();
	} catch (cause) {
		const text = `the genesis file's app_state is not the DePIN application's: ${messageOf(cause)}`;
		throw new CairnError("bad-genesis", "operator", text, {}, cause);
	}
}

/** Returns the balance. */
function addAccount(state: StagedState, fields: Fields): bigint {
	const address = fields.text("address");
	const balance = fields.decimal("balance", 0, "0");
	fields.end();
	if (!isAccountAddress(address)) throw new DecodeError(`${address} is not an account address`);
	if (state.get(ACCOUNTS, address) !== undefined || balance < 0n) {
		throw new DecodeError(`account ${address} comes twice, or has a negative balance`);
	}
	state.set(ACCOUNTS, address, { ...newAccount(address), balance });
	state.addStats({ accounts: 1 });
	return balance;
}

function addDevice(state: StagedState, fields: Fields): void {
	const did = fields.text("id");
	const alias = fields.text("alias");
	const address = fields.text("owner");
	const profile = profileFromJson(fields.nested("profile"));
	fields.end();
	signingKeyFromDid(did);
	const owner = state.get(ACCOUNTS, address);
	if (owner === undefined) throw new DecodeError(`${alias}: no account ${address} in genesis`);
	const refused = registerDevice(state, state.params(), { did, alias, owner, profile });
	if (refused !== undefined) throw new DecodeError(`${alias}: ${refused.text}`);
}
