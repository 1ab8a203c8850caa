import assert from "node:assert/strict";
import { test } from "node:test";
import type { Mempool } from "@cairn/chain";
import { TxList } from "@cairn/chain";
import { CairnError, fromHex, noMetrics, silentLogger, toHex } from "@cairn/kit";
import type { ChannelHandler, Peer } from "@cairn/network";
import { txKey } from "@cairn/types";
import { mempool as pb } from "@cairn/types/proto";
import { ManualTime, SeededRandom } from "@cairn/world";
import fc from "fast-check";
import { MemorySwitch } from "../testing/memory-peers.ts";
import { messagesFor } from "../testing/vectors.ts";
import { MempoolGossip, type MempoolGossipOptions } from "./mempool-gossip.ts";
import { decodeTxs, encodeTxs, MEMPOOL_CHANNEL, messageLength } from "./messages.ts";

const OPTIONS: MempoolGossipOptions = {
	maxTxBytes: 1_048_576,
	maxBatchBytes: 0,
	broadcast: true,
	maxPersistentPeers: 0,
	maxNonPersistentPeers: 0,
	gatherMs: 0,
	syncing: false,
};

/** A mempool whose application takes everything that starts with an even byte. */
class TestMempool {
	readonly entries = new TxList();
	readonly checked: string[] = [];
	height = 1;
	#listeners: Parameters<Mempool["onTx"]>[0][] = [];
	/** While set, answers wait. */
	gate: Promise<void> | null = null;
	isFull = false;

	turnsAway(): boolean {
		return this.isFull;
	}

	onTx(listener: Parameters<Mempool["onTx"]>[0]): void {
		this.#listeners.push(listener);
	}

	checkTx: Mempool["checkTx"] = async (tx, sender) => {
		this.checked.push(toHex(tx));
		if (this.entries.get(txKey(tx)) !== undefined) throw new CairnError("tx-in-cache", "peer", "known");
		if (this.gate !== null) await this.gate;
		const isGood = (tx[0] ?? 1) % 2 === 0;
		if (isGood) this.add(tx, sender);
		return { code: isGood ? 0 : 1 } as Awaited<ReturnType<Mempool["checkTx"]>>;
	};

	add(tx: Uint8Array, sender = ""): void {
		const entry = this.entries.append(tx, txKey(tx), this.height, 1n);
		entry.senders.add(sender);
		for (const listener of this.#listeners) listener(entry);
	}
}

class Stage {
	readonly time = new ManualTime();
	readonly random = new SeededRandom("gather");
	readonly net = new MemorySwitch({ time: this.time });
	readonly pools = new Map<string, TestMempool>();
	readonly gossips = new Map<string, MempoolGossip>();
	readonly heights = new Map<string, number>();
	readonly unconditional = new Set<string>();

	node(name: string, options: Partial<MempoolGossipOptions> = {}): string {
		const id = name.repeat(40).slice(0, 40);
		const pool = new TestMempool();
		const gossip = new MempoolGossip(
			{ ...OPTIONS, ...options },
			{
				mempool: pool,
				heightOf: (peer) => this.heights.get(peer) ?? 1,
				isUnconditional: (peer) => this.unconditional.has(peer),
				world: { clock: this.time, timers: this.time, random: this.random },
				logger: silentLogger,
				metrics: noMetrics,
			},
		);
		this.pools.set(id, pool);
		this.gossips.set(id, gossip);
		this.net.add(id, [gossip]);
		return id;
	}

	pool(id: string): TestMempool {
		return this.pools.get(id) as TestMempool;
	}

	gossip(id: string): MempoolGossip {
		return this.gossips.get(id) as MempoolGossip;
	}

	txs(id: string): string[] {
		return [...this.pool(id).entries].map(({ tx }) => toHex(tx));
	}
}

function tx(number: number): Uint8Array {
	return Uint8Array.of(2, number >> 8, number & 255);
}

test("messages are taken or refused as CometBFT does it", () => {
	for (const { name, hex, accepted } of messagesFor("mempool.Message")) {
		const maxBatchBytes = name === "batch within max_batch" ? 18 : name === "batch over max_batch" ? 17 : 0;
		let isTaken = true;
		try {
			decodeTxs(fromHex(hex), { maxTxBytes: 10, maxBatchBytes });
		} catch (error) {
			assert.ok(error instanceof CairnError && error.blame === "peer");
			isTaken = false;
		}
		assert.equal(isTaken, accepted, name);
	}
});

test("bounds of zero are none, but empty transactions are never taken", () => {
	const limits = { maxTxBytes: 0, maxBatchBytes: 0 };
	assert.equal(decodeTxs(encodeTxs([new Uint8Array(100_000)]), limits).length, 1);
	assert.throws(() => decodeTxs(encodeTxs([new Uint8Array(0)]), limits), CairnError);
	assert.throws(() => decodeTxs(new Uint8Array(0), limits), CairnError);
});

test("any bytes are read, or refused with the peer's blame; what is read is within bounds", () => {
	const sample = fc.oneof(
		fc.uint8Array({ maxLength: 200 }),
		fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 8 }).map((txs) => encodeTxs(txs)),
	);
	fc.assert(
		fc.property(sample, fc.nat(), fc.nat(255), (bytes, at, to) => {
			const mutated = bytes.slice();
			if (mutated.length > 0 && at % 3 > 0) mutated[at % mutated.length] = to;
			try {
				const txs = decodeTxs(mutated, { maxTxBytes: 20, maxBatchBytes: 60 });
				assert.ok(txs.every(({ length }) => length > 0 && length <= 20));
				assert.ok(txs.reduce((sum, { length }) => sum + length, 0) <= 60);
			} catch (error) {
				assert.ok(error instanceof CairnError && error.blame === "peer", String(error));
			}
		}),
		{ numRuns: 3000 },
	);
});

test("the longest message is that of the longest transaction", () => {
	for (const length of [1, 127, 128, 1_048_576]) {
		assert.equal(messageLength(length), encodeTxs([new Uint8Array(length)]).length);
	}
});

test("a transaction reaches everybody, once over each link, and never goes back to who sent it", async () => {
	const stage = new Stage();
	const ids = ["a", "b", "c", "d"].map((name) => stage.node(name));
	const [a = "", b = "", c = "", d = ""] = ids;
	stage.net.connect(a, b);
	stage.net.connect(b, c);
	stage.net.connect(c, d);
	for (let each = 0; each < 50; each++) {
		stage.pool(ids[each % 4] ?? a).add(tx(each));
		if (each % 10 === 0) await stage.time.advance(1);
	}
	await stage.time.advance(5);
	for (const id of ids) assert.equal(new Set(stage.txs(id)).size, 50);
	const perLink = new Map<string, number>();
	for (const { from, to, bytes } of stage.net.log) {
		const { sum } = pb.Message.decode(bytes);
		for (const each of sum?.value.txs ?? []) {
			const key = `${[from, to].sort().join()} ${toHex(each)}`;
			perLink.set(key, (perLink.get(key) ?? 0) + 1);
		}
	}
	assert.ok([...perLink.values()].every((count) => count === 1));
	assert.equal(perLink.size, 50 * 3);
});

test("received transactions give way to what else waits, but none is lost and their memory is bounded", async () => {
	const stage = new Stage();
	const a = stage.node("a");
	const b = stage.node("b");
	stage.net.connect(a, b);
	const gossip = stage.gossip(b);
	const peer = stage.net.peer(b, a);
	assert.ok(peer !== undefined);
	const mono = stage.time.mono.bind(stage.time);
	let looks = 0;
	// Each look at the clock finds a millisecond gone.
	stage.time.mono = () => mono() + looks++;
	const list = Array.from({ length: 200 }, (_, each) => tx(each));
	gossip.receive(peer, MEMPOOL_CHANNEL, encodeTxs(list));
	assert.equal(stage.pool(b).checked.length, 0, "nothing is checked while the message is delivered");
	let seenByOther = -1;
	stage.time.after(0, () => {
		seenByOther = stage.pool(b).checked.length;
	});
	await stage.time.advance(0);
	assert.ok(seenByOther > 0 && seenByOther < 200, `${seenByOther} checked before anything else had its turn`);
	assert.deepEqual(stage.pool(b).checked, list.map(toHex));
	for (const [each] of list.entries()) {
		gossip.receive(peer, MEMPOOL_CHANNEL, encodeTxs([new Uint8Array(90_000).fill(2 * each)]));
	}
	assert.ok(stage.pool(b).checked.length > 200, "beyond its bytes the queue is worked off at once");
});

test("what is accepted within the time to gather goes out together, and seldom to those who have it", async () => {
	const stage = new Stage();
	const ids = ["a", "b", "c", "d"].map((name) => stage.node(name, { gatherMs: 10 }));
	for (const [index, id] of ids.entries()) for (const other of ids.slice(index + 1)) stage.net.connect(id, other);
	for (let each = 0; each < 200; each++) {
		stage.pool(ids[each % 4] ?? "").add(tx(each));
		await stage.time.advance(1);
	}
	await stage.time.advance(30);
	for (const id of ids) assert.equal(new Set(stage.txs(id)).size, 200);
	const sent = stage.net.log.reduce((sum, { bytes }) => sum + (pb.Message.decode(bytes).sum?.value.txs.length ?? 0), 0);
	assert.ok(sent < 200 * 7, `${sent} transactions sent, where each has to pass 6 links or fewer`);
	assert.ok(stage.net.log.length < 700, `${stage.net.log.length} messages`);
});

test("transactions that wait are sent many in a message, within what peers take", async () => {
	const stage = new Stage();
	const a = stage.node("a");
	const b = stage.node("b");
	for (let each = 0; each < 1000; each++)
		stage.pool(a).add(
			new Uint8Array(256)
				.fill(each & 0xfe)
				.fill(each >> 8, 1, 2)
				.fill(each & 255, 2, 3),
		);
	stage.net.connect(a, b);
	await stage.time.advance(1);
	assert.equal(stage.txs(b).length, 1000);
	assert.ok(stage.net.log.length <= 5, `${stage.net.log.length} messages`);
	const narrow = new Stage();
	const c = narrow.node("c", { maxTxBytes: 600 });
	const d = narrow.node("d", { maxTxBytes: 600 });
	for (let each = 0; each < 10; each++) narrow.pool(c).add(new Uint8Array(256).fill(2 * each));
	narrow.net.connect(c, d);
	await narrow.time.advance(1);
	assert.equal(narrow.txs(d).length, 10);
	assert.equal(narrow.net.log.length, 5, "two of 256 bytes fit 600");
	assert.deepEqual(narrow.net.stopped, []);
});

test("a peer that lags waits for what it could not judge yet, and gets it when it has caught up", async () => {
	const stage = new Stage();
	const a = stage.node("a");
	const b = stage.node("b");
	stage.heights.set(b, 5);
	stage.net.connect(a, b);
	stage.pool(a).height = 6;
	stage.pool(a).add(tx(1));
	stage.pool(a).height = 8;
	stage.pool(a).add(tx(2));
	await stage.time.advance(1);
	assert.deepEqual(stage.txs(b), [toHex(tx(1))]);
	stage.heights.set(b, 7);
	const peer = stage.net.peer(a, b);
	assert.ok(peer !== undefined);
	stage.gossip(a).peerMoved(peer);
	await stage.time.advance(1);
	assert.deepEqual(stage.txs(b), [toHex(tx(1)), toHex(tx(2))]);
});

test("committed transactions fall out of the list; walkers neither stop nor send anything twice", async () => {
	const stage = new Stage();
	const random = new SeededRandom("walk");
	const a = stage.node("a");
	const b = stage.node("b");
	const [view] = stage.net.connect(a, b);
	const sent = new Set<string>();
	for (let each = 0; each < 400; each++) {
		stage.pool(a).add(tx(each));
		const roll = random.bytes(2);
		if ((roll[0] ?? 0) < 40) {
			for (const { key } of [...stage.pool(a).entries])
				if ((random.bytes(1)[0] ?? 0) < 200) stage.pool(a).entries.remove(key);
		}
		if ((roll[1] ?? 0) < 30) view.isBlocked = true;
		else if ((roll[1] ?? 0) < 120) stage.net.release(a, b);
		if (each % 7 === 0) await stage.time.advance(1);
	}
	stage.net.release(a, b);
	await stage.time.advance(1);
	for (const { bytes } of stage.net.log) {
		for (const each of pb.Message.decode(bytes).sum?.value.txs ?? []) {
			assert.ok(!sent.has(toHex(each)), "sent twice");
			sent.add(toHex(each));
		}
	}
	for (const each of stage.txs(a)) assert.ok(sent.has(each), "never sent");
	assert.ok(sent.size > 200);
});

test("a slow reader holds no more than its queue", async () => {
	const stage = new Stage();
	const a = stage.node("a");
	const b = stage.node("b");
	const [view] = stage.net.connect(a, b);
	view.isBlocked = true;
	for (let each = 0; each < 100; each++) {
		stage.pool(a).add(new Uint8Array(60_000).fill(2 * each));
		await stage.time.advance(1);
	}
	assert.ok(view.queuedBytes <= 1_048_576 + 65_536, String(view.queuedBytes));
	for (let each = 0; each < 20; each++) {
		stage.net.release(a, b);
		await stage.time.advance(1);
	}
	assert.equal(new Set(stage.txs(b)).size, 100);
});

test("while the node syncs nothing is taken or sent; then everything", async () => {
	const stage = new Stage();
	const a = stage.node("a", { syncing: true });
	const b = stage.node("b");
	stage.net.connect(a, b);
	stage.pool(a).add(tx(1));
	stage.pool(b).add(tx(2));
	await stage.time.advance(1);
	assert.deepEqual(stage.txs(b), [toHex(tx(2))]);
	assert.deepEqual(stage.pool(a).checked, []);
	stage.gossip(a).enable();
	await stage.time.advance(1);
	assert.deepEqual(stage.txs(b), [toHex(tx(2)), toHex(tx(1))]);
});

test("broadcast off: transactions are taken and kept, not passed on", async () => {
	const stage = new Stage();
	const a = stage.node("a", { broadcast: false });
	const b = stage.node("b");
	stage.net.connect(a, b);
	stage.pool(a).add(tx(1));
	stage.pool(b).add(tx(2));
	await stage.time.advance(1);
	assert.deepEqual(stage.txs(b), [toHex(tx(2))]);
	assert.equal(stage.txs(a).length, 2);
});

test("a full mempool costs a flood of transactions nothing but a look", async () => {
	const stage = new Stage();
	const [a, b] = [stage.node("a"), stage.node("b")];
	stage.net.connect(a, b);
	stage.pool(b).isFull = true;
	stage.pool(a).add(Uint8Array.of(2));
	await stage.time.advance(1_000);
	assert.deepEqual(stage.pool(b).checked, []);
	stage.pool(b).isFull = false;
	stage.pool(a).add(Uint8Array.of(4));
	await stage.time.advance(1_000);
	assert.deepEqual(stage.pool(b).checked, ["04"]);
});

test("only so many peers are sent transactions; places become free; unconditional peers need none", async () => {
	const stage = new Stage();
	const a = stage.node("a", { maxNonPersistentPeers: 1 });
	const others = ["b", "c", "d", "e"].map((name) => stage.node(name));
	const [b = "", c = "", d = "", e = ""] = others;
	stage.unconditional.add(d);
	for (const other of [b, c, d]) stage.net.connect(a, other);
	stage.net.connect(a, e, true);
	stage.pool(a).add(tx(1));
	await stage.time.advance(1);
	assert.deepEqual(
		others.map((id) => stage.txs(id).length),
		[1, 0, 1, 1],
	);
	stage.net.disconnect(a, b);
	await stage.time.advance(1);
	assert.deepEqual(
		others.map((id) => stage.txs(id).length),
		[1, 1, 1, 1],
	);
});

test("what several peers send while it is being checked is checked once, and goes back to none of them", async () => {
	const stage = new Stage();
	const a = stage.node("a");
	const others = ["b", "c"].map((name) => stage.node(name));
	for (const other of others) stage.net.connect(a, other);
	let open = (): void => {};
	stage.pool(a).gate = new Promise<void>((resolve) => {
		open = resolve;
	});
	for (const other of others) stage.pool(other).add(tx(7));
	await stage.time.advance(1);
	assert.equal(stage.pool(a).checked.length, 1);
	open();
	await stage.time.advance(1);
	assert.equal(stage.txs(a).length, 1);
	assert.ok(stage.net.log.every(({ to }) => to === a));
});

test("what the application refuses is not passed on, and may be sent again", async () => {
	const stage = new Stage();
	const a = stage.node("a");
	const b = stage.node("b");
	const c = stage.node("c");
	stage.net.connect(a, b);
	stage.net.connect(b, c);
	const bad = Uint8Array.of(1, 1, 1);
	stage.pool(a).add(bad);
	await stage.time.advance(1);
	assert.deepEqual(stage.txs(b), []);
	assert.deepEqual(stage.txs(c), []);
	stage.net.connect(a, b);
	await stage.time.advance(1);
	assert.equal(stage.pool(b).checked.length, 2);
});

test("CVE-2020-5303: ten thousand peers that came and went leave nothing behind", () => {
	const stage = new Stage();
	const a = stage.node("a");
	const gossip = stage.gossip(a) as unknown as ChannelHandler;
	const mute = { hasChannel: () => true, send: () => true, canSend: () => true, connected: true, persistent: false };
	for (let each = 0; each < 10_000; each++) {
		const peer = { ...mute, id: String(each) } as unknown as Peer;
		gossip.addPeer(peer);
		gossip.removePeer(peer, "test");
	}
	let sends = 0;
	const last = { ...mute, id: "last", send: () => ++sends > 0 } as unknown as Peer;
	gossip.addPeer(last);
	stage.pool(a).add(tx(1));
	gossip.drained?.(last, MEMPOOL_CHANNEL);
	assert.equal(sends, 1);
});
