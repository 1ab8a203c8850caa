// A validator is killed while it is locked: it has sent its precommit, the others' precommits were withheld. The other
// implementation takes its home over and must know the lock: only what is in the log can tell it.
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { bytesEqual } from "@cairn/kit";
import { NIL_BLOCK_ID, PRECOMMIT, PREVOTE } from "@cairn/types";
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

interface Stage {
	readonly real: TestNode;
	readonly self: Uint8Array;
	readonly puppet: Puppet;
}

/** A validator whose peers are the puppet. `proposes`: it is the one to propose in round 0; else neither there nor in round 1. */
async function setStage(context: TestContext, program: Program, proposes: boolean): Promise<Stage> {
	const network = await TestNetwork.create({
		programs: [program, program, program, program],
		keys: [...TIMEOUTS, ["p2p", "persistent_peers", '""'], ["p2p", "pex", "false"]],
		proxyApp: "persistent_kvstore",
	});
	context.after(() => network.destroy());
	const genesis = kvstoreGenesis(network.node(0).home);
	const [first, second] = [proposerAt(genesis, HEIGHT, 0), proposerAt(genesis, HEIGHT, 1)];
	const real = network.nodes.find((node) => {
		const address = validatorAddress(node.home);
		return proposes ? bytesEqual(address, first) : !bytesEqual(address, first) && !bytesEqual(address, second);
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

async function takeOver({ real, puppet }: Stage, program: Program): Promise<void> {
	await real.stop("SIGKILL");
	await puppet.peer.gone();
	real.program = program;
	real.start();
	await puppet.connect();
	await puppet.atRound(HEIGHT, 0);
}

/** Ends round 0 without a decision and puts another block before the node. */
function proposeAnother({ puppet }: Stage): { readonly block: PuppetBlock; readonly seen: Promise<void> } {
	const block = puppet.firstBlock(1, "b=1");
	puppet.vote(PRECOMMIT, HEIGHT, 0, NIL_BLOCK_ID);
	const seen = puppet.atRound(HEIGHT, 1).then(() => puppet.propose(block, 1));
	return { block, seen };
}

async function lockedTakeover(context: TestContext, from: Program, to: Program, proposes: boolean): Promise<void> {
	const stage = await setStage(context, from, proposes);
	const { real, self, puppet } = stage;
	let lock = puppet.firstBlock(0, "a=1").id;
	if (proposes) lock = (await puppet.proposal(HEIGHT, 0)).blockId;
	else puppet.propose(puppet.firstBlock(0, "a=1"), 0);
	puppet.vote(PREVOTE, HEIGHT, 0, lock);
	const precommit = await puppet.voteOf(self, PRECOMMIT, HEIGHT, 0);
	assert.equal(nameOf(precommit.blockId), nameOf(lock), "the node locks and precommits what has a polka");

	await takeOver(stage, to);
	const again = await puppet.voteOf(self, PRECOMMIT, HEIGHT, 0);
	assert.deepEqual(again, precommit, "the precommit is the one that was sent before, byte for byte");

	const { block, seen } = proposeAnother(stage);
	await seen;
	const prevote = await puppet.voteOf(self, PREVOTE, HEIGHT, 1);
	assert.notEqual(nameOf(prevote.blockId), nameOf(block.id), "the lock is lost: the node prevotes the new block");
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

/** The same script without a polka: then the new block is prevoted. Shows that it is the lock that keeps the node from it. */
async function freeTakeover(context: TestContext, from: Program, to: Program): Promise<void> {
	const stage = await setStage(context, from, false);
	const { self, puppet } = stage;
	puppet.propose(puppet.firstBlock(0, "a=1"), 0);
	puppet.vote(PREVOTE, HEIGHT, 0, NIL_BLOCK_ID);
	const precommit = await puppet.voteOf(self, PRECOMMIT, HEIGHT, 0);
	assert.equal(nameOf(precommit.blockId), "nil");
	await takeOver(stage, to);
	const { block, seen } = proposeAnother(stage);
	await seen;
	const prevote = await puppet.voteOf(self, PREVOTE, HEIGHT, 1);
	assert.equal(nameOf(prevote.blockId), nameOf(block.id));
}

describe("a validator killed while locked keeps its lock", { timeout: 180_000 }, () => {
	for (const proposes of [false, true]) {
		const whose = proposes ? "its own block" : "a block of another";
		const cases = [
			["CometBFT", "Cairn"],
			["Cairn", "CometBFT"],
			["Cairn", "Cairn"],
		] as const;
		for (const [from, to] of cases) {
			it(`on ${whose}, from ${from} to ${to}`, async (context) => {
				const go = from === to ? "" : requireProgram(context, COMETBFT);
				if (go === null) return;
				const programs = { CometBFT: [go], Cairn: CAIRN };
				await lockedTakeover(context, programs[from], programs[to], proposes);
			});
		}
	}

	it("and only the lock does that: without one the new block is prevoted, from CometBFT to Cairn and back", async (context) => {
		const go = requireProgram(context, COMETBFT);
		if (go === null) return;
		await freeTakeover(context, [go], CAIRN);
		await freeTakeover(context, CAIRN, [go]);
	});
});
