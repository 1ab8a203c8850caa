import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { localConnections, openKvStore } from "@cairn/abci";
import { EventBus, EvidencePool, Executor, handshake, Mempool, txLimits } from "@cairn/chain";
import { SignatureCache } from "@cairn/crypto";
import { CairnError, fromHex, noMetrics, silentLogger } from "@cairn/kit";
import {
	BlockStore,
	EvidenceStore,
	encodeWalRecord,
	readWalFile,
	StateStore,
	type TimedWalRecord,
	Wal,
} from "@cairn/storage";
import {
	blockHash,
	type ChainState,
	decodeBlock,
	decodeCommit,
	genesisState,
	type Height,
	PartSet,
	PRECOMMIT,
	parseGenesis,
} from "@cairn/types";
import { readDelimited } from "@cairn/types/proto";
import { MemoryStore, type MemoryWorld, memoryWorld } from "@cairn/world";
import { ConsensusRoom } from "../composition/consensus-room.ts";
import { defaultConfig } from "../config/index.ts";
import { InputFile } from "./input-file.ts";

// The log and the chain of a real node of one validator: each height is recovered from the records of that node.
const vectors = new URL("../../../../vectors/", import.meta.url);
const { wal_base64: walText } = readJson<{ wal_base64: string }>("wal.json");
const RECORDS = readWalFile(new Uint8Array(Buffer.from(walText, "base64"))).records;
interface ShortChain {
	readonly genesis_json: string;
	readonly heights: readonly { readonly seen_commit: string; readonly app_hash_after: string }[];
}
const CHAIN = readJson<ShortChain>("chain/chain-short.json");
const STREAM = new Uint8Array(readFileSync(new URL("chain/chain-short.blocks.bin", vectors)));
const BLOCKS = blocksOf(STREAM);

function readJson<Shape>(name: string): Shape {
	return JSON.parse(readFileSync(new URL(name, vectors), "utf8")) as Shape;
}

function blocksOf(stream: Uint8Array) {
	return CHAIN.heights.map(({ seen_commit, app_hash_after }) => {
		const found = readDelimited(stream, 0, stream.length);
		assert.ok(found !== undefined);
		const bytes = found.message.slice();
		stream = stream.subarray(found.next);
		const parts = PartSet.fromBytes(bytes);
		return { block: decodeBlock(bytes), parts, commit: decodeCommit(fromHex(seen_commit)), appHash: app_hash_after };
	});
}

/** The records of a height, without the mark of its end. */
function recordsOf(height: Height): TimedWalRecord[] {
	const ends = RECORDS.map(({ record }) => (record.kind === "endHeight" ? record.height : -1));
	return RECORDS.slice(ends.indexOf(height - 1) + 1, ends.indexOf(height));
}

function fileOf(records: readonly TimedWalRecord[]): Uint8Array {
	return Buffer.concat(records.map((entry) => encodeWalRecord(entry) ?? new Uint8Array(0)));
}

const end = (height: Height): TimedWalRecord => ({ time: 1n, record: { kind: "endHeight", height } });

interface Rig {
	readonly room: ConsensusRoom;
	readonly world: MemoryWorld;
	readonly wal: Wal;
	readonly blockStore: BlockStore;
	readonly halts: string[];
	readonly faults: string[];
	readonly signatures: CountingCache;
	state: ChainState;
}

class CountingCache extends SignatureCache {
	checks = 0;
	override verify(...claim: Parameters<SignatureCache["verify"]>): boolean {
		this.checks++;
		return super.verify(...claim);
	}
}

/** A node without a key whose stores hold all blocks below `height`, and whose log is this. */
async function rigAt(height: Height, log: readonly TimedWalRecord[]): Promise<Rig> {
	const world = memoryWorld({ seed: height });
	const { config } = defaultConfig("/home", "host");
	const genesis = parseGenesis(CHAIN.genesis_json);
	const [stateStore, blockStore] = [StateStore.open(new MemoryStore()), BlockStore.open(new MemoryStore())];
	const connections = localConnections(await openKvStore());
	const [signatures, events, logger] = [new CountingCache(1_000), new EventBus(), silentLogger];
	const shared = { stateStore, blockStore, events, signatures, logger, metrics: noMetrics, failPoint: () => {} };
	const parts = { ...shared, clock: world.clock, application: connections.consensus, onExecuted: () => {} };
	const options = { blockTimeTolerance: 60_000_000_000n };
	const replayer = new Executor(options, { ...parts, mempool: null, evidence: null });
	const last = BLOCKS.at(-1);
	assert.ok(last !== undefined);
	world.time.jumpWall(last.block.header.time - world.clock.wall());
	let state = await handshake(genesisState(genesis), { ...shared, connections, genesis, executorFor: () => replayer });
	for (const { block, parts: pieces, commit } of BLOCKS.slice(0, height - 1)) {
		await blockStore.saveBlock(block, pieces, commit);
		state = (await replayer.apply(state, { hash: blockHash(block), partSetHeader: pieces.header }, block)).state;
	}
	const walFile = config.paths.walFile;
	await world.disk.makeDirectory(walFile.slice(0, walFile.lastIndexOf("/")));
	await world.disk.writeAtomic(walFile, fileOf(log));
	const wal = await Wal.open(world, walFile);
	const mempoolParts = { connection: connections.mempool, timers: world.timers, logger, metrics: noMetrics };
	const limits = config.mempool;
	const mempool = new Mempool(
		{ ...limits, recheckTimeoutMs: 1_000, enabled: true },
		state.lastBlockHeight,
		txLimits(state),
		mempoolParts,
	);
	const store = EvidenceStore.open(new MemoryStore());
	const verify: CountingCache["verify"] = (...claim) => signatures.verify(...claim);
	const evidence = await EvidencePool.open(state, { store, blockStore, stateStore, verify, logger });
	const [halts, faults]: [string[], string[]] = [[], []];
	const room = new ConsensusRoom({
		...{ ...shared, config, world, state, wal, mempool, evidence, signer: null },
		inputs: await InputFile.open(world.disk, "/home/inputs", logger),
		executor: new Executor(options, { ...parts, mempool, evidence }),
		onHalt: (what, cause) => halts.push(`${what}: ${String(cause)}`),
		onPeerFault: (peer, reason) => faults.push(`${peer}: ${reason}`),
	});
	return { room, world, wal, blockStore, halts, faults, signatures, state };
}

const settled = (rig: Rig) => rig.world.time.advance(0);

describe("recovery from the log of a real node", () => {
	for (const height of [1, 2, 3, 5, 8]) {
		it(`decides height ${height} again from its records, and executes the same block`, async () => {
			const rig = await rigAt(height, [end(0), end(height - 1), ...recordsOf(height)].slice(height === 1 ? 1 : 0));
			await rig.room.start(rig.state);
			await settled(rig);
			assert.deepEqual(rig.halts, []);
			const expected = BLOCKS[height - 1];
			assert.ok(expected !== undefined);
			const { state } = rig.room.host;
			assert.equal(state.lastBlockHeight, height);
			assert.deepEqual(state.lastBlockId.hash, blockHash(expected.block));
			assert.deepEqual(state.appHash, fromHex(expected.appHash));
			const commit = rig.blockStore.loadSeenCommit(height);
			assert.deepEqual(commit?.signatures[0]?.signature, expected.commit.signatures[0]?.signature);
			assert.notEqual(await rig.wal.recordsAfterEndHeight(height), null, "the end of the height is logged");
			await rig.room.stop();
		});
	}

	it("stands where the real node stood, wherever its log ends", async () => {
		const height = 4;
		const records = recordsOf(height);
		const stands: string[] = [];
		for (let count = 0; count <= records.length; count++) {
			const rig = await rigAt(height, [end(height - 1), ...records.slice(0, count)]);
			await rig.room.start(rig.state);
			await settled(rig);
			assert.deepEqual(rig.halts, [], `log of ${count} records`);
			const { lastBlockHeight } = rig.room.host.state;
			const votes = [...rig.room.engine.held(height)].map((each) => each.kind).join();
			stands.push(lastBlockHeight === height ? "decided" : votes);
			const decided = BLOCKS[height - 1]?.block;
			if (lastBlockHeight === height && decided !== undefined) {
				assert.deepEqual(rig.room.host.state.lastBlockId.hash, blockHash(decided));
			}
			await rig.room.stop();
		}
		const steps = stands.filter((stand, index) => stand !== stands[index - 1]);
		assert.deepEqual(steps, ["", "proposal", "proposal,vote", "decided"]);
	});

	it("believes no signature because it is in a log: CometBFT logs messages before it judges them", async () => {
		const height = 3;
		const records = recordsOf(height).map((entry): TimedWalRecord => {
			const { record } = entry;
			const sum = record.kind === "message" ? record.message.sum : null;
			if (record.kind !== "message" || sum?.kind !== "vote" || sum.value.vote === null) return entry;
			if (sum.value.vote.type !== PRECOMMIT) return entry;
			const vote = { ...sum.value.vote, signature: new Uint8Array(64).fill(1) };
			return { ...entry, record: { ...record, peer: "stranger", message: { sum: { kind: "vote", value: { vote } } } } };
		});
		const rig = await rigAt(height, [end(height - 1), ...records]);
		await rig.room.start(rig.state);
		await settled(rig);
		assert.deepEqual([rig.halts, rig.room.host.state.lastBlockHeight], [[], height - 1]);
		await rig.room.stop();
	});

	it("refuses a log that is ahead of the stores", async () => {
		const rig = await rigAt(3, [end(2), ...recordsOf(3), end(3)]);
		await assert.rejects(rig.room.start(rig.state), (error) => {
			return error instanceof CairnError && error.code === "wal-ahead-of-state" && error.blame === "operator";
		});
	});

	it("goes on without the log of a height it has synced, and leaves a log that the next start can use", async () => {
		const rig = await rigAt(5, [end(0), ...recordsOf(1)]);
		await rig.room.start(rig.state);
		await settled(rig);
		assert.deepEqual([rig.halts, rig.room.host.isSilent], [[], false]);
		assert.notEqual(await rig.wal.recordsAfterEndHeight(4), null);
		await rig.room.stop();
	});

	it("passes over parts and votes of other heights that the log holds", async () => {
		const rig = await rigAt(2, [end(1), ...recordsOf(5), ...recordsOf(2), ...recordsOf(1)]);
		await rig.room.start(rig.state);
		await settled(rig);
		assert.deepEqual([rig.halts, rig.room.host.state.lastBlockHeight], [[], 2]);
		await rig.room.stop();
	});
});
