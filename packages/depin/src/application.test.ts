import assert from "node:assert/strict";
import { test } from "node:test";
import { CairnError, type Clock, type Disk, fromUtf8, toHex, utf8 } from "@cairn/kit";
import { abci } from "@cairn/types/proto";
import { MemoryDisk, memoryWorld } from "@cairn/world";
import fc from "fast-check";
import { type DepinApplication, openDepin, openDepinApplication } from "./application.ts";
import { verifyStateProof } from "./proof.ts";
import { CODES } from "./state-machine/codes.ts";
import type { Block } from "./state-machine/machine.ts";
import { scenario } from "./testing/scenario.ts";
import { CHAIN_ID, GENESIS_TIME, genesisOf, SECOND, testDevice } from "./testing/test-chain.ts";

const PATH = "/node/data/depin.db";

function begin(app: DepinApplication, appStateBytes: Uint8Array): Uint8Array {
	const request = abci.RequestInitChain.create({
		chainId: CHAIN_ID,
		time: GENESIS_TIME,
		appStateBytes,
		initialHeight: 1n,
	});
	return app.initChain(request).appHash;
}

function finalize(app: DepinApplication, { height, time, txs }: Block): abci.ResponseFinalizeBlock {
	return app.finalizeBlock(abci.RequestFinalizeBlock.create({ height: BigInt(height), time, txs }));
}

async function play(app: DepinApplication, block: Block): Promise<string> {
	const { appHash } = finalize(app, block);
	await app.commit({});
	return toHex(appHash);
}

const info = (app: DepinApplication): { height: number; appHash: string } => {
	const { lastBlockHeight, lastBlockAppHash } = app.info(abci.RequestInfo.create());
	return { height: Number(lastBlockHeight), appHash: toHex(lastBlockAppHash) };
};

const query = (app: DepinApplication, path: string, more: Partial<abci.RequestQuery> = {}): abci.ResponseQuery =>
	app.query(abci.RequestQuery.create({ path, ...more }));

/** App hashes after each block, from an application that nothing ever happened to. */
async function hashesOf(appState: Uint8Array, blocks: readonly Block[]): Promise<string[]> {
	const app = await openDepinApplication();
	begin(app, appState);
	const hashes: string[] = [];
	for (const block of blocks) hashes.push(await play(app, block));
	return hashes;
}

test("an application that loses its power anywhere says exactly where it is, and goes on from there", async () => {
	const { appState, blocks } = scenario("power", 10, 3);
	const hashes = await hashesOf(appState, blocks);
	const event = fc.constantFrom("none", "restart", "crash", "crash before commit", "crash in commit");
	await fc.assert(
		fc.asyncProperty(fc.array(event, { minLength: 10, maxLength: 40 }), fc.boolean(), async (events, keep) => {
			const disk = new MemoryDisk();
			const open = (): Promise<DepinApplication> => openDepinApplication({ disk, path: PATH });
			let app = await open();
			let committed = 0;
			const restart = async (): Promise<void> => {
				app = await open();
				const expected = committed === 0 ? "" : hashes[committed - 1];
				assert.deepEqual(info(app), { height: committed, appHash: expected });
				if (committed === 0) begin(app, appState);
			};
			begin(app, appState);
			for (const what of events) {
				const block = blocks[committed];
				if (block === undefined) break;
				assert.equal(toHex(finalize(app, block).appHash), hashes[committed]);
				if (what === "crash before commit" || what === "crash in commit") {
					if (what === "crash in commit") {
						disk.setHooks({ delay: (operation) => (operation === "write" ? new Promise(() => {}) : undefined) });
						void app.commit({});
						disk.setHooks({});
					}
					disk.crash(keep ? { keepBatches: () => 1 } : {});
					await restart();
					continue;
				}
				await app.commit({});
				committed += 1;
				if (what === "crash") disk.crash();
				if (what === "restart") await app.close();
				if (what !== "none") await restart();
			}
			assert.equal(info(app).height, committed);
		}),
		{ numRuns: 15 },
	);
});

test("a commit that cannot be written is none", async () => {
	const { appState, blocks } = scenario("full", 4);
	const hashes = await hashesOf(appState, blocks);
	const disk = new MemoryDisk();
	const app = await openDepinApplication({ disk, path: PATH });
	begin(app, appState);
	const [first, second] = blocks;
	assert.ok(first !== undefined && second !== undefined);
	await play(app, first);
	const failure = new CairnError("disk-full", "operator", "no space left");
	disk.setHooks({ fail: (operation) => (operation === "write" ? failure : undefined) });
	finalize(app, second);
	await assert.rejects(async () => app.commit({}), failure);
	assert.deepEqual(info(app), { height: 1, appHash: hashes[0] });
	disk.setHooks({});
	disk.crash();
	const again = await openDepinApplication({ disk, path: PATH });
	assert.deepEqual(info(again), { height: 1, appHash: hashes[0] });
	assert.equal(await play(again, second), hashes[1]);
});

test("a damaged database is refused with what to do", async () => {
	const { appState, blocks } = scenario("damage", 3);
	const disk = new MemoryDisk();
	const app = await openDepinApplication({ disk, path: PATH });
	begin(app, appState);
	for (const block of blocks) await play(app, block);
	await app.close();
	const damage = async (change: (disk: Disk) => Promise<void>, expected: RegExp): Promise<void> => {
		await change(disk);
		await assert.rejects(openDepinApplication({ disk, path: PATH }), (cause) => {
			assert.ok(cause instanceof CairnError && cause.code === "app-state-corrupt" && cause.blame === "operator");
			assert.match(cause.message, expected);
			return true;
		});
	};
	const put =
		(key: string, value: string) =>
		async (on: Disk): Promise<void> => {
			const store = await on.openStore(PATH);
			await store.write([{ key: utf8(key), value: utf8(value) }], { sync: true });
			await store.close();
		};
	await damage(put("sstats", "{}"), /app hash that was committed/);
	await damage(put("commit", "{}"), /record of the last commit/);
});

test("the built-in application keeps its database in the data directory", async () => {
	const world = memoryWorld({ seed: 1 });
	const logger = { child: () => logger, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
	const app = await openDepin({ world, dataDirectory: "/node/data", logger: logger as never });
	assert.deepEqual(await world.disk.list("/node/data"), ["depin.db"]);
	await app.close?.();
});

async function started(): Promise<{ app: DepinApplication; device: ReturnType<typeof testDevice> }> {
	const device = testDevice("sensor");
	const app = await openDepinApplication();
	begin(app, genesisOf([{ alias: "sensor", identity: device }]));
	const measurement = { name: "temperature", unit: "Cel", value: 20_000_000n, time: GENESIS_TIME };
	await play(app, { height: 1, time: GENESIS_TIME + SECOND, txs: [device.signReading([measurement])] });
	return { app, device };
}

test("queries answer with what the tree holds, and prove it", async () => {
	const { app, device } = await started();
	const { lastBlockAppHash } = app.info(abci.RequestInfo.create());
	const json = (path: string): Record<string, unknown> => JSON.parse(fromUtf8(query(app, path).value));
	assert.equal(json(`/device/${device.id}`).alias, "sensor");
	assert.equal(json("/device/sensor").id, device.id);
	assert.equal(json(`/device/${String(json("/device/sensor").owner)}/sensor`).next_sequence, 2);
	assert.deepEqual(json("/reading/sensor/latest").metrics, [
		{ metric: "temperature", unit: "Cel", value: "20", time: "2026-11-22T00:00:00Z", height: 1, sequence: 1 },
	]);
	assert.equal(json("/feed/temperature").median, "20");
	assert.equal(json("/params").chain_id, CHAIN_ID);
	assert.equal(json("/stats").devices, 1);
	assert.equal(json("/devices").total, 1);
	assert.equal((json("/devices").devices as unknown[]).length, 1);
	const paths = [
		"/device/sensor",
		"/reading/sensor/latest",
		"/feed/temperature",
		"/params",
		"/stats",
		"/device/none",
		"/account/none",
	];
	for (const path of paths) {
		const { key, value, proofOps, code, height } = query(app, path, { prove: true });
		const isThere = code === CODES.ok;
		assert.equal(code, isThere ? 0 : CODES["not-found"]);
		assert.equal(height, 1n);
		verifyStateProof(proofOps?.ops ?? [], lastBlockAppHash, key, isThere ? value : undefined);
		assert.throws(() => verifyStateProof(proofOps?.ops ?? [], lastBlockAppHash, key, utf8("another")), CairnError);
		assert.throws(() => verifyStateProof(proofOps?.ops ?? [], lastBlockAppHash, "another", value), CairnError);
	}
	const store = query(app, "/store", { data: utf8("stats"), prove: true });
	assert.deepEqual(store.value, query(app, "/stats").value);
});

test("queries that cannot be answered say why", async () => {
	const { app } = await started();
	for (const path of ["", "/", "/nothing", "/reading/sensor", "/device", "/params/x"]) {
		assert.equal(query(app, path).code, CODES["unknown-path"], path);
	}
	assert.equal(query(app, "/devices", { prove: true }).code, CODES["cannot-prove"]);
	assert.equal(query(app, "/stats", { height: 7n }).code, CODES["height-unavailable"]);
	assert.match(query(app, "/stats", { height: 7n }).log, /there are 0 to 1/);
});

test("heights that are still kept answer as they did", async () => {
	const { appState, blocks } = scenario("heights", 70, 2);
	const app = await openDepinApplication();
	begin(app, appState);
	const hashes: string[] = [];
	for (const block of blocks) hashes.push(await play(app, block));
	for (const height of [7, 8, 40, 70]) {
		const { value, proofOps, code, key } = query(app, "/stats", { height: BigInt(height), prove: true });
		assert.equal(code === 0, height > 6, String(height));
		if (code === 0) verifyStateProof(proofOps?.ops ?? [], Buffer.from(hashes[height - 1] ?? "", "hex"), key, value);
	}
	assert.equal(query(app, "/stats", { height: 6n }).code, CODES["height-unavailable"]);
});

test("proposals hold what may be a transaction, and fit; blocks with rubbish or forgeries are refused, failing readings are not", async () => {
	const { app, device } = await started();
	const good = device.signReading([{ name: "temperature", unit: "Cel", value: 0n, time: GENESIS_TIME }]);
	const failing = testDevice("stranger").signReading([
		{ name: "temperature", unit: "Cel", value: 0n, time: GENESIS_TIME },
	]);
	const rubbish = utf8("rubbish");
	const forged = good.slice();
	forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
	const prepare = (maxTxBytes: bigint): readonly Uint8Array[] =>
		app.prepareProposal(
			abci.RequestPrepareProposal.create({ txs: [rubbish, forged, good, failing], maxTxBytes, time: GENESIS_TIME }),
		).txs;
	assert.deepEqual(prepare(10_000n), [good, failing]);
	assert.deepEqual(prepare(BigInt(good.length)), [good]);
	assert.deepEqual(prepare(BigInt(good.length - 1)), []);
	const process = (txs: readonly Uint8Array[]): number =>
		app.processProposal(abci.RequestProcessProposal.create({ txs })).status;
	const { ACCEPT, REJECT } = abci.ResponseProcessProposalProposalStatus;
	assert.equal(process([good, failing]), ACCEPT);
	assert.equal(process([good, rubbish]), REJECT);
	assert.equal(process([good, forged]), REJECT);
	assert.equal(process([]), ACCEPT);
});

test("after a standstill the proposer keeps new readings for the next block, but not what is never plausible", async () => {
	const device = testDevice("sensor");
	const clock: Clock = { mono: () => 0, wall: () => GENESIS_TIME + 3600n * SECOND };
	const app = await openDepinApplication({ clock });
	begin(app, genesisOf([{ alias: "sensor", identity: device }]));
	const at = (time: bigint): Uint8Array => device.signReading([{ name: "temperature", unit: "Cel", value: 0n, time }]);
	const [old, fresh, absurd] = [
		at(GENESIS_TIME),
		at(GENESIS_TIME + 3600n * SECOND),
		at(GENESIS_TIME + 90_000n * SECOND),
	];
	const prepare = (time: bigint): readonly Uint8Array[] =>
		app.prepareProposal(abci.RequestPrepareProposal.create({ txs: [old, fresh, absurd], maxTxBytes: 10_000n, time }))
			.txs;
	assert.deepEqual(prepare(GENESIS_TIME), [old, absurd]);
	assert.deepEqual(prepare(GENESIS_TIME + 3599n * SECOND), [old, fresh, absurd]);
});

test("CheckTx tells the code and the words; results have events to search for", async () => {
	const { app, device } = await started();
	const check = (tx: Uint8Array): abci.ResponseCheckTx => app.checkTx(abci.RequestCheckTx.create({ tx }));
	const unknown = testDevice("stranger").signReading([
		{ name: "temperature", unit: "Cel", value: 0n, time: GENESIS_TIME },
	]);
	const refused = check(unknown);
	assert.deepEqual([refused.code, refused.codespace], [CODES["unknown-device"], "depin"]);
	assert.match(refused.log, /^unknown-device: did:key:z.* is not registered$/);
	const hot = device.signReading([{ name: "temperature", unit: "Cel", value: 99_000_000n, time: GENESIS_TIME }]);
	assert.equal(check(hot).code, 0);
	const { txResults } = finalize(app, { height: 2, time: GENESIS_TIME + 2n * SECOND, txs: [hot] });
	assert.deepEqual(
		txResults[0]?.events.map(({ type, attributes }) => [
			type,
			Object.fromEntries(attributes.map(({ key, value }) => [key, value])),
		]),
		[
			[
				"reading",
				{
					device: device.id,
					alias: "sensor",
					metric: "temperature",
					value: "99",
					unit: "Cel",
					verdict: "rejected",
					reason: "out-of-range",
					late: "false",
					sequence: "2",
				},
			],
		],
	);
	assert.ok(txResults[0]?.events.every(({ attributes }) => attributes.every(({ index }) => index)));
});
