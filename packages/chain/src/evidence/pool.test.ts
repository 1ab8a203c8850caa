import assert from "node:assert/strict";
import { test } from "node:test";
import { type PrivateKey, publicKeyOf, sign, verifySignature } from "@cairn/crypto";
import { CairnError, silentLogger, toUpperHex, ValidationError } from "@cairn/kit";
import { EvidenceStore } from "@cairn/storage";
import {
	type ChainState,
	type DuplicateVoteEvidence,
	defaultConsensusParams,
	type Evidence,
	encodeEvidence,
	evidenceHash,
	headerHash,
	type LightClientAttackEvidence,
	newBlock,
	newDuplicateVoteEvidence,
	newValidator,
	PRECOMMIT,
	PREVOTE,
	type ValidatorSet,
	type Vote,
	type VoteType,
	voteSignBytes,
} from "@cairn/types";
import { types as pb } from "@cairn/types/proto";
import { MemoryStore } from "@cairn/world";
import { BackRoom, signedCommit, testGenesis, testKey } from "../testing/test-chain.ts";
import { EvidencePool } from "./pool.ts";

const KEYS = [testKey(0), testKey(1), testKey(2), testKey(3)];
const NONE = new Uint8Array(0);

function voteOf(
	key: PrivateKey,
	set: ValidatorSet,
	type: VoteType,
	height: number,
	round: number,
	block: number,
): Vote {
	const { address } = newValidator(publicKeyOf(key), 1n);
	const unsigned: Vote = {
		type,
		height,
		round,
		blockId: {
			hash: new Uint8Array(32).fill(block),
			partSetHeader: { total: 1, hash: new Uint8Array(32).fill(block) },
		},
		timestamp: 1_700_000_000_000_000_000n,
		validatorAddress: address,
		validatorIndex: set.getByAddress(address)?.index ?? 0,
		signature: NONE,
		extension: NONE,
		extensionSignature: NONE,
	};
	return { ...unsigned, signature: sign(key, voteSignBytes("test-chain", unsigned)) };
}

/** A chain, and the pool that goes with its stores. */
class Stage {
	readonly room: BackRoom;
	readonly store: MemoryStore;
	pool: EvidencePool;

	private constructor(room: BackRoom, store: MemoryStore, pool: EvidencePool) {
		this.room = room;
		this.store = store;
		this.pool = pool;
	}

	static async open(
		blocks: number,
		evidenceParams: Partial<ChainState["consensusParams"]["evidence"]> = {},
	): Promise<Stage> {
		const params = defaultConsensusParams();
		const consensusParams = { ...params, evidence: { ...params.evidence, ...evidenceParams } };
		const room = await BackRoom.started({ keys: KEYS, genesis: testGenesis(KEYS, { consensusParams }) });
		for (let each = 0; each < blocks; each++) await room.extend();
		const store = new MemoryStore();
		return new Stage(room, store, await Stage.#pool(room, store));
	}

	static #pool(room: BackRoom, store: MemoryStore): Promise<EvidencePool> {
		return EvidencePool.open(room.state, {
			store: EvidenceStore.open(store),
			blockStore: room.blockStore,
			stateStore: room.stateStore,
			verify: verifySignature,
			logger: silentLogger,
		});
	}

	/** As after a restart. */
	async reopen(): Promise<void> {
		this.pool = await Stage.#pool(this.room, this.store);
	}

	get state(): ChainState {
		return this.room.state;
	}

	/** Another block, and what the pool does about it. */
	async next(committed: readonly Evidence[] = []): Promise<void> {
		await this.room.extend();
		await this.pool.update(this.state, committed);
	}

	duplicate(
		height: number,
		options: { round?: number; key?: number; blocks?: [number, number] } = {},
	): DuplicateVoteEvidence {
		const { round = 0, key = 0, blocks = [1, 2] } = options;
		const time = this.room.blockStore.loadBlockMeta(height)?.header.time ?? 0n;
		const signer = KEYS[key] as PrivateKey;
		const [a, b] = blocks.map((block) => voteOf(signer, this.state.validators, PREVOTE, height, round, block));
		return newDuplicateVoteEvidence(a as Vote, b as Vote, time, this.state.validators);
	}

	/** All validators have signed another header for `height`; light clients that trusted `common` would believe it. */
	attack(common: number, height: number): LightClientAttackEvidence {
		const meta = this.room.blockStore.loadBlockMeta(height);
		const base = this.room.blockStore.loadBlockMeta(common);
		assert.ok(meta !== null && base !== null);
		const set = this.state.validators;
		const header = { ...meta.header, appHash: new Uint8Array(32).fill(7), validatorsHash: set.hash() };
		const blockId = { hash: headerHash(header), partSetHeader: { total: 1, hash: new Uint8Array(32).fill(7) } };
		const commit = signedCommit(KEYS, set, blockId, header);
		return {
			kind: "lightClientAttack",
			conflictingHeader: { header, commit },
			conflictingValidators: set.validators,
			conflictingProposer: set.proposer,
			commonHeight: common,
			byzantineValidators: set.validators,
			totalVotingPower: set.totalPower,
			timestamp: base.header.time,
		};
	}

	hashes(): string[] {
		return this.pool.pending(-1n).evidence.map((each) => toUpperHex(evidenceHash(each)));
	}
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
	try {
		await promise;
		return "";
	} catch (error) {
		assert.ok(error instanceof CairnError);
		return error.code;
	}
}

test("evidence is verified, kept, told of once, and still there after a restart", async () => {
	const stage = await Stage.open(5);
	const heard: Evidence[] = [];
	stage.pool.onEvidence((evidence) => heard.push(evidence));
	const evidence = stage.duplicate(3);
	await stage.pool.add(evidence);
	await stage.pool.add(evidence);
	assert.deepEqual(heard, [evidence]);
	assert.equal(stage.pool.size, 1);
	await stage.reopen();
	assert.deepEqual(stage.hashes(), [toUpperHex(evidenceHash(evidence))]);
});

test("false evidence is refused with the peer's blame", async () => {
	const stage = await Stage.open(5);
	const good = stage.duplicate(3);
	const stranger = { ...good, voteA: { ...good.voteA, validatorAddress: new Uint8Array(20) } };
	for (const [why, evidence] of [
		["Mulberry (CVE-2021-21271): a time that is not the block's", { ...good, timestamp: good.timestamp + 1n }],
		["the same vote twice", { ...good, voteB: good.voteA }],
		["a false signature", { ...good, voteB: { ...good.voteB, signature: new Uint8Array(64) } }],
		["not a validator", stranger],
		["another power", { ...good, validatorPower: 11n }],
		["another total", { ...good, totalVotingPower: 41n }],
	] as const) {
		await assert.rejects(stage.pool.add(evidence), ValidationError, why);
	}
	assert.equal(stage.pool.size, 0);
});

test("evidence about heights that this node has not is nobody's fault", async () => {
	const stage = await Stage.open(5);
	assert.equal(await codeOf(stage.pool.add(stage.duplicate(6))), "evidence-unverifiable");
	assert.throws(() => stage.pool.check([stage.duplicate(9)]), { code: "evidence-unverifiable" });
});

test("conflicting votes become evidence when their height has ended, also when they are older", async () => {
	const stage = await Stage.open(3);
	const votes = (height: number, key: number): [Vote, Vote] => {
		const set = stage.state.validators;
		const signer = KEYS[key] as PrivateKey;
		return [voteOf(signer, set, PRECOMMIT, height, 0, 1), voteOf(signer, set, PRECOMMIT, height, 0, 2)];
	};
	stage.pool.report(...votes(4, 0));
	stage.pool.report(...votes(2, 1));
	stage.pool.report(...votes(9, 2));
	stage.pool.report(...votes(4, 0));
	assert.equal(stage.pool.size, 0);
	await stage.next();
	assert.equal(stage.pool.size, 2);
	const times = stage.pool.pending(-1n).evidence.map((each) => [each.kind, each.timestamp]);
	const timeOf = (height: number): bigint | undefined => stage.room.blockStore.loadBlockMeta(height)?.header.time;
	assert.deepEqual(times, [
		["duplicateVote", timeOf(2)],
		["duplicateVote", timeOf(4)],
	]);
	for (const evidence of stage.pool.entries()) stage.pool.check([evidence]);
});

test("what was committed is neither proposed, nor taken, nor accepted in a block again", async () => {
	const stage = await Stage.open(5);
	const evidence = stage.duplicate(3);
	const other = stage.duplicate(4);
	await stage.pool.add(evidence);
	await stage.next([evidence, other]);
	assert.equal(stage.pool.size, 0);
	for (const each of [evidence, other]) {
		await stage.pool.add(each);
		assert.equal(stage.pool.size, 0);
		assert.throws(() => stage.pool.check([each]), /already committed/);
	}
	await stage.reopen();
	assert.throws(() => stage.pool.check([evidence]), /already committed/);
});

test("the evidence of a block: unknown pieces are verified and kept, twice the same is refused", async () => {
	const stage = await Stage.open(5);
	const a = stage.duplicate(3);
	const b = stage.duplicate(4);
	stage.pool.check([a, b]);
	assert.equal(stage.pool.size, 2);
	assert.throws(() => stage.pool.check([a, a]), /duplicate evidence/);
	assert.throws(() => stage.pool.check([a, { ...b, totalVotingPower: 1n }]), ValidationError);
});

test("evidence grows too old when both limits are passed, and is dropped", async () => {
	const stage = await Stage.open(5, { maxAgeNumBlocks: 3n, maxAgeDuration: 2_000_000_000n });
	await stage.pool.add(stage.duplicate(3));
	await stage.pool.add(stage.duplicate(5));
	await assert.rejects(stage.pool.add(stage.duplicate(1)), /too old/);
	await stage.next();
	await stage.next();
	assert.equal(stage.pool.size, 1);
	await stage.reopen();
	assert.equal(stage.pool.size, 1);
	for (let each = 0; each < 3; each++) await stage.next();
	await stage.reopen();
	assert.equal(stage.pool.size, 0);
});

test("a height must not be told twice", async () => {
	const stage = await Stage.open(2);
	assert.equal(await codeOf(stage.pool.update(stage.state, [])), "evidence-height");
});

test("evidence for a proposal comes in the order of the disk, as much as fits, measured as in a block", async () => {
	const stage = await Stage.open(6);
	const all = [5, 3, 4, 3].map((height, each) => stage.duplicate(height, { key: each }));
	for (const each of all) await stage.pool.add(each);
	const { evidence, bytes } = stage.pool.pending(-1n);
	const keys = evidence.map(
		(each) => `${(each as DuplicateVoteEvidence).voteA.height} ${toUpperHex(evidenceHash(each))}`,
	);
	assert.deepEqual(keys, [...keys].sort());
	const size = pb.EvidenceList.encode({
		evidence: evidence.map((each) => pb.Evidence.decode(encodeEvidence(each))),
	}).length;
	assert.equal(bytes, size);
	assert.equal(stage.pool.pending(BigInt(size)).evidence.length, 4);
	assert.equal(stage.pool.pending(BigInt(size - 1)).evidence.length, 3);
	assert.deepEqual(stage.pool.pending(0n), { evidence: [], bytes: 0 });
});

test("attacks on light clients: lunatic ones are proved, and verified again in every block", async () => {
	const stage = await Stage.open(8);
	const attack = stage.attack(4, 6);
	await stage.pool.add(attack);
	assert.equal(stage.pool.size, 1);
	stage.pool.check([attack]);
	// The hash does not cover who is accused, so a changed piece looks the same and must be judged all the same.
	const changed = { ...attack, byzantineValidators: attack.byzantineValidators.slice(1) };
	assert.deepEqual(evidenceHash(changed), evidenceHash(attack));
	assert.throws(() => stage.pool.check([changed]), /byzantine validators/);
	assert.throws(() => stage.pool.check([attack, attack]), /duplicate evidence/);
	await assert.rejects(stage.pool.add({ ...stage.attack(3, 6), timestamp: attack.timestamp }), /different time/);
});

test("Alderfly (GHSA-f3w5-v9xx-rp8p): a header from the future cannot be judged before its time has come here", async () => {
	const stage = await Stage.open(5);
	const attack = stage.attack(3, 5);
	const { header } = attack.conflictingHeader;
	const future = { ...header, height: 50, time: header.time + 3_600_000_000_000n };
	const commit = signedCommit(
		KEYS,
		stage.state.validators,
		{ ...attack.conflictingHeader.commit.blockId, hash: headerHash(future) },
		future,
	);
	const evidence = { ...attack, conflictingHeader: { header: future, commit } };
	await assert.rejects(stage.pool.add(evidence), /before conflicting block time/);
});

test("a key that is lost makes any amount of evidence; only so much of it is kept, and room is left for others", async () => {
	const stage = await Stage.open(4);
	for (let round = 0; round < 100; round++) await stage.pool.add(stage.duplicate(3, { round }));
	assert.equal(await codeOf(stage.pool.add(stage.duplicate(3, { round: 100 }))), "evidence-pool-full");
	await stage.pool.add(stage.duplicate(3, { key: 1 }));
	assert.equal(stage.pool.size, 101);
});

test("evidence of a block that was executed in the handshake is done with, and proposed no more", async () => {
	const stage = await Stage.open(5);
	const evidence = stage.duplicate(3);
	await stage.pool.add(evidence);
	// The block is in the stores, but the node fell before its pool heard of it.
	const draft = await stage.room.propose();
	await stage.room.decide(newBlock(draft.header, draft.txs, stage.room.lastCommit, [evidence]));
	await stage.reopen();
	assert.deepEqual([stage.hashes(), stage.pool.size], [[], 0]);
	assert.throws(() => stage.pool.check([evidence]), /already committed/);
	await stage.reopen();
	assert.equal(stage.pool.size, 0);
});
