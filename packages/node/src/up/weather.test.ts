import assert from "node:assert/strict";
import { test } from "node:test";
import { CairnError } from "@cairn/kit";
import { fleetGenesis, StationFleet } from "./fleet.ts";
import { parseTemperatures, recordedTemperatures } from "./weather.ts";

const SEED = "07".repeat(32);

test("the recorded year is there: one temperature an hour, in order, as Seattle has them", async () => {
	const series = await recordedTemperatures();
	assert.equal(series.length, 8_759);
	assert.deepEqual(series[0], { time: BigInt(Date.UTC(2010, 0, 1, 1)) * 1_000_000n, value: 4 });
	for (const [index, { time, value }] of series.entries()) {
		assert.ok(time > (series[index - 1]?.time ?? 0n));
		assert.ok(value > -10 && value < 35);
	}
});

test("a line without a temperature is named", () => {
	const csv =
		"date,pressure,temperature,wind\n2010-01-01T01:00:00,1016.6,4.0,3.8\n2010-01-01T02:00:00,1016.6,warm,3.8\n";
	assert.throws(
		() => parseTemperatures(csv),
		(error: unknown) => error instanceof CairnError && /line 3 of the recorded weather/.test(error.message),
	);
	assert.throws(() => parseTemperatures("a,b\n1,2\n"), CairnError);
});

test("the same seed gives the same stations; they go on where the chain has them", async () => {
	const genesis = fleetGenesis(SEED, "c", 3);
	assert.equal(genesis, fleetGenesis(SEED, "c", 3));
	const { devices } = JSON.parse(genesis) as { devices: readonly { id: string }[] };
	assert.equal(devices.length, 3);
	const fleet = await StationFleet.create(SEED, "c", 3);
	const asked: unknown[] = [];
	const known = await fleet.resume(async (calls) => {
		asked.push(...calls);
		const value = Buffer.from('{"next_sequence":41}').toString("base64");
		return calls.map((_, index) => (index === 0 ? { response: { code: 0, value } } : { response: { code: 41 } }));
	});
	assert.equal(known, 1);
	assert.deepEqual(
		asked,
		devices.map(({ id }) => ({ method: "abci_query", params: { path: `/device/${id}` } })),
	);
	const fresh = await StationFleet.create(SEED, "c", 3);
	const now = 1_700_000_000_000_000_000n;
	assert.notDeepEqual(fleet.next(0, now).tx, fresh.next(0, now).tx);
	assert.deepEqual(fleet.next(1, now).tx, fresh.next(1, now).tx);
});

test("an empty fleet is a chain without devices", async () => {
	const fleet = await StationFleet.create(SEED, "c", 0);
	assert.equal(fleet.devices, 0);
	assert.equal(await fleet.resume(() => Promise.reject(new Error("nobody asks"))), 0);
	assert.deepEqual(JSON.parse(fleetGenesis(SEED, "c", 0)), { params: { development: true } });
});
