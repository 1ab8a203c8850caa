// A validator is killed while it is locked: it has sent its precommit, the others' precommits were withheld. The other
// implementation takes its home over and must know the lock: only what is in the log can tell it.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { bytesEqual } from "@cairn/kit";
import { type BlockId, NIL_BLOCK_ID, PRECOMMIT, PREVOTE, type Vote } from "@cairn/types";
import { type Program, TestNetwork, type TestNode } from "./harness/network.ts";
import { CAIRN, COMETBFT, requireProgram } from "./harness/programs.ts";
import {
	kvstoreGenesis,
	nameOf,
	Puppet,
	type PuppetBlock,
	proposerAt,
	validatorAddress,
	validatorKey,
} from "./harness/puppet.ts";
import { signedPosition } from "./harness/signer-state.ts";

const HEIGHT = 1;
/** Long enough never to pass here: the real node must prevote because it saw B, not because it saw nothing. */
const LONG = JSON.stringify("60s");
const SHORT = JSON.stringify("50ms");

const TIMEOUTS = [
	["consensus", "timeout_propose", LONG],
	["consensus", "timeout_prevote", SHORT],
	["consensus", "timeout_precommit", SHORT],
	["consensus", "timeout_commit", SHORT],
	["consensus", "peer_gossip_sleep_duration", JSON.stringify("10ms")],
] as const;

/** The first round in which it is the real node's turn to propose; "later": neither 0 nor 1. */
type Turn = 0 | 1 | "later";

interface Stage {
	readonly real: TestNode;
	readonly self: Uint8Array;
	readonly puppet: Puppet;
}

/** A validator whose only peer is the puppet. */
async function setStage(context: TestContext, program: Program, turn: Turn): Promise<Stage> {
	const network = await TestNetwork.create({
		programs: [program, program, program, program],
		keys: [...TIMEOUTS, ["p2p", "persistent_peers", '""'], ["p2p", "pex", "false"]],
		proxyApp: "persistent_kvstore",
	});
	context.after(() => network.destroy());
	const genesis = kvstoreGenesis(network.node(0).home);
	const proposers = [0, 1].map((round) => proposerAt(genesis, HEIGHT, round));
	const real = network.nodes.find((node) => {
		const found = proposers.findIndex((address) => bytesEqual(address, validatorAddress(node.home)));
		return found === (turn === "later" ? -1 : turn);
	});
	assert.ok(real !== undefined);
	const keys = network.nodes.filter((node) => node !== real).map((node) => validatorKey(node.home));
	const puppet = new Puppet(real.address, genesis, keys);
	context.after(() => puppet.peer.close());
	real.start();
	await puppet.connect();
	await puppet.atRound(HEIGHT, 0);
	return { real, self: validatorAddress(real.home), puppet };
}

async function takeOver({ real, puppet }: Stage, program: Program, meanwhile = (): void => undefined): Promise<void> {
	await real.stop("SIGKILL");
	await puppet.peer.gone();
	meanwhile();
	real.program = program;
	real.start();
	await puppet.connect();
	await puppet.atRound(HEIGHT, 0);
}

/** Ends round 0 without a decision and puts another block before the node. */
async function proposeAnother({ puppet }: Stage): Promise<PuppetBlock> {
	const block = puppet.firstBlock(1, "b=1");
	puppet.vote(PRECOMMIT, HEIGHT, 0, NIL_BLOCK_ID);
	await puppet.atRound(HEIGHT, 1);
	puppet.propose(block, 1);
	return block;
}

/** Ends round 0 without a decision; the node has to propose what it has a polka for, and to name that polka. */
async function letItPropose({ puppet }: Stage, lock: BlockId): Promise<void> {
	puppet.vote(PRECOMMIT, HEIGHT, 0, NIL_BLOCK_ID);
	const proposal = await puppet.proposal(HEIGHT, 1);
	assert.equal(nameOf(proposal.blockId), nameOf(lock), "a proposer proposes its valid block");
	assert.equal(proposal.polRound, 0);
}

/** Brings the node to lock a block in round 0, and gives its precommit. */
async function lockIn({ self, puppet }: Stage, turn: Turn): Promise<Vote> {
	const block = puppet.firstBlock(0, "a=1");
	if (turn !== 0) puppet.propose(block, 0);
	const id = turn === 0 ? (await puppet.proposal(HEIGHT, 0)).blockId : block.id;
	puppet.vote(PREVOTE, HEIGHT, 0, id);
	const precommit = await puppet.voteOf(self, PRECOMMIT, HEIGHT, 0);
	assert.equal(nameOf(precommit.blockId), nameOf(id), "the node locks and precommits what has a polka");
	return precommit;
}

async function lockedTakeover(context: TestContext, from: Program, to: Program, turn: Turn): Promise<void> {
	const stage = await setStage(context, from, turn);
	const { real, self, puppet } = stage;
	const precommit = await lockIn(stage, turn);
	const lock = precommit.blockId;

	await takeOver(stage, to);
	const again = await puppet.voteOf(self, PRECOMMIT, HEIGHT, 0);
	assert.deepEqual(again, precommit, "the precommit is the one that was sent before, byte for byte");

	const other = turn === 1 ? null : await proposeAnother(stage);
	if (other === null) await letItPropose(stage, lock);
	const prevote = await puppet.voteOf(self, PREVOTE, HEIGHT, 1);
	if (other !== null)
		assert.notEqual(nameOf(prevote.blockId), nameOf(other.id), "the lock is lost: it prevotes the new block");
	assert.equal(nameOf(prevote.blockId), nameOf(lock), "a locked node prevotes its lock");

	puppet.vote(PREVOTE, HEIGHT, 1, lock);
	const relocked = await puppet.voteOf(self, PRECOMMIT, HEIGHT, 1);
	assert.equal(nameOf(relocked.blockId), nameOf(lock));
	puppet.vote(PRECOMMIT, HEIGHT, 1, lock);
	await puppet.atRound(HEIGHT + 1, 0);
	for (const height of [HEIGHT + 1, HEIGHT + 2]) await puppet.decide(self, height);
	await real.reach(HEIGHT + 2);
	assert.equal((await real.block(HEIGHT)).block_id.hash, nameOf(lock));
	assert.equal((await real.block(HEIGHT + 1)).block.last_commit.round, 1);
	assert.ok(signedPosition(real.home)[0] >= HEIGHT + 2);
}

/** The same script without a polka: the new block is prevoted. So it is the lock that keeps the node from it. */
async function freeTakeover(context: TestContext, from: Program, to: Program): Promise<void> {
	const stage = await setStage(context, from, "later");
	const { self, puppet } = stage;
	puppet.propose(puppet.firstBlock(0, "a=1"), 0);
	puppet.vote(PREVOTE, HEIGHT, 0, NIL_BLOCK_ID);
	const precommit = await puppet.voteOf(self, PRECOMMIT, HEIGHT, 0);
	assert.equal(nameOf(precommit.blockId), "nil");
	await takeOver(stage, to);
	const block = await proposeAnother(stage);
	const prevote = await puppet.voteOf(self, PREVOTE, HEIGHT, 1);
	assert.equal(nameOf(prevote.blockId), nameOf(block.id));
}

/** The log is gone, and with it the lock: the node must not vote in its height again. The others decide without it. */
async function logLost(context: TestContext, from: Program, to: Program): Promise<void> {
	const stage = await setStage(context, from, "later");
	const { real, self, puppet } = stage;
	await lockIn(stage, "later");
	await takeOver(stage, to, () => rmSync(join(real.home, "data", "cs.wal"), { recursive: true }));
	const { id } = await proposeAnother(stage);
	puppet.vote(PREVOTE, HEIGHT, 1, id);
	puppet.vote(PRECOMMIT, HEIGHT, 1, id);
	await puppet.atRound(HEIGHT + 1, 0);
	const votes = puppet.peer.received.filter((message) => {
		return message.kind === "vote" && message.vote.height === HEIGHT && bytesEqual(message.vote.validatorAddress, self);
	});
	assert.deepEqual(votes, [], "it votes in a height whose log it has lost");
	await puppet.decide(self, HEIGHT + 1);
	await real.reach(HEIGHT + 1);
	assert.equal((await real.block(HEIGHT)).block_id.hash, nameOf(id));
	assert.ok(signedPosition(real.home)[0] > HEIGHT, "it votes again from the next height on");
}

describe("a validator killed while locked keeps its lock", { timeout: 240_000 }, () => {
	const cases = [
		["CometBFT", "Cairn"],
		["Cairn", "CometBFT"],
		["Cairn", "Cairn"],
	] as const;
	const turns = [
		["later", "on a block of another"],
		[0, "on its own block"],
		[1, "and proposes it when its turn comes"],
	] as const;
	for (const [turn, how] of turns) {
		for (const [from, to] of cases) {
			it(`${how}, from ${from} to ${to}`, async (context) => {
				const go = from === to ? "" : requireProgram(context, COMETBFT);
				if (go === null) return;
				const programs = { CometBFT: [go], Cairn: CAIRN };
				await lockedTakeover(context, programs[from], programs[to], turn);
			});
		}
	}

	it("and only the lock does that: without one the new block is prevoted, in both directions", async (context) => {
		const go = requireProgram(context, COMETBFT);
		if (go === null) return;
		await freeTakeover(context, [go], CAIRN);
		await freeTakeover(context, CAIRN, [go]);
	});

	it("and a Cairn whose log is lost does not vote in that height, whoever lost it", async (context) => {
		await logLost(context, CAIRN, CAIRN);
		const go = requireProgram(context, COMETBFT);
		if (go !== null) await logLost(context, [go], CAIRN);
	});
});
