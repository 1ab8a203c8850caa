import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ManualTime, SeededRandom } from "@cairn/world";
import { Feeder, flagsOf, type Machine, newMachines, type StoredChain } from "./testing/power-cut.ts";

// Whole nodes in memory whose power fails at any moment: unlike kill -9, this loses what was written and not synced.
const FLAGS = {
	"consensus.timeout_propose": "300ms",
	"consensus.timeout_propose_delta": "100ms",
	"consensus.timeout_prevote": "50ms",
	"consensus.timeout_prevote_delta": "50ms",
	"consensus.timeout_precommit": "50ms",
	"consensus.timeout_precommit_delta": "50ms",
	"consensus.timeout_commit": "20ms",
	"consensus.peer_gossip_sleep_duration": "10ms",
	"rpc.laddr": "",
};

class Chance {
	readonly #random: SeededRandom;

	constructor(seed: string) {
		this.#random = new SeededRandom(seed);
	}

	below(limit: number): number {
		const bytes = this.#random.bytes(4);
		return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) % limit;
	}
}

function assertSound(machines: readonly Machine[], hint: string): void {
	const finalized = new Map<number, Set<string>>();
	for (const machine of machines) {
		assert.deepEqual(machine.stops, [], `${machine.name} stopped by itself, ${hint}\n${machine.errors.join("\n")}`);
		const said = new Map<string, string>();
		for (const { place, signBytes } of machine.signed) {
			const before = said.get(place) ?? signBytes;
			assert.equal(signBytes, before, `${machine.name} signed twice at ${place}, ${hint}`);
			said.set(place, signBytes);
		}
		for (const [height, hashes] of machine.finalized) {
			const all = finalized.get(height) ?? new Set();
			for (const hash of hashes) all.add(hash);
			finalized.set(height, all);
		}
	}
	for (const [height, hashes] of finalized) assert.equal(hashes.size, 1, `height ${height} was decided twice, ${hint}`);
}

async function run(count: number, cuts: number, proxyApp: string, seed: string): Promise<void> {
	const hint = `seed ${seed}`;
	const { machines, time } = await newMachines(count, seed);
	const chance = new Chance(seed);
	const flags = flagsOf({ ...FLAGS, proxy_app: proxyApp });
	for (const machine of machines) await machine.start(flags);
	await inTime(time, Feeder.start(machines));
	const highest = (): number => Math.max(...machines.map(({ height }) => height));
	const growTo = async (goal: number): Promise<void> => {
		for (let waited = 0; machines.some(({ height }) => height < goal); waited += 50) {
			assertSound(machines, hint);
			const heights = machines.map(({ height }) => height).join();
			assert.ok(
				waited < 600_000,
				`the chain stands still at ${heights}, ${hint}\n${machines.flatMap(({ errors }) => errors.slice(-5)).join("\n")}`,
			);
			await time.advance(50);
		}
	};
	await growTo(2);
	for (let cut = 0; cut < cuts; cut++) {
		await time.advance(chance.below(400) / 4);
		const dying = chance.below(3) === 0 ? machines : machines.filter(() => chance.below(machines.length) === 0);
		for (const machine of dying) machine.cutPower();
		await time.advance(chance.below(200));
		for (const machine of machines) if (!machine.isUp) await machine.start(flags);
		if (cut % 4 === 3) await growTo(highest() + 2);
		assertSound(machines, hint);
	}
	await growTo(highest() + 3);
	for (const machine of machines) machine.cutPower();
	const chains: StoredChain[] = [];
	for (const machine of machines) chains.push(await inTime(time, machine.storedChain()));
	const [first] = chains;
	assert.ok(first !== undefined);
	const shortest = Math.min(...chains.map(({ hashes }) => hashes.length));
	assert.ok(shortest >= highest() - 3, `blocks are lost: ${shortest} are left of ${highest()}, ${hint}`);
	for (const { hashes } of chains) assert.deepEqual(hashes.slice(0, shortest), first.hashes.slice(0, shortest), hint);
	for (const { finalized } of machines) {
		for (const [height, hashes] of finalized) {
			if (height <= shortest) assert.deepEqual([...hashes], [first.hashes[height - 1]], `height ${height}, ${hint}`);
		}
	}
	assert.ok(first.txs > shortest, `${first.txs} transactions in ${shortest} blocks, ${hint}`);
}

/** Lets time pass until something that takes its time is done. */
async function inTime<T>(time: ManualTime, work: Promise<T>): Promise<T> {
	let isDone = false;
	const done = work.finally(() => {
		isDone = true;
	});
	while (!isDone) await time.advance(10);
	return done;
}

/** More with CAIRN_POWER_CUTS, for nights. The first one has found a log that nobody could continue. */
const SEEDS = Array.from({ length: Number(process.env["CAIRN_POWER_CUTS"] ?? 1) }, (_, index) => 5 + index);

describe("cuts of the power", () => {
	for (const proxyApp of ["kvstore", "persistent_kvstore"]) {
		for (const seed of SEEDS) {
			it(`a single validator with ${proxyApp} loses nothing and signs nothing twice (seed ${seed})`, async () => {
				await run(1, 40, proxyApp, `single ${proxyApp} ${seed}`);
			});
		}
		for (const seed of SEEDS) {
			it(`four validators with ${proxyApp} lose nothing and sign nothing twice (seed ${seed})`, async () => {
				await run(4, 12, proxyApp, `four ${proxyApp} ${seed}`);
			});
		}
	}
});
