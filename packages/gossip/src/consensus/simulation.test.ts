import assert from "node:assert/strict";
import { test } from "node:test";
import { SimNetwork } from "../testing/sim-network.ts";
import { nameOfConsensusMessage } from "./messages.ts";

const FAST = { propose: 600, proposeDelta: 100, prevote: 200, prevoteDelta: 100, precommit: 200, commit: 50 };

test("four validators, all linked, decide a block in little more than the network needs", async () => {
	const network = new SimNetwork({ seed: 1, validators: 4, latencyMs: 5, timeouts: FAST });
	network.linkAll();
	network.start();
	assert.ok(await network.until(20, 20 * 120), `heights ${network.heights()}`);
	assert.deepEqual(network.disagreements(), []);
	assert.deepEqual(network.faults, []);
	network.stop();
});

test("validators in a line hear of each other through the ones between", async () => {
	const network = new SimNetwork({ seed: 2, validators: 4, timeouts: FAST });
	for (const each of [0, 1, 2]) network.link(each, each + 1);
	network.start();
	assert.ok(await network.until(15, 15 * 300), `heights ${network.heights()}`);
	assert.deepEqual(network.disagreements(), []);
	network.stop();
});

test("blocks of many parts reach everybody", async () => {
	const network = new SimNetwork({ seed: 3, validators: 4, txBytes: 1_000_000, timeouts: FAST });
	network.linkAll();
	network.start();
	assert.ok(await network.until(5, 5 * 400), `heights ${network.heights()}`);
	assert.equal(network.nodes[3]?.store.loadBlockMeta(5)?.blockId.partSetHeader.total, 16);
	network.stop();
});

test("links break and come back all the time: consensus goes on, and nobody disagrees", async () => {
	const network = new SimNetwork({ seed: 4, validators: 4, timeouts: FAST });
	network.linkAll();
	network.start();
	for (let each = 0; each < 120; each++) {
		await network.time.advance(50 + 200 * network.random());
		const a = Math.floor(4 * network.random());
		const b = (a + 1 + Math.floor(3 * network.random())) % 4;
		network.unlink(a, b);
		if (network.random() < 0.8) network.link(a, b);
	}
	network.linkAll();
	const reached = Math.max(...network.heights());
	assert.ok(reached > 10, `heights ${network.heights()}`);
	assert.ok(await network.until(reached + 5, 60_000), `heights ${network.heights()}`);
	assert.deepEqual(network.disagreements(), []);
	assert.deepEqual(network.faults, []);
	network.stop();
});

for (const seed of [11, 12, 13, 14, 15, 16]) {
	test(`messages get lost, as when a peer drops them at a wrong moment (seed ${seed})`, async () => {
		const network = new SimNetwork({
			seed,
			validators: 4,
			timeouts: FAST,
			txBytes: 150_000,
			extensionsFrom: seed % 2 === 0 ? 3 : 0,
			isLost: (_, random) => random() < 0.05 * (seed % 4),
		});
		network.linkAll();
		network.start();
		assert.ok(await network.until(10, 400_000), `heights ${network.heights()}`);
		assert.deepEqual(network.disagreements(), []);
		assert.deepEqual(network.faults, []);
		network.stop();
	});
}

test("a node that comes late is brought up to the others, height by height, with and without vote extensions", async () => {
	for (const extensionsFrom of [0, 5]) {
		const network = new SimNetwork({
			seed: 5,
			validators: 4,
			followers: 1,
			txBytes: 100_000,
			extensionsFrom,
			timeouts: FAST,
		});
		const validators = [0, 1, 2, 3];
		network.linkAll(validators);
		network.start(validators);
		assert.ok(await network.until(12, 60_000, validators));
		network.start([4]);
		network.link(4, 1);
		assert.ok(await network.until(14, 20_000), `heights ${network.heights()}`);
		assert.deepEqual(network.disagreements(), []);
		assert.deepEqual(network.faults, []);
		network.stop();
	}
});

test("a network that was split in two halves, and so stuck, goes on when it is whole again", async () => {
	const network = new SimNetwork({ seed: 6, validators: 4, timeouts: FAST });
	network.linkAll();
	network.start();
	assert.ok(await network.until(3, 10_000));
	for (const a of [0, 1]) for (const b of [2, 3]) network.unlink(a, b);
	await network.time.advance(30_000);
	const stuckAt = Math.max(...network.heights());
	assert.ok(stuckAt < 6);
	network.linkAll();
	assert.ok(await network.until(stuckAt + 5, 20_000), `heights ${network.heights()}`);
	assert.deepEqual(network.disagreements(), []);
	network.stop();
});

test("in a full mesh each vote and each part goes to each node about once", async () => {
	const network = new SimNetwork({ seed: 7, validators: 7, timeouts: FAST });
	network.linkAll();
	network.start();
	assert.ok(await network.until(5, 10_000));
	const from = network.net.log.length;
	assert.ok(await network.until(25, 20_000));
	const count = (name: string): number => {
		return network.net.log.slice(from).filter(({ bytes }) => nameOfConsensusMessage(bytes) === name).length;
	};
	const votes = 20 * 2 * 7 * 6;
	assert.ok(count("consensus_Vote") < votes * 1.1, `${count("consensus_Vote")} of ${votes}`);
	assert.ok(count("consensus_BlockPart") < 20 * 6 * 1.2);
	network.stop();
});
