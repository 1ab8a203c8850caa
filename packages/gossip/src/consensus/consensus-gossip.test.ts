import assert from "node:assert/strict";
import { test } from "node:test";
import { sign } from "@cairn/crypto";
import { fromHex } from "@cairn/kit";
import { PRECOMMIT, PREVOTE, voteSignBytes } from "@cairn/types";
import { ManualTime } from "@cairn/world";
import { CHAIN_ID, TestChain, testGenesis, testKeys } from "../testing/chain-fixture.ts";
import { MemorySwitch } from "../testing/memory-peers.ts";
import { SimNode } from "../testing/sim-node.ts";
import { Stranger } from "../testing/stranger.ts";
import { messagesFor } from "../testing/vectors.ts";
import { DATA_CHANNEL, STATE_CHANNEL, VOTE_CHANNEL, VOTE_SET_BITS_CHANNEL } from "./channels.ts";
import type { ConsensusMessage, NewRoundStep } from "./messages.ts";

const NODE = "aa".repeat(20);
const STRANGER = "bb".repeat(20);
const FAST = { commit: 10 };

interface Stage {
	readonly time: ManualTime;
	readonly net: MemorySwitch;
	readonly node: SimNode;
	readonly stranger: Stranger;
	readonly keys: ReturnType<typeof testKeys>;
}

/** One validator of `count` (it proposes in round 0 of height 1 if it is `leader`), and strangers to talk to. */
function stage(options: { count?: number; leads?: boolean; txBytes?: number; chain?: TestChain } = {}): Stage {
	const { count = 4, leads = true, txBytes = 100 } = options;
	const time = new ManualTime();
	const net = new MemorySwitch({ time });
	const keys = testKeys(count);
	const genesis = testGenesis(keys);
	const leader = genesis.validators.proposer?.address ?? new Uint8Array();
	const place = genesis.validators.getByAddress(leader)?.index ?? 0;
	const key = keys[leads ? place : (place + 1) % count] ?? null;
	const node = new SimNode({
		time,
		genesis,
		key,
		txBytes,
		timeouts: FAST,
		onFault: (peer, reason) => {
			const found = net.peer(NODE, peer);
			if (found !== undefined) net.stopPeer(NODE, found, reason, true);
		},
	});
	const stranger = new Stranger();
	net.add(NODE, [node.gossip]);
	net.add(STRANGER, [stranger]);
	return { time, net, node, stranger, keys };
}

function step(height: number, round: number, at: number, lastCommitRound = height === 1 ? -1 : 0): NewRoundStep {
	return { kind: "newRoundStep", height, round, step: at, secondsSinceStart: 0n, lastCommitRound };
}

test("a peer hears first where we stand, and our proposal, its parts and our vote in the turn that made them", async () => {
	const { time, net, node, stranger } = stage({ txBytes: 200_000 });
	node.start();
	net.connect(NODE, STRANGER);
	await time.advance(0);
	assert.equal(stranger.heard[0]?.message.kind, "newRoundStep");
	stranger.say(STATE_CHANNEL, step(1, 0, 1));
	await time.advance(1);
	stranger.forget();
	await time.advance(FAST.commit);
	assert.equal(stranger.of("proposal").length, 1);
	assert.equal(stranger.of("part").length, 4);
	assert.deepEqual(
		stranger.of("vote").map(({ vote }) => vote.type),
		[PREVOTE],
	);
	const kinds = stranger.heard.filter(({ channelId }) => channelId === DATA_CHANNEL).map(({ message }) => message.kind);
	assert.equal(kinds[0], "proposal", "parts mean nothing before their proposal");
	await time.advance(100);
	assert.equal(stranger.of("part").length, 4, "nothing is sent twice");
	await time.advance(1900);
	assert.equal(stranger.of("part").length, 8, "but once: a CometBFT node that ends its sync may have ignored it");
	assert.equal(stranger.of("proposal").length, 2);
});

test("a peer that connects again gets everything again; so does one that comes to a new round", async () => {
	const { time, net, node, stranger } = stage();
	node.start();
	await time.advance(FAST.commit + 1);
	for (let each = 1; each <= 2; each++) {
		net.connect(NODE, STRANGER);
		stranger.say(STATE_CHANNEL, step(1, 0, 3));
		await time.advance(1);
		assert.equal(stranger.of("proposal").length, each);
		assert.equal(stranger.of("vote").length, each);
	}
});

test("what the peer has is not sent: not its own vote, not one that it told of", async () => {
	const { time, net, node, stranger, keys } = stage({ leads: false });
	node.start();
	await time.advance(FAST.commit + 1);
	net.connect(NODE, STRANGER);
	const { validators } = node.state;
	const own = node.engine.view();
	assert.equal(own.height, 1);
	const others = validators.validators.map((_, index) => index).filter((index) => keys[index] !== undefined);
	const vote = (index: number) => {
		const unsigned = {
			type: PREVOTE,
			height: 1,
			round: 0,
			blockId: { hash: new Uint8Array(0), partSetHeader: { total: 0, hash: new Uint8Array(0) } },
			timestamp: 1_700_000_001_000_000_000n,
			validatorAddress: validators.getByIndex(index)?.address ?? new Uint8Array(),
			validatorIndex: index,
			signature: new Uint8Array(0),
			extension: new Uint8Array(0),
			extensionSignature: new Uint8Array(0),
		} as const;
		const key = keys[index];
		return {
			...unsigned,
			signature: key === undefined ? new Uint8Array(1) : sign(key, voteSignBytes(CHAIN_ID, unsigned)),
		};
	};
	const third = new Stranger();
	net.add("cc".repeat(20), [third]);
	net.connect(NODE, "cc".repeat(20));
	for (const each of [stranger, third]) each.say(STATE_CHANNEL, step(1, 0, 3));
	const [a = 0, b = 0] = others.filter((index) => node.engine.gossip().votes(0)?.prevotes.getByIndex(index) === null);
	stranger.say(VOTE_CHANNEL, { kind: "vote", vote: vote(a) });
	third.say(STATE_CHANNEL, { kind: "hasVote", height: 1, round: 0, type: PREVOTE, index: b });
	third.say(VOTE_CHANNEL, { kind: "vote", vote: vote(a) });
	await time.advance(5);
	stranger.say(VOTE_CHANNEL, { kind: "vote", vote: vote(b) });
	await time.advance(500);
	assert.deepEqual(
		stranger.of("vote").map((each) => each.vote.validatorIndex),
		[],
	);
	assert.deepEqual(
		third.of("vote").map((each) => each.vote.validatorIndex),
		[],
	);
	assert.equal(node.engine.gossip().votes(0)?.prevotes.getByIndex(a)?.validatorIndex, a);
	// The stranger sent it and knows; the third sent it too.
	assert.deepEqual(
		stranger.of("hasVote").map(({ index }) => index),
		[],
	);
	assert.deepEqual(
		third.of("hasVote").map(({ index }) => index),
		[b],
	);
	const dump = node.gossip.peerStates().find(({ node_address }) => node_address.startsWith(STRANGER));
	assert.equal(dump?.peer_state.round_state.prevotes?.[a], "x");
	assert.equal(dump?.peer_state.stats.votes, "2");
});

test("a vote that nobody else passes on is passed on, first after a moment, then at once", async () => {
	const { time, net, node, stranger, keys } = stage({ leads: false });
	node.start();
	await time.advance(FAST.commit + 1);
	net.connect(NODE, STRANGER);
	const far = new Stranger();
	net.add("cc".repeat(20), [far]);
	net.connect(NODE, "cc".repeat(20));
	for (const each of [stranger, far]) each.say(STATE_CHANNEL, step(1, 0, 3));
	const { validators } = node.state;
	const index = [0, 1, 2, 3].find((each) => node.engine.gossip().votes(0)?.prevotes.getByIndex(each) === null) ?? 0;
	const key = keys[index];
	assert.ok(key !== undefined);
	const say = (type: 1 | 2): void => {
		const unsigned = {
			type,
			height: 1,
			round: 0,
			blockId: { hash: new Uint8Array(0), partSetHeader: { total: 0, hash: new Uint8Array(0) } },
			timestamp: 1_700_000_001_000_000_000n,
			validatorAddress: validators.getByIndex(index)?.address ?? new Uint8Array(),
			validatorIndex: index,
			signature: new Uint8Array(0),
			extension: new Uint8Array(0),
			extensionSignature: new Uint8Array(0),
		} as const;
		const vote = { ...unsigned, signature: sign(key, voteSignBytes(CHAIN_ID, unsigned)) };
		stranger.say(VOTE_CHANNEL, { kind: "vote", vote });
	};
	say(PREVOTE);
	await time.advance(50);
	assert.equal(far.of("vote").length, 0);
	await time.advance(160);
	assert.equal(far.of("vote").length, 1);
	say(PRECOMMIT);
	await time.advance(1);
	assert.equal(far.of("vote").length, 2);
});

test("a peer that lags gets the votes that decided, and parts once it knows which block to collect", async () => {
	const chain = new TestChain(4).grow(5, 100_000);
	const { time, net, node, stranger } = stage();
	for (const { block, parts, commit } of chain.blocks) await node.store.saveBlock(block, parts, commit);
	node.state = chain.state;
	node.assembler.reset(6, -1n);
	node.start();
	net.connect(NODE, STRANGER);
	stranger.say(STATE_CHANNEL, step(3, 0, 3));
	await time.advance(1);
	assert.deepEqual(
		stranger.of("vote").map(({ vote }) => [vote.height, vote.type, vote.validatorIndex]),
		[0, 1, 2, 3].map((index) => [3, PRECOMMIT, index]),
	);
	assert.equal(stranger.of("part").length, 0, "a node drops parts before it knows the block");
	const header = chain.at(3).id.partSetHeader;
	const announced: ConsensusMessage = {
		kind: "newValidBlock",
		height: 3,
		round: 0,
		header,
		parts: chain.at(3).parts.bits.sub(chain.at(3).parts.bits),
		isCommit: true,
	};
	stranger.say(STATE_CHANNEL, announced);
	await time.advance(1);
	assert.equal(stranger.of("part").length, header.total);
	stranger.forget();
	// Another way to know: its step. At the last height the engine's own last commit serves.
	stranger.say(STATE_CHANNEL, step(5, 0, 8));
	await time.advance(1);
	assert.equal(stranger.of("vote").length, 4);
	assert.equal(stranger.of("part").length, chain.at(5).id.partSetHeader.total);
	assert.ok(stranger.of("part").every(({ height }) => height === 5));
});

test("a slow reader holds no more than its queues, and gets the rest when it reads again", async () => {
	const chain = new TestChain(4).grow(2, 6_000_000);
	const { time, net, node, stranger } = stage();
	for (const { block, parts, commit } of chain.blocks) await node.store.saveBlock(block, parts, commit);
	node.state = chain.state;
	node.assembler.reset(3, -1n);
	node.start();
	const [view] = net.connect(NODE, STRANGER);
	view.isBlocked = true;
	stranger.say(STATE_CHANNEL, step(1, 0, 8));
	await time.advance(1);
	assert.ok(view.queuedBytes > 1_000_000 && view.queuedBytes < 3_000_000, String(view.queuedBytes));
	for (let each = 0; each < 10; each++) {
		net.release(NODE, STRANGER);
		await time.advance(1);
	}
	const got = new Set(stranger.of("part").map(({ part }) => part.index));
	assert.equal(got.size, chain.at(1).id.partSetHeader.total);
	assert.equal(stranger.of("part").length, got.size);
});

test("a claim of a majority is answered with the votes for that block; another claim ends the connection", async () => {
	const { time, net, node, stranger } = stage();
	node.start();
	await time.advance(FAST.commit + 1);
	net.connect(NODE, STRANGER);
	const ours = node.engine.gossip().proposal?.blockId;
	assert.ok(ours !== undefined);
	const claim = { kind: "voteSetMaj23", height: 1, round: 0, type: PREVOTE, blockId: ours } as const;
	stranger.say(STATE_CHANNEL, claim);
	stranger.say(STATE_CHANNEL, { ...claim, height: 2 });
	await time.advance(1);
	const answers = stranger.of("voteSetBits");
	assert.equal(answers.length, 1);
	assert.equal(answers[0]?.bits.count(), 1);
	assert.equal(answers[0]?.bits.size, 4);
	stranger.say(STATE_CHANNEL, { ...claim, blockId: { ...ours, hash: new Uint8Array(32).fill(3) } });
	await time.advance(1);
	assert.equal(net.isLinked(NODE, STRANGER), false);
});

test("a peer that seems stuck is sent again what it may have dropped, with growing pauses", async () => {
	const { time, net, node, stranger } = stage();
	node.start();
	await time.advance(FAST.commit + 1);
	net.connect(NODE, STRANGER);
	stranger.say(STATE_CHANNEL, step(1, 0, 3));
	await time.advance(1000);
	assert.equal(stranger.of("proposal").length, 2);
	await time.advance(14_000);
	assert.equal(stranger.of("proposal").length, 3);
	await time.advance(45_000);
	assert.ok(stranger.of("proposal").length <= 5);
});

test("while it syncs a node says nothing of itself and ignores proposals, parts and votes", async () => {
	const { time, net, node, stranger } = stage();
	node.start();
	node.gossip.setSyncing(true);
	await time.advance(FAST.commit + 1);
	net.connect(NODE, STRANGER);
	stranger.say(STATE_CHANNEL, step(1, 0, 3));
	await time.advance(100);
	assert.equal(stranger.heard.length, 0);
	assert.equal(node.gossip.heightOf(STRANGER), 1, "but it knows where peers are");
	node.gossip.setSyncing(false);
	await time.advance(1);
	assert.equal(stranger.heard[0]?.message.kind, "newRoundStep");
	assert.equal(stranger.of("proposal").length, 1);
});

test("nothing of a turn under way is sent before it has settled", async () => {
	const { time, net, node, stranger } = stage();
	node.start();
	net.connect(NODE, STRANGER);
	stranger.say(STATE_CHANNEL, step(1, 0, 1));
	await time.advance(1);
	node.isHeld = true;
	await time.advance(FAST.commit + 50);
	stranger.say(STATE_CHANNEL, step(1, 0, 3));
	await time.advance(200);
	assert.equal(stranger.of("vote").length, 0);
	node.isHeld = false;
	node.gossip.settled();
	await time.advance(1);
	assert.equal(stranger.of("vote").length, 1);
});

test("invalid messages end the connection: every one of the vectors, on the channel it belongs to", async () => {
	const { time, net, node, stranger } = stage();
	node.start();
	let refused = 0;
	for (const { name, hex, accepted } of messagesFor("consensus.Message")) {
		if (accepted) continue;
		net.connect(NODE, STRANGER);
		stranger.sayBytes(STATE_CHANNEL, fromHex(hex));
		await time.advance(1);
		assert.equal(net.isLinked(NODE, STRANGER), false, name);
		assert.equal(net.stopped.at(-1)?.fault, true);
		refused++;
	}
	assert.ok(refused > 60);
});

test("a step below the initial height, or one that contradicts it, ends the connection", async () => {
	for (const message of [step(0, 0, 1, 0), step(1, 0, 1, 0), step(2, 0, 1, -1)]) {
		const { time, net, node, stranger } = stage();
		node.start();
		net.connect(NODE, STRANGER);
		stranger.say(STATE_CHANNEL, message);
		await time.advance(1);
		assert.equal(net.isLinked(NODE, STRANGER), false);
	}
});

test("ASA-2024-011: votes with an index out of range, far ahead or far behind, do no harm", async () => {
	const { time, net, node, stranger } = stage();
	node.start();
	await time.advance(FAST.commit + 1);
	for (const [height, round, index] of [
		[1, 0, 4],
		[1, 0, 2_147_483_647],
		[1, 2_147_483_647, 0],
		[2, 0, 99],
		[9_007_199_254_740_991, 0, 1],
	] as const) {
		for (const type of [PREVOTE, PRECOMMIT] as const) {
			net.connect(NODE, STRANGER);
			stranger.say(STATE_CHANNEL, step(1, 0, 3));
			const blockId = { hash: new Uint8Array(0), partSetHeader: { total: 0, hash: new Uint8Array(0) } };
			const vote = {
				...{ type, height, round, blockId, validatorIndex: index },
				timestamp: 0n,
				validatorAddress: new Uint8Array(20),
				signature: new Uint8Array(64),
				extension: new Uint8Array(0),
				extensionSignature: new Uint8Array(0),
			};
			stranger.say(VOTE_CHANNEL, { kind: "vote", vote });
			stranger.say(STATE_CHANNEL, { kind: "hasVote", height, round, type, index });
			await time.advance(1);
		}
	}
	assert.equal(node.engine.view().height, 1);
});

test("ASA-2025-002: a part whose index differs from its proof's ends the connection", async () => {
	const { time, net, node, stranger } = stage();
	node.start();
	await time.advance(FAST.commit + 1);
	net.connect(NODE, STRANGER);
	const parts = new TestChain(4).grow(1, 200_000).at(1).parts;
	const part = parts.getPart(1);
	assert.ok(part !== null);
	stranger.say(DATA_CHANNEL, { kind: "part", height: 1, round: 0, part: { ...part, index: 0 } });
	await time.advance(1);
	assert.equal(net.isLinked(NODE, STRANGER), false);
});

test("ASA-2025-003: bits and elements of a bit array that do not fit end the connection", async () => {
	for (const { name, hex } of messagesFor("consensus.Message").filter(({ name }) => name.includes("mismatch"))) {
		const { time, net, node, stranger } = stage();
		node.start();
		net.connect(NODE, STRANGER);
		stranger.sayBytes(VOTE_SET_BITS_CHANNEL, fromHex(hex));
		await time.advance(1);
		assert.equal(net.isLinked(NODE, STRANGER), false, name);
	}
});

test("#5324: a proposal of more parts than a block may have ends the connection", async () => {
	const { time, net, node, stranger } = stage({ leads: false });
	node.start();
	await time.advance(FAST.commit + 1);
	net.connect(NODE, STRANGER);
	const blockId = { hash: new Uint8Array(32), partSetHeader: { total: 1602, hash: new Uint8Array(32) } };
	const proposal = { height: 1, round: 0, polRound: -1, blockId, timestamp: 0n, signature: new Uint8Array(64) };
	stranger.say(DATA_CHANNEL, { kind: "proposal", proposal });
	await time.advance(1);
	assert.equal(net.isLinked(NODE, STRANGER), false);
});

test("CVE-2023-34450: peers can be dumped at any time, in CometBFT's form", async () => {
	const { time, net, node, stranger } = stage();
	node.start();
	net.connect(NODE, STRANGER);
	assert.equal(node.gossip.peerStates().length, 1);
	stranger.say(STATE_CHANNEL, step(1, 0, 3));
	await time.advance(20);
	const [dump] = node.gossip.peerStates();
	assert.deepEqual(Object.keys(dump?.peer_state.round_state ?? {}), [
		"height",
		"round",
		"step",
		"start_time",
		"proposal",
		"proposal_block_part_set_header",
		"proposal_block_parts",
		"proposal_pol_round",
		"proposal_pol",
		"prevotes",
		"precommits",
		"last_commit_round",
		"last_commit",
		"catchup_commit_round",
		"catchup_commit",
	]);
	assert.equal(dump?.peer_state.round_state.proposal, true);
	assert.equal(dump?.peer_state.round_state.proposal_block_parts, "x");
	assert.equal(dump?.peer_state.round_state.proposal_block_part_set_header.hash.length, 64);
	net.disconnect(NODE, STRANGER);
	assert.deepEqual(node.gossip.peerStates(), []);
});

test("messages of a kind that is not of the channel are ignored", async () => {
	const { time, net, node, stranger } = stage();
	node.start();
	net.connect(NODE, STRANGER);
	for (const channel of [DATA_CHANNEL, VOTE_CHANNEL, VOTE_SET_BITS_CHANNEL]) stranger.say(channel, step(7, 0, 3));
	await time.advance(1);
	assert.equal(node.gossip.heightOf(STRANGER), 0);
	assert.ok(net.isLinked(NODE, STRANGER));
});
