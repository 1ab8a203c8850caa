import assert from "node:assert/strict";
import { test } from "node:test";
import { publicKeyOf } from "@cairn/crypto";
import { CairnError, fromHex, toHex } from "@cairn/kit";
import { type Block, type Commit, encodeBlock, newBlock, newValidator } from "@cairn/types";
import { ManualTime } from "@cairn/world";
import { signedCommit, TestChain } from "../testing/chain-fixture.ts";
import { MemorySwitch } from "../testing/memory-peers.ts";
import { type Lie, SyncNode, SyncStranger } from "../testing/sync-node.ts";
import { messagesFor } from "../testing/vectors.ts";
import { encodeBlockResponse, encodeBlockSyncMessage } from "./messages.ts";

const ID = (name: string): string => name.repeat(40).slice(0, 40);

class Stage {
	readonly time = new ManualTime();
	readonly net: MemorySwitch;
	readonly chain: TestChain;
	readonly node: SyncNode;

	constructor(chain: TestChain, options: ConstructorParameters<typeof SyncNode>[4] = {}) {
		this.chain = chain;
		this.net = new MemorySwitch({ time: this.time, latency: () => 2 });
		this.node = new SyncNode(ID("a"), this.net, this.time, chain, options);
	}

	async server(name: string, count: number): Promise<SyncNode> {
		const server = await new SyncNode(ID(name), this.net, this.time, this.chain).fill(this.chain, count);
		this.net.connect(this.node.id, server.id);
		return server;
	}

	stranger(name: string, height: number, lie?: Lie): SyncStranger {
		const stranger = new SyncStranger(this.chain, { base: Math.min(1, height), height }, this.node.gossip.channels);
		if (lie !== undefined) stranger.lie = lie;
		this.net.add(ID(name), [stranger]);
		this.net.connect(this.node.id, ID(name));
		return stranger;
	}

	isLinked(name: string): boolean {
		return this.net.isLinked(this.node.id, ID(name));
	}

	/** Until the node has caught up; false if that takes longer. */
	async run(ms: number): Promise<boolean> {
		const end = this.time.mono() + ms;
		while (this.node.caughtUp === null && this.node.fatal.length === 0 && this.time.mono() < end) {
			await this.time.advance(20);
		}
		return this.node.caughtUp !== null;
	}
}

const PLAIN = new TestChain(4).grow(150);
const EXTENDED = new TestChain(4, { extensionsFrom: 5 }).grow(40);

function hashAt(node: SyncNode, height: number): string {
	return toHex(node.store.loadBlockMeta(height)?.blockId.hash ?? new Uint8Array());
}

test("a new node fetches a chain from those who have it, and hands over one block below their height", async () => {
	const stage = new Stage(PLAIN);
	for (const name of ["b", "c", "d"]) await stage.server(name, 150);
	stage.node.gossip.startSync(stage.node.state);
	assert.ok(stage.node.gossip.isSyncing);
	assert.ok(await stage.run(10_000));
	assert.equal(stage.node.caughtUp?.hasSynced, true);
	assert.equal(stage.node.caughtUp?.state.lastBlockHeight, 149);
	assert.deepEqual(
		stage.node.applied,
		Array.from({ length: 149 }, (_, each) => each + 1),
	);
	assert.equal(hashAt(stage.node, 149), toHex(PLAIN.at(149).id.hash));
	assert.deepEqual(stage.net.stopped, []);
	assert.equal(stage.node.gossip.isSyncing, false);
});

test("with vote extensions, the extended commits are fetched and stored", async () => {
	const stage = new Stage(EXTENDED);
	await stage.server("b", 40);
	stage.node.gossip.startSync(stage.node.state);
	assert.ok(await stage.run(10_000));
	assert.equal(stage.node.store.loadExtendedCommit(4), null);
	assert.equal(stage.node.store.loadExtendedCommit(39)?.signatures.length, 4);
});

test("a node that is where its peers are hands over at once", async () => {
	const stage = new Stage(PLAIN);
	await stage.node.fill(PLAIN, 10);
	await stage.server("b", 10);
	stage.node.gossip.startSync(stage.node.state);
	assert.ok(await stage.run(1_100));
	assert.equal(stage.node.caughtUp?.hasSynced, false);
	const alone = new Stage(PLAIN);
	alone.node.gossip.startSync(alone.node.state);
	assert.equal(await alone.run(60_000), false, "without peers there is nothing to judge by");
});

test("with extensions, a node without its last extended commit needs one more block", async () => {
	const stage = new Stage(EXTENDED);
	await stage.node.fill(new TestChain(4).grow(10), 10);
	stage.node.state = EXTENDED.at(10).after;
	await stage.server("b", 10);
	stage.node.gossip.startSync(stage.node.state);
	assert.equal(await stage.run(20_000), false);
});

test("a node that holds a third of the power does not wait for a chain that waits for it", async () => {
	const ownAddress = newValidator(publicKeyOf(new TestChain(2).keys[0] as never), 1n).address;
	const stage = new Stage(new TestChain(2).grow(3), { ownAddress });
	stage.node.gossip.startSync(stage.node.state);
	assert.ok(await stage.run(2_000));
});

/** Lies, and the reason for which the liar has to go; the other peers are honest. */
const LIES: readonly (readonly [name: string, chain: TestChain, lie: Lie])[] = [
	[
		"another block of that height",
		PLAIN,
		(height) =>
			height === 7 ? encodeBlockResponse(encodeBlock(new TestChain(4).grow(7, 55).at(7).block), null) : undefined,
	],
	[
		"a block of another height",
		PLAIN,
		(height, chain) => (height === 9 ? encodeBlockResponse(encodeBlock(chain.at(8).block), null) : undefined),
	],
	["bytes that are no block", PLAIN, (height) => (height === 3 ? fromHex("1a050a03010203") : undefined)],
	["an answer without a block", PLAIN, (height) => (height === 3 ? fromHex("1a00") : undefined)],
	[
		"a last commit with a false signature",
		PLAIN,
		(height, chain) => {
			if (height !== 12) return undefined;
			const { block } = chain.at(12);
			const last = block.lastCommit;
			assert.ok(last !== null);
			const signatures = last.signatures.map((each) => ({ ...each, signature: new Uint8Array(64).fill(1) }));
			return encodeBlockResponse(encodeBlock(withLastCommit(chain, 12, { ...last, signatures })), null);
		},
	],
	[
		"a last commit of too little power",
		PLAIN,
		(height, chain) => {
			if (height !== 12) return undefined;
			const { id, before } = chain.at(11);
			const commit = signedCommit(chain.keys, before.validators, id, 11, { absent: [0, 1] });
			return encodeBlockResponse(encodeBlock(withLastCommit(chain, 12, commit)), null);
		},
	],
	[
		"ASA-2024-008: no extended commit",
		EXTENDED,
		(height, chain) => (height >= 8 ? encodeBlockResponse(encodeBlock(chain.at(height).block), null) : undefined),
	],
	[
		"ASA-2024-008: an extended commit where none belongs",
		PLAIN,
		(height, chain) =>
			height === 8 ? encodeBlockResponse(encodeBlock(chain.at(8).block), EXTENDED.at(8).extended) : undefined,
	],
	[
		"ASA-2024-008: extensions that are not signed",
		EXTENDED,
		(height, chain) => {
			const { block, extended } = chain.at(height);
			if (height < 8 || extended === null) return undefined;
			const signatures = extended.signatures.map((each) => ({ ...each, extension: new Uint8Array([9]) }));
			return encodeBlockResponse(encodeBlock(block), { ...extended, signatures });
		},
	],
	[
		"ASA-2024-008: an extended commit of another height",
		EXTENDED,
		(height, chain) =>
			height === 8 ? encodeBlockResponse(encodeBlock(chain.at(8).block), chain.at(9).extended) : undefined,
	],
];

/** A block that is well-formed, with another last commit: nobody has signed it. */
function withLastCommit(chain: TestChain, height: number, commit: Commit): Block {
	const { block } = chain.at(height);
	const { lastCommitHash: _, dataHash: __, evidenceHash: ___, ...draft } = block.header;
	return newBlock(draft, block.txs, commit, block.evidence);
}

test("the lies are told to nodes that find the truth elsewhere, and ban the liar alone", async () => {
	for (const [name, chain, lie] of LIES) {
		const stage = new Stage(chain);
		const liar = stage.stranger("e", chain.blocks.length, lie);
		await stage.server("b", chain.blocks.length);
		stage.node.gossip.startSync(stage.node.state);
		assert.ok(await stage.run(60_000), name);
		assert.ok(liar.heard.length > 0, name);
		assert.deepEqual(
			stage.net.stopped.map(({ peer, fault }) => [peer.slice(0, 1), fault]),
			[["e", true]],
			name,
		);
		assert.equal(stage.node.caughtUp?.state.lastBlockHeight, chain.blocks.length - 1, name);
		assert.equal(hashAt(stage.node, 30), toHex(chain.at(30).id.hash), name);
	}
});

test("one lie on a long chain does not make a node leave block sync early", async () => {
	const stage = new Stage(PLAIN);
	stage.stranger("e", 150, (height) => (height === 5 ? fromHex("1a00") : undefined));
	// An honest peer that has little; the others connect a little later.
	await stage.server("b", 4);
	stage.node.gossip.startSync(stage.node.state);
	await stage.run(8_000);
	assert.equal(stage.isLinked("e"), false);
	assert.ok(stage.node.gossip.isSyncing);
	await stage.server("c", 150);
	assert.ok(await stage.run(20_000));
	assert.equal(stage.node.caughtUp?.state.lastBlockHeight, 149);
});

test("ASA-2025-001: a peer that claims a great height and then lowers it cannot keep a node from consensus", async () => {
	const stage = new Stage(PLAIN);
	const liar = stage.stranger("e", 1_000_000, () => null);
	await stage.server("b", 30);
	stage.node.gossip.startSync(stage.node.state);
	await stage.run(3_000);
	liar.status = { base: 1, height: 20 };
	liar.tell();
	assert.ok(await stage.run(60_000));
	assert.equal(stage.node.caughtUp?.state.lastBlockHeight, 29);
});

test("#5803: nor one that claims blocks that nobody has", async () => {
	const stage = new Stage(PLAIN);
	const liar = stage.stranger("e", 1_000_000, () => null);
	liar.status = { base: 900_000, height: 1_000_000 };
	liar.tell();
	await stage.server("b", 30);
	stage.node.gossip.startSync(stage.node.state);
	assert.ok(await stage.run(30_000));
	assert.equal(stage.node.caughtUp?.state.lastBlockHeight, 29);
});

test("peers that do not answer are left after 15 s, and the blocks fetched elsewhere", async () => {
	const stage = new Stage(PLAIN);
	stage.node.applyMs = 200;
	stage.stranger("e", 150, () => null);
	await stage.server("b", 150);
	stage.node.gossip.startSync(stage.node.state);
	assert.ok(await stage.run(40_000));
	assert.deepEqual(
		stage.net.stopped.map(({ peer, fault }) => [peer.slice(0, 1), fault]),
		[["e", false]],
	);
});

test("while a block is applied, the next are verified; they are applied one after the other", async () => {
	const stage = new Stage(PLAIN);
	stage.node.applyMs = 5;
	await stage.server("b", 60);
	stage.node.gossip.startSync(stage.node.state);
	assert.ok(await stage.run(5_000));
	assert.deepEqual(
		stage.node.applied,
		Array.from({ length: 59 }, (_, each) => each + 1),
	);
});

test("a block that +2/3 signed and that does not fit our state stops the node and says whose fault it is not", async () => {
	const stage = new Stage(PLAIN, {
		validate: (_, { block }) => {
			if (block.header.height === 6) throw new CairnError("invalid", "peer", "wrong app hash");
		},
	});
	await stage.server("b", 30);
	stage.node.gossip.startSync(stage.node.state);
	assert.equal(await stage.run(10_000), false);
	const [cause] = stage.node.fatal;
	assert.ok(cause instanceof CairnError && cause.code === "state-diverged" && cause.blame === "operator");
	assert.match(cause.message, /block 6 .* wrong app hash/);
	assert.equal(stage.node.gossip.isSyncing, false);
	assert.deepEqual(stage.net.stopped, []);
});

test("a node that never synced takes no blocks; one that has finished ignores late answers", async () => {
	const block = encodeBlockResponse(encodeBlock(PLAIN.at(3).block), null);
	const never = new Stage(PLAIN);
	never.stranger("e", 10).say(block);
	await never.time.advance(10);
	assert.equal(never.isLinked("e"), false);
	const done = new Stage(PLAIN);
	const stranger = done.stranger("e", 10);
	done.node.gossip.startSync(done.node.state);
	assert.ok(await done.run(10_000));
	stranger.say(block);
	await done.time.advance(10);
	assert.ok(done.isLinked("e"));
	const busy = new Stage(PLAIN);
	busy.stranger("f", 100, () => null);
	busy.stranger("e", 0).say(block);
	busy.node.gossip.startSync(busy.node.state);
	await busy.run(1_500);
	assert.equal(busy.isLinked("e"), false, "not asked");
});

test("requests are answered with the stored bytes, or with the word that there is none; so is the status", async () => {
	const stage = new Stage(PLAIN);
	await stage.node.fill(PLAIN, 20);
	const asker = stage.stranger("e", 0);
	await stage.time.advance(5);
	assert.deepEqual(asker.heard, [{ kind: "statusResponse", base: 1, height: 20 }]);
	for (const height of [5, 21, 0]) asker.say(encodeBlockSyncMessage({ kind: "blockRequest", height }));
	asker.say(encodeBlockSyncMessage({ kind: "statusRequest" }));
	await stage.time.advance(5);
	assert.deepEqual(asker.blocks(), [5]);
	assert.deepEqual(asker.heard.slice(2), [
		{ kind: "noBlockResponse", height: 21 },
		{ kind: "noBlockResponse", height: 0 },
		{ kind: "statusResponse", base: 1, height: 20 },
	]);
});

test("peers that ask for much and do not read hold little, and do not keep others from being served", async () => {
	const big = new TestChain(4).grow(30, 1_000_000);
	const stage = new Stage(big);
	await stage.node.fill(big, 30);
	const slow: SyncStranger[] = [];
	for (let each = 0; each < 20; each++) {
		const name = String.fromCharCode(98 + each);
		const reader = stage.stranger(name, 0);
		slow.push(reader);
		const view = stage.net.peer(stage.node.id, ID(name));
		assert.ok(view !== undefined);
		view.isBlocked = true;
		for (let height = 1; height <= 30; height++) reader.say(encodeBlockSyncMessage({ kind: "blockRequest", height }));
	}
	const honest = stage.stranger("z", 0);
	for (let height = 1; height <= 30; height++) honest.say(encodeBlockSyncMessage({ kind: "blockRequest", height }));
	await stage.time.advance(200);
	const held = slow.map(
		(_, each) => stage.net.peer(stage.node.id, ID(String.fromCharCode(98 + each)))?.queuedBytes ?? 0,
	);
	assert.ok(Math.max(...held) < 4_000_000, `${Math.max(...held)} bytes for one`);
	assert.equal(honest.blocks().length, 30);
	for (let each = 0; each < 40; each++) {
		stage.net.release(stage.node.id, ID("b"));
		const view = stage.net.peer(stage.node.id, ID("b"));
		if (view !== undefined) view.isBlocked = true;
		await stage.time.advance(5);
	}
	assert.equal(slow[0]?.blocks().length, 30, "who reads at last gets all");
});

test("invalid messages end the connection: every one of the vectors", async () => {
	const stage = new Stage(PLAIN);
	for (const { name, hex, accepted } of messagesFor("blocksync.Message")) {
		if (accepted) continue;
		const stranger = stage.stranger("e", 0);
		stranger.say(fromHex(hex));
		await stage.time.advance(5);
		assert.equal(stage.isLinked("e"), false, name);
	}
});
