import assert from "node:assert/strict";
import { test } from "node:test";
import { sign } from "@cairn/crypto";
import { CairnError, fromHex, silentLogger, ValidationError } from "@cairn/kit";
import {
	type ChainState,
	type DuplicateVoteEvidence,
	type Evidence,
	evidenceHash,
	newDuplicateVoteEvidence,
	PREVOTE,
	type Vote,
	voteSignBytes,
} from "@cairn/types";
import { ManualTime } from "@cairn/world";
import fc from "fast-check";
import { CHAIN_ID, GENESIS_TIME, testGenesis, testKeys } from "../testing/chain-fixture.ts";
import { MemorySwitch } from "../testing/memory-peers.ts";
import { messagesFor } from "../testing/vectors.ts";
import { decodeEvidenceList, EvidenceGossip, encodeEvidenceList } from "./evidence-gossip.ts";

const KEYS = testKeys(4);
const GENESIS = testGenesis(KEYS);
const MESSAGES = messagesFor("types.EvidenceList");

function evidenceOf(height: number, round = 0): DuplicateVoteEvidence {
	const set = GENESIS.validators;
	const key = KEYS[0];
	const validator = set.getByIndex(0);
	assert.ok(key !== undefined && validator !== null);
	const vote = (block: number): Vote => {
		const hash = new Uint8Array(32).fill(block);
		const unsigned: Vote = {
			type: PREVOTE,
			height,
			round,
			blockId: { hash, partSetHeader: { total: 1, hash } },
			timestamp: GENESIS_TIME,
			validatorAddress: validator.address,
			validatorIndex: 0,
			signature: new Uint8Array(0),
			extension: new Uint8Array(0),
			extensionSignature: new Uint8Array(0),
		};
		return { ...unsigned, signature: sign(key, voteSignBytes(CHAIN_ID, unsigned)) };
	};
	return newDuplicateVoteEvidence(vote(1), vote(2), GENESIS_TIME, set);
}

/** A pool that takes everything but what its verdict says. */
class TestPool {
	readonly held: Evidence[] = [];
	readonly asked: Evidence[] = [];
	verdict: (evidence: Evidence) => CairnError | null = () => null;
	#listeners: ((evidence: Evidence) => void)[] = [];

	get size(): number {
		return this.held.length;
	}

	entries(): readonly Evidence[] {
		return this.held;
	}

	onEvidence(listener: (evidence: Evidence) => void): void {
		this.#listeners.push(listener);
	}

	async add(evidence: Evidence): Promise<void> {
		this.asked.push(evidence);
		const error = this.verdict(evidence);
		if (error !== null) throw error;
		if (this.held.some((each) => String(evidenceHash(each)) === String(evidenceHash(evidence)))) return;
		this.held.push(evidence);
		for (const listener of this.#listeners) listener(evidence);
	}
}

class Stage {
	readonly time = new ManualTime();
	readonly net = new MemorySwitch({ time: this.time });
	readonly pools = new Map<string, TestPool>();
	readonly gossips = new Map<string, EvidenceGossip>();
	readonly heights = new Map<string, number>();

	node(name: string): string {
		const id = name.repeat(40).slice(0, 40);
		const pool = new TestPool();
		const params = GENESIS.consensusParams;
		const state: ChainState = {
			...GENESIS,
			consensusParams: { ...params, evidence: { ...params.evidence, maxAgeNumBlocks: 100n } },
		};
		const gossip = new EvidenceGossip(
			{},
			{
				pool,
				chainState: () => state,
				heightOf: (peer) => this.heights.get(peer) ?? 20,
				stopPeer: (peer, reason, fault) => this.net.stopPeer(id, peer, reason, fault),
				timers: this.time,
				logger: silentLogger,
			},
		);
		this.pools.set(id, pool);
		this.gossips.set(id, gossip);
		this.net.add(id, [gossip]);
		return id;
	}

	pool(id: string): TestPool {
		return this.pools.get(id) as TestPool;
	}
}

test("lists of evidence are taken or refused as CometBFT does it", () => {
	assert.ok(MESSAGES.length > 10);
	for (const { name, hex, accepted } of MESSAGES) {
		let isTaken = true;
		try {
			decodeEvidenceList(fromHex(hex));
		} catch (error) {
			assert.ok(error instanceof CairnError && error.blame === "peer", name);
			isTaken = false;
		}
		assert.equal(isTaken, accepted, name);
	}
});

test("#5757: whatever bytes come, they are read or refused with the peer's blame", () => {
	const samples = [
		...MESSAGES.map(({ hex }) => fromHex(hex)),
		encodeEvidenceList([evidenceOf(3), evidenceOf(4)]),
	].filter(({ length }) => length > 0);
	fc.assert(
		fc.property(
			fc.integer({ min: 0, max: samples.length - 1 }),
			fc.array(fc.record({ at: fc.nat(), to: fc.nat(255) }), { maxLength: 5 }),
			(which, changes) => {
				const bytes = (samples[which] ?? new Uint8Array()).slice();
				for (const { at, to } of changes) bytes[at % bytes.length] = to;
				try {
					encodeEvidenceList(decodeEvidenceList(bytes));
				} catch (error) {
					assert.ok(error instanceof CairnError && error.blame === "peer", String(error));
				}
			},
		),
		{ numRuns: 2000 },
	);
});

test("evidence reaches everybody, once over each link, and does not come back", async () => {
	const stage = new Stage();
	const [a = "", b = "", c = ""] = ["a", "b", "c"].map((name) => stage.node(name));
	stage.net.connect(a, b);
	stage.net.connect(b, c);
	await stage.pool(a).add(evidenceOf(3));
	await stage.time.advance(10);
	await stage.pool(c).add(evidenceOf(4));
	await stage.time.advance(10);
	for (const id of [a, b, c]) assert.equal(stage.pool(id).size, 2);
	assert.equal(stage.net.log.length, 4);
	const late = stage.node("d");
	stage.net.connect(c, late);
	await stage.time.advance(10);
	assert.equal(stage.pool(late).size, 2);
});

test("a peer gets evidence once it has passed its height, and none that is too old for it", async () => {
	const stage = new Stage();
	const a = stage.node("a");
	const b = stage.node("b");
	stage.heights.set(b, 3);
	stage.net.connect(a, b);
	for (const height of [2, 3, 5]) await stage.pool(a).add(evidenceOf(height));
	await stage.time.advance(10);
	assert.equal(stage.pool(b).size, 1);
	stage.heights.set(b, 6);
	const peer = stage.net.peer(a, b);
	assert.ok(peer !== undefined);
	stage.gossips.get(a)?.peerMoved(peer);
	await stage.time.advance(10);
	assert.equal(stage.pool(b).size, 3);
	const far = stage.node("c");
	stage.heights.set(far, 104);
	stage.net.connect(a, far);
	await stage.time.advance(10);
	assert.equal(stage.pool(far).size, 1, "of heights 2, 3 and 5 only the last is not too old at 104");
});

test("what is still pending is sent again after ten seconds", async () => {
	const stage = new Stage();
	const a = stage.node("a");
	const b = stage.node("b");
	stage.pool(b).verdict = () => new CairnError("evidence-unverifiable", "operator", "no header yet");
	stage.net.connect(a, b);
	await stage.pool(a).add(evidenceOf(3));
	await stage.time.advance(100);
	assert.equal(stage.pool(b).size, 0);
	assert.ok(stage.net.isLinked(a, b), "what a node cannot judge is nobody's fault");
	stage.pool(b).verdict = () => null;
	await stage.time.advance(10_000);
	assert.equal(stage.pool(b).size, 1);
});

test("false evidence ends the connection; pieces behind it are not looked at", async () => {
	const stage = new Stage();
	const a = stage.node("a");
	const b = stage.node("b");
	const [, view] = stage.net.connect(a, b);
	stage.pool(a).verdict = (evidence) =>
		evidence.kind === "duplicateVote" && evidence.voteA.round === 1 ? new ValidationError("false") : null;
	view.send(0x38, encodeEvidenceList([evidenceOf(3), evidenceOf(3, 1), evidenceOf(3, 2)]));
	await stage.time.advance(10);
	assert.equal(stage.net.isLinked(a, b), false);
	assert.equal(stage.net.stopped.at(-1)?.fault, true);
	assert.equal(stage.pool(a).asked.length, 2);
	assert.equal(stage.pool(a).size, 1);
});

test("invalid lists end the connection: every one of the vectors", async () => {
	const stage = new Stage();
	const a = stage.node("a");
	const b = stage.node("b");
	for (const { name, hex, accepted } of MESSAGES) {
		if (accepted) continue;
		const [, view] = stage.net.connect(a, b);
		view.send(0x38, fromHex(hex));
		await stage.time.advance(5);
		assert.equal(stage.net.isLinked(a, b), false, name);
	}
});

test("a slow reader holds no more than its queue", async () => {
	const stage = new Stage();
	const a = stage.node("a");
	const b = stage.node("b");
	const [view] = stage.net.connect(a, b);
	view.isBlocked = true;
	for (let round = 0; round < 200; round++) await stage.pool(a).add(evidenceOf(3, round));
	await stage.time.advance(10);
	assert.equal([...view.queues.values()].flat().length, 16);
	for (let each = 0; each < 20; each++) {
		stage.net.release(a, b);
		await stage.time.advance(5);
	}
	assert.equal(stage.pool(b).size, 200);
});

test("who sends many lists at once is not read until they are judged", async () => {
	const stage = new Stage();
	const a = stage.node("a");
	const b = stage.node("b");
	const [own, view] = stage.net.connect(a, b);
	let isOpen = false;
	const held: (() => void)[] = [];
	const add = stage.pool(a).add.bind(stage.pool(a));
	stage.pool(a).add = async (evidence) => {
		if (!isOpen) await new Promise<void>((resolve) => held.push(resolve));
		await add(evidence);
	};
	for (let round = 0; round < 12; round++) view.send(0x38, encodeEvidenceList([evidenceOf(3, round)]));
	await stage.time.advance(5);
	assert.ok(own.paused.has("evidence"));
	isOpen = true;
	for (const go of held) go();
	await stage.time.advance(5);
	assert.equal(own.paused.size, 0);
	assert.equal(stage.pool(a).size, 12);
});
