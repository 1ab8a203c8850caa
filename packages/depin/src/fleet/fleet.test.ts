import assert from "node:assert/strict";
import { test } from "node:test";
import { toHex, utf8 } from "@cairn/kit";
import { CHAIN_ID, GENESIS_TIME, SECOND, TestChain } from "../testing/test-chain.ts";
import { diurnalClimate, recordedClimate } from "./climate.ts";
import { createFleet, type Fault, type Fleet, type FleetOptions } from "./fleet.ts";

const OPTIONS: FleetOptions = { seed: "fleet", chainId: CHAIN_ID, devices: 8, faultRate: 0.15 };

function chainOf(fleet: Fleet): TestChain {
	return new TestChain(utf8(JSON.stringify(fleet.genesisState())));
}

/** Sends a round of readings as a node would: what CheckTx refuses never gets into a block. */
function round(chain: TestChain, fleet: Fleet, faults: Map<Fault, number>): void {
	const sent = fleet.devices.map((_, index) => fleet.next(index, chain.time + SECOND));
	const admitted = sent.filter((reading) => {
		faults.set(reading.fault, (faults.get(reading.fault) ?? 0) + 1);
		const refused = chain.machine.check(reading.tx);
		if (refused !== undefined) assert.equal(refused.reason, reading.expected, refused.text);
		return refused === undefined;
	});
	const outcomes = chain.block(admitted.map(({ tx }) => tx));
	outcomes.forEach(({ reason, log }, i) => {
		assert.equal(reason === "ok" ? "accepted" : reason, admitted[i]?.expected, log);
	});
}

test("the chain says of every reading what the fleet expects, with faults of every kind", () => {
	const fleet = createFleet(OPTIONS);
	const chain = chainOf(fleet);
	const faults = new Map<Fault, number>();
	for (let i = 0; i < 80; i++) round(chain, fleet, faults);
	for (const fault of ["none", "spike", "jump", "stuck", "forged", "replayed", "unregistered"] as const) {
		assert.ok((faults.get(fault) ?? 0) > 0, fault);
	}
	assert.ok((faults.get("none") ?? 0) > 8 * 80 * 0.6);
});

test("the same seed gives the same bytes, another seed other keys", () => {
	const send = (seed: string): string[] => {
		const fleet = createFleet({ ...OPTIONS, seed });
		return Array.from({ length: 20 }, (_, i) => toHex(fleet.next(i % 8, GENESIS_TIME + BigInt(i) * SECOND).tx));
	};
	assert.deepEqual(send("a"), send("a"));
	assert.notDeepEqual(send("a"), send("b"));
	assert.notEqual(createFleet({ ...OPTIONS, seed: "b" }).devices[0]?.id, createFleet(OPTIONS).devices[0]?.id);
	assert.throws(() => createFleet({ ...OPTIONS, devices: 0 }), /at least one/);
	assert.throws(() => createFleet(OPTIONS).next(8, 0n), /no such device/);
});

test("after a restart the fleet goes on from what the chain knows, without a number signed twice", () => {
	const fleet = createFleet(OPTIONS);
	const chain = chainOf(fleet);
	const faults = new Map<Fault, number>();
	for (let i = 0; i < 20; i++) round(chain, fleet, faults);
	// These are under way when the fleet stops, and arrive after it has come back.
	const underWay = fleet.devices.map((_, index) => fleet.next(index, chain.time + SECOND).tx);
	const next = (index: number): number => {
		const { id } = fleet.devices[index] ?? { id: "" };
		return JSON.parse(new TextDecoder().decode(chain.machine.value(`device/${id}`))).next_sequence;
	};
	const again = createFleet({ ...OPTIONS, faultRate: 0 });
	again.devices.forEach((_, index) => {
		again.resume(index, next(index));
	});
	const first = again.devices.map((_, index) => again.next(index, chain.time + SECOND).tx);
	for (const { reason } of chain.block([...underWay, ...first])) assert.notEqual(reason, "equivocation");
	for (let i = 0; i < 10; i++) round(chain, again, faults);
	for (const device of again.devices) {
		const { status } = JSON.parse(new TextDecoder().decode(chain.machine.value(`device/${device.id}`)));
		assert.equal(status, "active");
	}
	// Of a device that never spoke nothing can be under way.
	const fresh = createFleet(OPTIONS);
	fresh.resume(0, 1);
	assert.equal(fresh.devices[0]?.memory.nextSequence, 1);
});

test("recorded values are played over and over, with straight lines between them", () => {
	const hour = 3600n * SECOND;
	const climate = recordedClimate([
		{ time: GENESIS_TIME, value: 10 },
		{ time: GENESIS_TIME + hour, value: 20 },
		{ time: GENESIS_TIME + 3n * hour, value: 10 },
	]);
	assert.equal(climate.at(GENESIS_TIME), 10);
	assert.equal(climate.at(GENESIS_TIME + hour / 2n), 15);
	assert.equal(climate.at(GENESIS_TIME + 2n * hour), 15);
	assert.equal(climate.at(GENESIS_TIME + 3n * hour), 10);
	assert.equal(climate.at(GENESIS_TIME + 4n * hour), 20);
	assert.equal(climate.at(GENESIS_TIME - 2n * hour), 20);
	const day = diurnalClimate(12, 8);
	assert.ok(Math.abs(day.at(15n * hour) - 20) < 0.01 && Math.abs(day.at(3n * hour) - 4) < 0.01);
});

test("a fleet of recorded weather is accepted too", () => {
	const hour = 3600n * SECOND;
	const series = Array.from({ length: 48 }, (_, i) => ({ time: BigInt(i) * hour, value: 10 + 8 * Math.sin(i / 4) }));
	const fleet = createFleet({ ...OPTIONS, series, faultRate: 0 });
	const chain = chainOf(fleet);
	for (let i = 0; i < 100; i++) round(chain, fleet, new Map());
	const feed = JSON.parse(new TextDecoder().decode(chain.machine.value("feed/temperature")));
	assert.equal(feed.accepted, 100 * 8);
});
