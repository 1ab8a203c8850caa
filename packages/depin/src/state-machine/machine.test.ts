import assert from "node:assert/strict";
import { test } from "node:test";
import { fromHex, toHex, utf8 } from "@cairn/kit";
import { addressOfSigner } from "../device/account.ts";
import { DeviceIdentity, NEW_DEVICE } from "../device/identity.ts";
import {
	CHAIN_ID,
	fixed,
	GENESIS_TIME,
	genesisOf,
	OWNER,
	PROFILE,
	SECOND,
	TestChain,
	testDevice,
	testSigner,
} from "../testing/test-chain.ts";
import { CODES, type Reason, verdictOf } from "./codes.ts";
import type { Measurement } from "./senml.ts";

interface Scene {
	readonly chain: TestChain;
	readonly device: DeviceIdentity;
}

function scene(params: object = {}): Scene {
	const device = testDevice("sensor");
	return { device, chain: new TestChain(genesisOf([{ alias: "sensor", identity: device }], params)) };
}

/** One way to be judged: what is done before, what is sent, and what comes of it. */
interface Case {
	readonly what: string;
	readonly reason: Reason;
	/** What CheckTx says of it, against the state before the block. */
	readonly check: Reason;
	/** Whether the device's sequence number moves on. */
	readonly consumes: boolean;
	readonly params?: object;
	send(scene: Scene): Uint8Array;
}

const one =
	(measurement: (chain: TestChain) => Measurement) =>
	({ chain, device }: Scene): Uint8Array =>
		device.signReading([measurement(chain)]);

const accepted = { reason: "ok", check: "ok", consumes: true } as const;
const refusedEarly = (reason: Reason) => ({ reason, check: reason, consumes: false }) as const;
const judged = (reason: Reason) => ({ reason, check: "ok", consumes: true }) as const;

const CASES: readonly Case[] = [
	{ what: "a plain reading", ...accepted, send: one((chain) => chain.temperature("21.5")) },
	{ what: "at the lower bound", ...accepted, send: one((chain) => chain.temperature("-40")) },
	{ what: "at the upper bound", ...accepted, send: one((chain) => chain.temperature("60")) },
	{ what: "late, in the window", ...accepted, send: one((chain) => chain.temperature("21", 3000n)) },
	{ what: "just inside the late window", ...accepted, send: one((chain) => chain.temperature("21", 3599n)) },
	{
		what: "a little ahead of the block",
		...accepted,
		send: one((chain) => chain.temperature("21", -31n)),
	},
	{
		what: "without a time: now",
		...accepted,
		send: one((chain) => ({ ...chain.temperature("21"), time: 0n })),
	},
	{ what: "not CBOR", ...refusedEarly("malformed"), send: () => utf8("hello") },
	{ what: "nothing", ...refusedEarly("malformed"), send: () => new Uint8Array(0) },
	{ what: "too large to look at", ...refusedEarly("too-large"), send: () => new Uint8Array(16_385) },
	{
		what: "larger than the parameters allow",
		...refusedEarly("too-large"),
		params: { max_tx_bytes: 256 },
		send: ({ chain, device }) => device.signReading(["1", "2", "3", "4"].map((each) => chain.temperature(each))),
	},
	{
		what: "more records than the parameters allow",
		...refusedEarly("too-large"),
		params: { max_records: 1 },
		send: ({ chain, device }) => device.signReading([chain.temperature("1"), chain.temperature("1")]),
	},
	{
		what: "signed for another chain",
		...refusedEarly("wrong-chain"),
		send: ({ chain }) => new DeviceIdentity(testSigner("sensor"), "other-chain").signReading([chain.temperature("21")]),
	},
	{
		what: "of a device that is not registered",
		...refusedEarly("unknown-device"),
		send: ({ chain }) => testDevice("stranger").signReading([chain.temperature("21")]),
	},
	{
		what: "with a forged signature",
		...refusedEarly("bad-signature"),
		send: ({ chain, device }) => {
			const { tx } = device.signMessage([chain.temperature("21")], 1, new Uint8Array(32));
			tx[tx.length - 1] = (tx.at(-1) ?? 0) ^ 1;
			return tx;
		},
	},
	{
		what: "too far ahead in sequence",
		...refusedEarly("sequence-gap"),
		params: { max_gap: 10 },
		send: ({ chain, device }) => device.signMessage([chain.temperature("21")], 12, new Uint8Array(32)).tx,
	},
	{
		what: "as far ahead in sequence as allowed",
		...accepted,
		params: { max_gap: 10 },
		send: ({ chain, device }) => device.signMessage([chain.temperature("21")], 11, new Uint8Array(32)).tx,
	},
	{
		what: "naming another message before it",
		...refusedEarly("broken-chain"),
		send: ({ chain, device }) => device.signMessage([chain.temperature("21")], 1, new Uint8Array(32).fill(1)).tx,
	},
	{
		what: "from the future",
		reason: "time-future",
		check: "ok",
		consumes: false,
		send: one((chain) => chain.temperature("21", -32n)),
	},
	{ what: "beyond the late window", ...judged("time-stale"), send: one((chain) => chain.temperature("21", 3600n)) },
	{
		what: "of a metric that the profile does not have",
		...judged("unknown-metric"),
		send: one((chain) => ({ ...chain.temperature("21"), name: "pressure" })),
	},
	{
		what: "in another unit",
		...judged("wrong-unit"),
		send: one((chain) => ({ ...chain.temperature("21"), unit: "Far" })),
	},
	{ what: "below the range", ...judged("out-of-range"), send: one((chain) => chain.temperature("-40.000001")) },
	{ what: "above the range", ...judged("out-of-range"), send: one((chain) => chain.temperature("60.000001")) },
	{
		what: "the unsigned form, where the chain is not for development",
		...refusedEarly("not-development"),
		send: () => utf8('{"device":"sensor-1","reading":"72"}'),
	},
	{
		what: "the unsigned form for a device with a key",
		...refusedEarly("bad-signature"),
		params: { development: true },
		send: () => utf8('{"device":"sensor","reading":"72"}'),
	},
	{
		what: "the unsigned form with a misspelt field",
		...refusedEarly("malformed"),
		params: { development: true },
		send: () => utf8('{"device":"sensor-1","readings":"72"}'),
	},
];

for (const { what, reason, check, consumes, params, send } of CASES) {
	test(`${what}: ${reason}`, () => {
		const { chain, device } = scene(params);
		const before = chain.device(device);
		const tx = send({ chain, device });
		assert.equal(chain.machine.check(tx)?.reason ?? "ok", check);
		const [result] = chain.block([tx]);
		assert.equal(result?.reason, reason, result?.log);
		assert.equal(result?.code, CODES[reason]);
		const after = chain.device(device);
		assert.equal(after.nextSequence > before.nextSequence, consumes);
		if (!consumes) assert.deepEqual(after, before);
		if (!consumes) return;
		const isAccepted = verdictOf(reason) === "accepted";
		assert.deepEqual([after.accepted, after.rejected], isAccepted ? [1, 0] : [0, 1]);
		assert.equal(after.reputation > before.reputation, isAccepted);
		assert.equal(chain.machine.value(`reading/${device.id}`) !== undefined, isAccepted);
	});
}

test("a value that moves too fast is quarantined, until enough time has gone by", () => {
	const { chain, device } = scene();
	const send = (value: string, seconds = 10n): string | undefined => {
		chain.time += seconds * SECOND;
		return chain.reason(device.signReading([chain.temperature(value)]), 0n);
	};
	assert.equal(send("20"), "ok");
	// 0.5 °C a second: 5 in ten seconds, and not a millionth more.
	assert.equal(send("25"), "ok");
	assert.equal(send("30.000001"), "rate-of-change");
	assert.equal(send("35"), "ok");
	assert.equal(send("10", 49n), "rate-of-change");
	assert.equal(send("10", 1n), "ok");
	assert.deepEqual([chain.device(device).accepted, chain.device(device).quarantined], [4, 2]);
	// A device may contradict itself about one instant only by saying the same.
	assert.equal(chain.reason(device.signReading([chain.temperature("10")]), 0n), "ok");
	assert.equal(chain.reason(device.signReading([chain.temperature("10.1")]), 0n), "rate-of-change");
});

test("an older reading is accepted late, and does not replace the newest", () => {
	const { chain, device } = scene();
	assert.equal(chain.reason(device.signReading([chain.temperature("20")])), "ok");
	assert.equal(chain.reason(device.signReading([chain.temperature("-10", 600n)])), "ok");
	const { late, accepted: count } = chain.device(device);
	assert.deepEqual([count, late], [2, 1]);
	const latest = JSON.parse(new TextDecoder().decode(chain.machine.value(`reading/${device.id}`)));
	assert.equal(latest.metrics[0].value, "20");
});

test("every record of a pack has its own verdict; the pack has the first that is not accepted", () => {
	const { chain, device } = scene();
	const humidity = (value: string): Measurement => ({
		name: "humidity",
		unit: "%RH",
		value: fixed(value),
		time: chain.time,
	});
	const pack = [chain.temperature("20"), humidity("101"), humidity("50"), { ...humidity("1"), name: "wind" }];
	const [result] = chain.block([device.signReading(pack)]);
	assert.equal(result?.reason, "out-of-range");
	assert.match(result?.log ?? "", /record 2 of 4/);
	assert.equal(toHex(result?.data ?? new Uint8Array()), "840011000f");
	const verdicts = result?.events.map(({ attributes }) => Object.fromEntries(attributes).reason);
	assert.deepEqual(verdicts, ["ok", "out-of-range", "ok", "unknown-metric"]);
	assert.deepEqual([chain.device(device).accepted, chain.device(device).rejected], [2, 2]);
	const feed = JSON.parse(new TextDecoder().decode(chain.machine.value("feed/humidity")));
	assert.deepEqual([feed.count, feed.median, feed.accepted], [1, "50", 1]);
});

test("numbers come once each: gaps may be filled within the window, late; everything else is a replay", () => {
	const { chain, device } = scene();
	const zero: Uint8Array = new Uint8Array(32);
	const send = (sequence: number, previous: Uint8Array = zero): string | undefined =>
		chain.reason(device.signMessage([chain.temperature("20")], sequence, previous).tx);
	assert.equal(send(1), "ok");
	assert.equal(send(5), "ok");
	assert.deepEqual([chain.device(device).missing, chain.device(device).nextSequence], [3, 6]);
	assert.equal(send(3), "ok");
	assert.equal(send(3), "replay");
	assert.equal(send(1), "replay");
	assert.deepEqual([chain.device(device).missing, chain.device(device).late], [2, 1]);
	// After a filled gap the last message is still number 5.
	assert.equal(send(6), "broken-chain");
	assert.equal(send(6, fromHex(chain.device(device).lastMessage)), "ok");
	assert.equal(send(80), "ok");
	// 64 numbers back from 80: 17 is the last that may still come.
	assert.equal(send(17), "ok");
	assert.equal(send(16), "replay");
	assert.equal(send(2), "replay");
});

test("two messages with one number put the device into jail; its owner gets it out when the time is over", () => {
	const { chain, device } = scene();
	const first = device.signMessage([chain.temperature("20")], 1, new Uint8Array(32)).tx;
	const second = device.signMessage([chain.temperature("30")], 1, new Uint8Array(32)).tx;
	const results = chain.block([first, first, second, second]);
	assert.deepEqual(
		results.map(({ reason }) => reason),
		["ok", "replay", "equivocation", "device-jailed"],
	);
	const jailed = chain.device(device);
	assert.deepEqual([jailed.status, jailed.rejected, jailed.accepted], ["jailed", 1, 1]);
	assert.equal(jailed.jailedUntil, chain.time + 600n * SECOND);
	// Proof brought again changes nothing.
	chain.block([second]);
	assert.deepEqual(chain.device(device), jailed);
	assert.equal(chain.machine.check(second)?.reason, "device-jailed");
});

test("a device may send so much in a window, and goes on in the next", () => {
	const { chain, device } = scene({ device_quota: 3, quota_window_ms: 10_000 });
	// Genesis time is the start of a window.
	const send = (seconds: bigint): string | undefined =>
		chain.reason(device.signReading([chain.temperature("20")]), seconds);
	assert.deepEqual([send(1n), send(1n), send(1n)], ["ok", "ok", "ok"]);
	assert.equal(send(1n), "quota-exceeded");
	assert.equal(chain.machine.check(device.signReading([chain.temperature("20")]))?.reason, "quota-exceeded");
	assert.equal(send(6n), "ok");
});

test("reputation follows verdicts slowly, between nothing and full", () => {
	const { chain, device } = scene({ reputation_weight: 100_000 });
	const send = (value: string): number => {
		chain.block([device.signReading([chain.temperature(value)])], 60n);
		return chain.device(device).reputation;
	};
	assert.equal(send("20"), 550_000);
	assert.equal(send("20"), 595_000);
	// A rejected one counts 0.
	assert.equal(send("99"), 535_500);
	for (let i = 0; i < 200; i++) send("20");
	const best = chain.device(device).reputation;
	assert.ok(best > 999_900 && best <= 1_000_000, String(best));
	for (let i = 0; i < 200; i++) send("99");
	const worst = chain.device(device).reputation;
	assert.ok(worst >= 0 && worst < 100, String(worst));
});

test("the unsigned form makes its device, and counts", () => {
	const { chain } = scene({ development: true });
	const send = (text: string): string | undefined => chain.reason(utf8(text));
	assert.equal(send('{"device":"sensor-1","reading":"72"}'), "ok");
	assert.equal(send('{"device":"sensor-1","reading":71.5}'), "ok");
	assert.equal(send('{"device":"sensor-1","reading":"72","metric":"reading"}'), "ok");
	assert.equal(send('{"device":"sensor-1","reading":"72","metric":"other"}'), "unknown-metric");
	for (const text of [
		'{"device":"Sensor 1","reading":"72"}',
		'{"device":"a","reading":"hot"}',
		'{"device":"a"}',
		"{}",
		"{",
	]) {
		assert.equal(send(text), "malformed", text);
	}
	const latest = JSON.parse(new TextDecoder().decode(chain.machine.value("reading/dev:sensor-1")));
	assert.equal(latest.metrics[0].value, "72");
	const stats = JSON.parse(new TextDecoder().decode(chain.machine.value("stats")));
	assert.deepEqual([stats.devices, stats.accepted, stats.rejected], [2, 3, 1]);
});

test("a feed is the median of its block, weighted by reputation", () => {
	const names = ["a", "b", "c"];
	const devices = names.map((alias) => ({ alias, identity: testDevice(alias) }));
	const chain = new TestChain(genesisOf(devices));
	chain.block(
		devices.map(({ identity }, i) => identity.signReading([chain.temperature(["10", "20", "40"][i] ?? "0")])),
	);
	const feed = (): Record<string, unknown> =>
		JSON.parse(new TextDecoder().decode(chain.machine.value("feed/temperature")));
	assert.deepEqual([feed().median, feed().min, feed().max, feed().contributors], ["20", "10", "40", 3]);
	// A block without readings changes nothing at all.
	const hash = toHex(chain.machine.appHash);
	chain.block([]);
	assert.equal(toHex(chain.machine.appHash), hash);
	assert.equal(feed().height, 1);
});

test("genesis says where it is wrong", () => {
	const wrong: readonly (readonly [object, RegExp])[] = [
		[{ parameters: {} }, /unknown field "parameters"/],
		[{ params: { developement: true } }, /unknown field "developement"/],
		[{ params: { fee: 1 } }, /app_state.params.fee/],
		[{ accounts: [{ address: "cairn1wrong" }] }, /not an account address/],
		[{ accounts: [{ address: addressOfSigner(OWNER), balance: "1000000000000000001" }] }, /at most 10{18} may be/],
		[{ accounts: [{ address: addressOfSigner(OWNER), balance: "-1" }] }, /negative balance/],
		[{ devices: [{ id: "did:key:z1", alias: "a", owner: "", profile: {} }] }, /metrics/],
	];
	for (const [state, expected] of wrong) {
		assert.throws(() => new TestChain(utf8(JSON.stringify(state))), expected);
	}
	assert.throws(() => new TestChain(utf8("[]")), /app_state/);
	for (const empty of ["", "{}", "null", '""'])
		assert.equal(new TestChain(utf8(empty)).machine.params?.development, false);
	assert.equal(new TestChain(utf8("{}")).machine.params?.chainId, CHAIN_ID);
	assert.throws(
		() =>
			new TestChain(
				genesisOf([
					{ alias: "a", identity: testDevice("a") },
					{ alias: "a", identity: testDevice("b") },
				]),
			),
		/has another a/,
	);
	const other = { ...PROFILE, metrics: [{ name: "temperature", unit: "K", min: 0n, max: 1n, maxRate: 0n }] };
	const mixed = genesisOf([
		{ alias: "a", identity: testDevice("a") },
		{ alias: "b", identity: testDevice("b"), profile: other },
	]);
	assert.throws(() => new TestChain(mixed), /measured in Cel/);
	assert.equal(NEW_DEVICE.nextSequence, 1);
	assert.equal(GENESIS_TIME % 1_000_000_000n, 0n);
});
