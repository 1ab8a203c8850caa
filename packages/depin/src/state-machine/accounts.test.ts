import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOfSigner, signAccountMessage, signPossession, signRegistration } from "../device/account.ts";
import { DeviceIdentity } from "../device/identity.ts";
import type { Signer } from "../device/key.ts";
import {
	CHAIN_ID,
	genesisOf,
	OWNER,
	PROFILE,
	SECOND,
	TestChain,
	testDevice,
	testSigner,
} from "../testing/test-chain.ts";
import type { AccountMessage } from "./account-message.ts";
import { ACCOUNTS, type Account, STATS } from "./records.ts";

function account(chain: TestChain, signer: Signer = OWNER): Account {
	const bytes = chain.machine.value(`account/${addressOfSigner(signer)}`);
	assert.ok(bytes !== undefined);
	return ACCOUNTS.decode(bytes);
}

const register = (name: string, nonce: number, alias = name, owner: Signer = OWNER): Uint8Array =>
	signRegistration(owner, testSigner(name), CHAIN_ID, nonce, { alias, profile: PROFILE });

const status = (name: string, nonce: number, active: boolean, owner: Signer = OWNER): Uint8Array =>
	signAccountMessage(owner, CHAIN_ID, nonce, { kind: "set-status", device: testSigner(name).key, active });

test("an account registers a device, which then speaks", () => {
	const chain = new TestChain(genesisOf([]));
	const device = testDevice("new");
	assert.equal(chain.reason(device.signReading([chain.temperature("20")])), "unknown-device");
	const [result] = chain.block([register("new", 0)]);
	assert.equal(result?.log, `registered ${device.id}`);
	assert.deepEqual(result?.events[0]?.attributes.at(-1), ["action", "registered"]);
	const { alias, owner, profile, nextSequence } = chain.device(device);
	assert.deepEqual(
		{ alias, owner, profile, nextSequence },
		{
			alias: "new",
			owner: addressOfSigner(OWNER),
			profile: PROFILE,
			nextSequence: 1,
		},
	);
	assert.deepEqual([account(chain).nonce, account(chain).devices], [1, 1]);
	// Its first message was refused and nothing of it is on the chain: it begins anew.
	const again = new DeviceIdentity(testSigner("new"), CHAIN_ID);
	assert.equal(chain.reason(again.signReading([chain.temperature("20")])), "ok");
});

test("registrations are refused for what is wrong with them; the nonce is used all the same", () => {
	const chain = new TestChain(genesisOf([], { max_devices_per_account: 2 }));
	const otherUnit = { ...PROFILE, metrics: [{ name: "temperature", unit: "K", min: 0n, max: 1n, maxRate: 0n }] };
	const message = (name: string, more: object = {}): AccountMessage => ({
		kind: "register-device",
		device: testSigner(name).key,
		alias: name,
		profile: PROFILE,
		possession: signPossession(testSigner(name), CHAIN_ID, OWNER),
		...more,
	});
	const send = (nonce: number, body: AccountMessage): string | undefined =>
		chain.reason(signAccountMessage(OWNER, CHAIN_ID, nonce, body));
	assert.equal(send(0, message("a")), "ok");
	assert.equal(send(1, message("a")), "already-registered");
	assert.equal(send(2, message("b", { alias: "a" })), "alias-taken");
	assert.equal(send(3, message("b", { alias: "B!" })), "bad-profile");
	assert.equal(send(4, message("b", { profile: otherUnit })), "bad-profile");
	const foreign = signPossession(testSigner("b"), CHAIN_ID, testSigner("other"));
	assert.equal(send(5, message("b", { possession: foreign })), "bad-possession");
	assert.equal(send(6, message("b", { possession: new Uint8Array(0) })), "bad-possession");
	assert.equal(send(7, message("b")), "ok");
	assert.equal(send(8, message("c")), "too-many-devices");
	assert.deepEqual([account(chain).nonce, account(chain).devices], [9, 2]);
});

test("an alias belongs to its owner; bare, to who took it first", () => {
	const chain = new TestChain(genesisOf([]));
	const other = testSigner("other");
	assert.deepEqual(
		chain.block([register("a", 0, "roof"), register("b", 0, "roof", other)]).map(({ reason }) => reason),
		["ok", "ok"],
	);
	const named = (alias: string): string =>
		JSON.parse(new TextDecoder().decode(chain.machine.value(`alias/${alias}`))).device;
	assert.equal(named("roof"), testDevice("a").id);
	assert.equal(named(`${addressOfSigner(OWNER)}/roof`), testDevice("a").id);
	assert.equal(named(`${addressOfSigner(other)}/roof`), testDevice("b").id);
});

test("nonces come one after the other; CheckTx lets those through that may follow others", () => {
	const chain = new TestChain(genesisOf([]));
	assert.equal(chain.machine.check(register("b", 1)), undefined);
	assert.equal(chain.machine.check(register("b", 100))?.reason, "bad-nonce");
	const results = chain.block([register("b", 1), register("a", 0), register("b", 1), register("b", 1)]);
	assert.deepEqual(
		results.map(({ reason }) => reason),
		["bad-nonce", "ok", "ok", "bad-nonce"],
	);
	assert.equal(chain.machine.check(register("b", 1))?.reason, "bad-nonce");
});

test("new accounts open by their first transaction, unless the chain is closed", () => {
	const stranger = testSigner("stranger");
	const open = new TestChain(genesisOf([]));
	assert.equal(open.reason(register("x", 0, "x", stranger)), "ok");
	assert.equal(account(open, stranger).devices, 1);
	const closed = new TestChain(genesisOf([], { open_accounts: false }));
	assert.equal(closed.machine.check(register("x", 0, "x", stranger))?.reason, "unknown-account");
	assert.equal(closed.reason(register("x", 0, "x", stranger)), "unknown-account");
	assert.equal(closed.reason(register("x", 0)), "ok");
});

test("fees are taken for what fails too, never more than there is, and none are lost", () => {
	const chain = new TestChain(genesisOf([], { fee: "400" }));
	const total = (): bigint => {
		const stats = STATS.decode(chain.machine.value("stats") ?? new Uint8Array());
		return account(chain).balance + stats.fees;
	};
	assert.equal(total(), 1000n);
	assert.equal(chain.reason(register("a", 0)), "ok");
	assert.equal(chain.reason(register("a", 1)), "already-registered");
	assert.equal(account(chain).balance, 200n);
	assert.equal(total(), 1000n);
	assert.equal(chain.machine.check(register("b", 2))?.reason, "insufficient-funds");
	assert.equal(chain.reason(register("b", 2)), "insufficient-funds");
	assert.deepEqual([account(chain).balance, account(chain).nonce, total()], [200n, 2, 1000n]);
});

test("a forged or foreign request changes nothing", () => {
	const chain = new TestChain(genesisOf([]));
	const forged = register("a", 0);
	forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
	assert.equal(chain.machine.check(forged)?.reason, "bad-signature");
	const hash = chain.machine.appHash;
	assert.equal(chain.reason(forged), "bad-signature");
	const foreign = signRegistration(OWNER, testSigner("a"), "other-chain", 0, { alias: "a", profile: PROFILE });
	assert.equal(chain.reason(foreign), "wrong-chain");
	assert.deepEqual(chain.machine.appHash, hash);
});

test("an account may send so much in a window", () => {
	const chain = new TestChain(genesisOf([], { account_quota: 2, quota_window_ms: 10_000 }));
	assert.equal(chain.reason(register("a", 0)), "ok");
	assert.equal(chain.reason(register("b", 1)), "ok");
	assert.equal(chain.machine.check(register("c", 2))?.reason, "quota-exceeded");
	assert.equal(chain.reason(register("c", 2)), "quota-exceeded");
	assert.equal(chain.reason(register("c", 2), 8n), "ok");
});

test("only the owner pauses and wakes a device", () => {
	const chain = new TestChain(genesisOf([]));
	const device = testDevice("a");
	chain.block([register("a", 0)]);
	assert.equal(chain.reason(status("a", 0, false, testSigner("thief"))), "not-owner");
	assert.equal(chain.reason(status("b", 1, false)), "unknown-device");
	assert.equal(chain.reason(status("a", 2, false)), "ok");
	const reading = device.signReading([chain.temperature("20")]);
	assert.equal(chain.machine.check(reading)?.reason, "device-paused");
	assert.equal(chain.reason(reading), "device-paused");
	assert.equal(chain.reason(status("a", 3, true)), "ok");
	assert.equal(chain.reason(reading), "ok");
});

test("a jailed device is woken by its owner, not before its time", () => {
	const device = testDevice("sensor");
	const chain = new TestChain(genesisOf([{ alias: "sensor", identity: device }], { jail_ms: 60_000 }));
	const lie = (value: string): Uint8Array => device.signMessage([chain.temperature(value)], 1, new Uint8Array(32)).tx;
	chain.block([lie("20"), lie("21")]);
	assert.equal(chain.device(device).status, "jailed");
	assert.equal(chain.reason(status("sensor", 0, true), 59n), "bad-status");
	assert.equal(chain.reason(status("sensor", 1, false), 0n), "bad-status");
	assert.equal(chain.reason(status("sensor", 2, true)), "ok");
	device.resume(chain.device(device).nextSequence);
	assert.equal(chain.reason(device.signReading([chain.temperature("20")])), "ok");
	assert.equal(chain.device(device).missing, 16);
	assert.equal(chain.time, 1_795_305_600_000_000_000n + 62n * SECOND);
});

test("a new profile counts from its block on", () => {
	const device = testDevice("sensor");
	const chain = new TestChain(genesisOf([{ alias: "sensor", identity: device }]));
	assert.equal(chain.reason(device.signReading([chain.temperature("70")])), "out-of-range");
	const metrics = PROFILE.metrics.map((metric) => ({ ...metric, max: metric.max * 2n }));
	const body: AccountMessage = {
		kind: "set-profile",
		device: testSigner("sensor").key,
		profile: { ...PROFILE, metrics },
	};
	assert.equal(chain.reason(signAccountMessage(OWNER, CHAIN_ID, 0, body)), "ok");
	assert.equal(chain.reason(device.signReading([chain.temperature("70")])), "ok");
	const kelvin: AccountMessage = {
		...body,
		profile: { ...PROFILE, metrics: [{ name: "temperature", unit: "K", min: 0n, max: 1n, maxRate: 0n }] },
	};
	assert.equal(chain.reason(signAccountMessage(OWNER, CHAIN_ID, 1, kelvin)), "bad-profile");
});
