import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CairnError, type Connection, InvariantError, utf8 } from "@cairn/kit";
import { parsePeerAddress } from "./peer-address.ts";
import { CHANNEL, HELLO, nonsense, RecordingHandler, TestNetwork, type TestNode } from "./test-node.ts";

function idsOf(node: TestNode): string[] {
	return node.board.peers.map((peer) => peer.id).sort();
}

function dial(from: TestNode, to: TestNode): Promise<unknown> {
	return from.board.dialPeer(parsePeerAddress(to.address));
}

async function pair(network: TestNetwork): Promise<[TestNode, TestNode]> {
	const a = await network.started("10.0.0.1");
	const b = await network.started("10.0.0.2");
	await dial(a, b);
	await network.rest();
	return [a, b];
}

describe("two nodes", () => {
	it("know each other and exchange messages", async () => {
		const network = new TestNetwork();
		const [a, b] = await pair(network);
		const atA = a.board.peer(b.key.id);
		const atB = b.board.peer(a.key.id);
		assert.ok(atA !== undefined && atB !== undefined);
		assert.deepEqual([atA.outbound, atB.outbound], [true, false]);
		assert.equal(atA.nodeInfo.moniker, "node at 10.0.0.2");
		assert.equal(atB.remoteIp, "10.0.0.1");
		assert.ok(atA.send(CHANNEL.id, HELLO));
		assert.ok(atB.send(CHANNEL.id, utf8("hello yourself")));
		await network.rest();
		assert.deepEqual(b.handler.received[0]?.message, HELLO);
		assert.deepEqual(a.handler.received[0]?.message, utf8("hello yourself"));
		assert.deepEqual(b.handler.events, [`add ${a.key.id}`, `receive ${a.key.id}`]);
		assert.deepEqual(a.board.counts, { outbound: 1, inbound: 0, dialing: 0, halfOpen: 0 });
		assert.deepEqual(b.board.counts, { outbound: 0, inbound: 1, dialing: 0, halfOpen: 0 });
	});

	it("are counted as CometBFT counts them", async () => {
		const network = new TestNetwork();
		const [a, b] = await pair(network);
		a.board.peer(b.key.id)?.send(CHANNEL.id, HELLO);
		a.board.peer(b.key.id)?.send(CHANNEL.id, new Uint8Array(2000));
		await network.time.advance(10_000);
		const values = (node: TestNode): object => Object.fromEntries([...node.metrics].filter(([, value]) => value > 0));
		assert.deepEqual(values(a), {
			p2p_peers: 1,
			[`p2p_peer_send_bytes_total{peer_id=${b.key.id},chID=0x20}`]: 2005,
			"p2p_message_send_bytes_total{message_type=test_Message}": 2005,
		});
		assert.deepEqual(values(b), {
			p2p_peers: 1,
			[`p2p_peer_receive_bytes_total{peer_id=${a.key.id},chID=0x20}`]: 2005,
			"p2p_message_receive_bytes_total{message_type=test_Message}": 2005,
		});
		assert.equal(a.metrics.get(`p2p_peer_send_queue_size{peer_id=${b.key.id}}`), 0);
		await a.board.stop();
		assert.equal(a.metrics.get("p2p_peers"), 0);
	});

	it("send nothing on channels that the other does not read", async () => {
		const network = new TestNetwork();
		const extra = new RecordingHandler([CHANNEL, { ...CHANNEL, id: 0x77 }]);
		const a = await network.started("10.0.0.1", { handler: extra });
		const b = await network.started("10.0.0.2");
		await dial(a, b);
		await network.rest();
		const peer = a.board.peer(b.key.id);
		assert.equal(peer?.hasChannel(0x77), false);
		assert.equal(peer?.canSend(0x77), false);
		assert.equal(peer?.send(0x77, HELLO), false);
		assert.equal(peer?.send(CHANNEL.id, HELLO), true);
	});

	it("part when one stops, after what was sent has arrived, and leave nothing behind", async () => {
		const network = new TestNetwork();
		const [a, b] = await pair(network);
		a.board.peer(b.key.id)?.send(CHANNEL.id, new Uint8Array(150_000));
		await a.board.stop();
		await network.rest();
		assert.equal(b.handler.received[0]?.message.length, 150_000);
		assert.equal(a.handler.removed.length, 1);
		assert.equal(b.handler.removed.length, 1);
		assert.deepEqual([a.board.peers, b.board.peers], [[], []]);
		assert.equal(a.board.isListening, false);
		await assert.rejects(dial(b, a), { code: "dial-refused" });
		await b.board.stop();
		assert.equal(network.time.nextDue, undefined);
	});

	it("part gracefully: what was queued still arrives", async () => {
		const network = new TestNetwork();
		const [a, b] = await pair(network);
		const peer = a.board.peer(b.key.id);
		assert.ok(peer !== undefined);
		peer.send(CHANNEL.id, new Uint8Array(150_000));
		a.board.stopPeerGracefully(peer, "enough for today");
		assert.deepEqual(
			a.handler.removed.map(({ reason }) => reason),
			["enough for today"],
		);
		assert.equal(peer.send(CHANNEL.id, HELLO), false);
		a.board.stopPeerGracefully(peer, "again");
		await network.rest();
		assert.equal(b.handler.received[0]?.message.length, 150_000);
		assert.equal(b.handler.removed.length, 1);
		assert.equal(a.handler.removed.length, 1);
	});

	it("give up what is under way when one stops", async () => {
		const network = new TestNetwork(10);
		const [a, b] = [await network.started("10.0.0.1"), await network.started("10.0.0.2")];
		const dialling = assert.rejects(dial(a, b), { code: "p2p-closed" });
		await network.time.advance(15);
		assert.deepEqual([a.board.counts.dialing, b.board.counts.halfOpen], [1, 1]);
		await Promise.all([a.board.stop(), b.board.stop()]);
		await network.time.advance(100);
		await dialling;
		assert.deepEqual([a.handler.events, b.handler.events], [[], []]);
		await assert.rejects(dial(a, b), { code: "p2p-closed" });
		assert.equal(network.time.nextDue, undefined);
	});

	it("are removed exactly once when a handler stops a peer in the middle of a message", async () => {
		const network = new TestNetwork();
		const [a, b] = await pair(network);
		b.handler.onReceive = (peer) => b.board.stopPeer(peer, "enough", false);
		for (let i = 0; i < 5; i++) a.board.peer(b.key.id)?.send(CHANNEL.id, HELLO);
		await network.rest();
		assert.equal(b.handler.received.length, 1);
		assert.deepEqual(
			b.handler.removed.map(({ reason }) => reason),
			["enough"],
		);
		assert.equal(a.handler.removed.length, 1);
	});
});

describe("who is let in", () => {
	it("no more inbound peers than allowed, however many come at once", async () => {
		const network = new TestNetwork();
		const host = await network.started("10.0.0.1", { options: { maxNumInboundPeers: 3 } });
		const guests: TestNode[] = [];
		for (let i = 10; i < 30; i++) guests.push(await network.started(`10.0.0.${i}`));
		const outcomes = await Promise.allSettled(guests.map((guest) => dial(guest, host)));
		await network.rest();
		assert.equal(host.board.peers.length, 3);
		assert.equal(host.board.counts.inbound, 3);
		assert.ok(outcomes.filter((outcome) => outcome.status === "rejected").length >= 17);
		const [first] = host.board.peers;
		assert.ok(first !== undefined);
		host.board.stopPeer(first, "make room", false);
		await network.rest();
		const late = await network.started("10.0.0.99");
		await dial(late, host);
		await network.rest();
		assert.equal(host.board.peers.length, 3);
	});

	it("unconditional and persistent peers beyond the limit", async () => {
		const network = new TestNetwork();
		const friend = await network.started("10.0.0.2");
		const persistent = await network.started("10.0.0.3");
		const host = await network.started("10.0.0.1", {
			options: {
				maxNumInboundPeers: 0,
				unconditionalPeerIds: [friend.key.id],
				persistentPeers: [`${persistent.key.id}@10.0.0.77:1`],
			},
		});
		const stranger = await network.started("10.0.0.4");
		await dial(friend, host);
		await dial(persistent, host);
		await assert.rejects(dial(stranger, host));
		await network.rest();
		assert.deepEqual(idsOf(host), [friend.key.id, persistent.key.id].sort());
		assert.equal(host.board.peer(persistent.key.id)?.persistent, true);
	});

	it("no more outbound peers than allowed", async () => {
		const network = new TestNetwork();
		const a = await network.started("10.0.0.1", { options: { maxNumOutboundPeers: 2 } });
		const others: TestNode[] = [];
		for (let i = 2; i < 7; i++) others.push(await network.started(`10.0.0.${i}`));
		const outcomes = await Promise.allSettled(others.map((other) => dial(a, other)));
		assert.equal(outcomes.filter((outcome) => outcome.status === "fulfilled").length, 2);
		const refused = outcomes.find((outcome) => outcome.status === "rejected");
		assert.equal(refused?.reason.code, "p2p-full");
	});

	it("one peer per IP address, unless duplicates are allowed", async () => {
		for (const allowDuplicateIp of [false, true]) {
			const network = new TestNetwork();
			const host = await network.started("10.0.0.1", { options: { allowDuplicateIp } });
			const one = await network.started("10.0.0.2");
			const two = network.node("10.0.0.2", { options: { listenAddress: "tcp://10.0.0.2:26657" } });
			await two.board.start();
			await dial(one, host);
			await network.rest();
			await dial(two, host).catch(() => undefined);
			await network.rest();
			assert.equal(host.board.peers.length, allowDuplicateIp ? 2 : 1);
			const back = host.board.dialPeer(parsePeerAddress(`${two.key.id}@10.0.0.2:26657`));
			await assert.rejects(back, { code: allowDuplicateIp ? "p2p-already-dialing" : "p2p-duplicate-ip" });
		}
	});

	it("one connection per id", async () => {
		const network = new TestNetwork();
		const host = await network.started("10.0.0.1");
		const one = await network.started("10.0.0.2", { seed: 77 });
		const same = await network.started("10.0.0.3", { seed: 77 });
		await dial(one, host);
		await network.rest();
		await dial(same, host).catch(() => undefined);
		await network.rest();
		assert.deepEqual(
			host.board.peers.map((peer) => peer.remoteIp),
			["10.0.0.2"],
		);
	});

	it("not oneself, not another id than was dialled", async () => {
		const network = new TestNetwork();
		const [a, b] = [await network.started("10.0.0.1"), await network.started("10.0.0.2")];
		await assert.rejects(dial(a, a), { code: "p2p-self" });
		const twin = await network.started("10.0.0.3", { seed: 1 });
		assert.equal(twin.key.id, a.key.id);
		await assert.rejects(a.board.dialPeer(parsePeerAddress(`${b.key.id}@10.0.0.3:26656`)), { code: "p2p-wrong-id" });
		const wrong = parsePeerAddress(`${"ab".repeat(20)}@10.0.0.2:26656`);
		await assert.rejects(a.board.dialPeer(wrong), { code: "p2p-wrong-id", blame: "peer" });
		await network.rest();
		assert.deepEqual([a.board.peers, b.board.peers], [[], []]);
	});

	it("not nodes of another chain, block protocol or without a common channel", async () => {
		const changes = [
			{ network: "other-chain" },
			{ protocolVersion: { p2p: 8n, block: 1012n, app: 1n } },
			{ channels: Uint8Array.of(0x99) },
		];
		for (const info of changes) {
			const network = new TestNetwork();
			const a = await network.started("10.0.0.1");
			const b = await network.started("10.0.0.2", { info });
			await assert.rejects(dial(a, b), { code: "p2p-incompatible" });
			await network.rest();
			assert.deepEqual([a.board.peers, b.board.peers], [[], []]);
		}
	});

	it("not nodes whose info is false or breaks the rules", async () => {
		const network = new TestNetwork();
		const a = await network.started("10.0.0.1");
		const unnamed = await network.started("10.0.0.2", { info: { moniker: "" } });
		await assert.rejects(dial(a, unnamed), { code: "p2p-bad-node-info" });
	});

	it("only whom the filters pass", async () => {
		const network = new TestNetwork();
		const verdicts: Record<string, () => Promise<string | null>> = {
			"10.0.0.2": () => Promise.resolve(null),
			"10.0.0.3": () => Promise.resolve("not welcome"),
			"10.0.0.4": () => Promise.reject(new Error("application gone")),
			"10.0.0.5": () => new Promise(() => undefined),
		};
		const host = await network.started("10.0.0.1", {
			options: {
				addressFilters: [(address) => Promise.resolve(address.startsWith("10.0.0.6:") ? "address not welcome" : null)],
				peerFilters: [({ remoteIp }) => verdicts[remoteIp]?.() ?? Promise.resolve(null)],
			},
		});
		for (let i = 2; i <= 7; i++) await dial(await network.started(`10.0.0.${i}`), host);
		await network.time.advance(4_999);
		assert.equal(host.board.peers.length, 2);
		await network.time.advance(1);
		assert.deepEqual(
			host.board.peers.map((peer) => peer.remoteIp),
			["10.0.0.2", "10.0.0.7"],
		);
	});

	it("nobody whose connection ended while a filter was thinking", async () => {
		const network = new TestNetwork();
		let answer: (verdict: null) => void = () => undefined;
		const thinking = new Promise<null>((resolve) => {
			answer = resolve;
		});
		const host = await network.started("10.0.0.1", { options: { peerFilters: [() => thinking] } });
		const guest = await network.started("10.0.0.2");
		await dial(guest, host);
		await network.rest();
		network.net.disconnect("10.0.0.2");
		await network.rest();
		answer(null);
		await network.rest();
		assert.deepEqual(
			host.handler.events.filter((event) => event.startsWith("add")).length,
			host.handler.removed.length,
		);
		assert.deepEqual(host.board.peers, []);
	});
});

describe("two nodes that dial each other at once", () => {
	for (const [seedA, seedB] of [
		[1, 2],
		[2, 1],
	] as const) {
		for (const lead of [0, 3, 5, 8, 10, 13, 15, 18, 20, 25, 30, 40]) {
			it(`keep exactly one connection (seeds ${seedA} ${seedB}, ${lead} ms apart)`, async () => {
				const network = new TestNetwork(10);
				const a = await network.started("10.0.0.1", { seed: seedA });
				const b = await network.started("10.0.0.2", { seed: seedB });
				const first = dial(a, b).then(
					() => "peer",
					(error: CairnError) => error.code,
				);
				await network.time.advance(lead);
				const second = dial(b, a).then(
					() => "peer",
					(error: CairnError) => error.code,
				);
				await network.time.advance(1_000);
				assert.deepEqual([idsOf(a), idsOf(b)], [[b.key.id], [a.key.id]]);
				assert.notEqual(a.board.peers[0]?.outbound, b.board.peers[0]?.outbound);
				assert.equal([await first, await second].filter((outcome) => outcome === "peer").length, 1);
				if (lead < 10) {
					// Both were in their handshakes: the connection that the lower id dialled stays.
					const lower = a.key.id < b.key.id ? a : b;
					assert.equal(lower.board.peers[0]?.outbound, true);
				}
				a.board.peers[0]?.send(CHANNEL.id, HELLO);
				await network.time.advance(100);
				assert.equal(b.handler.received.length, 1);
				assert.deepEqual([a.handler.removed, b.handler.removed], [[], []]);
			});
		}
	}
});

describe("strangers", () => {
	async function connectRaw(
		network: TestNetwork,
		ip: string,
	): Promise<{ connection: Connection; closed: () => boolean }> {
		const connection = await network.machine(ip).network.dial("tcp://10.0.0.1:26656", 1000);
		let closed = false;
		connection.onData = () => undefined;
		connection.onClose = () => {
			closed = true;
		};
		return { connection, closed: () => closed };
	}

	it("that send garbage are closed and forgotten", async () => {
		const network = new TestNetwork();
		const host = await network.started("10.0.0.1");
		for (const bytes of [utf8("GET / HTTP/1.1\r\n\r\n"), new Uint8Array(200_000).fill(0xff), Uint8Array.of(0)]) {
			const { connection, closed } = await connectRaw(network, "10.0.0.66");
			connection.write(bytes);
			await network.rest();
			assert.ok(closed());
		}
		assert.equal(host.board.counts.halfOpen, 0);
		assert.deepEqual(host.fatal, []);
	});

	it("that send garbage from one public address again and again are not listened to for a while", async () => {
		const network = new TestNetwork();
		const host = await network.started("10.0.0.1");
		for (let i = 0; i < 12; i++) {
			const { connection } = await connectRaw(network, "8.8.8.8");
			connection.write(Uint8Array.of(0));
			await network.rest();
		}
		const banned = await connectRaw(network, "8.8.8.8");
		const other = await connectRaw(network, "8.8.4.4");
		await network.rest();
		assert.deepEqual([banned.closed(), other.closed()], [true, false]);
		await network.time.advance(60_000);
		const later = await connectRaw(network, "8.8.8.8");
		await network.rest();
		assert.equal(later.closed(), false);
		assert.ok(host.logs.includes("Banning peer"));
	});

	it("that say nothing are closed in time", async () => {
		const network = new TestNetwork();
		const host = await network.started("10.0.0.1");
		const { closed } = await connectRaw(network, "10.0.0.66");
		await network.time.advance(19_999);
		assert.equal(host.board.counts.halfOpen, 1);
		await network.time.advance(1);
		assert.ok(closed());
		assert.equal(host.board.counts.halfOpen, 0);
	});

	it("do not keep an honest peer waiting, were they five hundred, and are bounded", async () => {
		const network = new TestNetwork();
		const host = await network.started("10.0.0.1", { options: { maxNumInboundPeers: 5 } });
		for (let i = 0; i < 500; i++) await connectRaw(network, i % 2 === 0 ? "10.0.0.66" : `10.0.1.${i % 250}`);
		await network.rest();
		assert.equal(host.board.counts.halfOpen, 256);
		const before = network.time.mono();
		const honest = await network.started("10.0.0.2");
		await dial(honest, host);
		await network.rest();
		assert.equal(network.time.mono(), before);
		assert.deepEqual(idsOf(host), [honest.key.id]);
	});

	it("cannot crowd out a handshake that is under way", async () => {
		const network = new TestNetwork(50);
		const host = await network.started("10.0.0.1", { options: { maxHalfOpen: 4 } });
		const honest = await network.started("10.0.0.2");
		const dialling = dial(honest, host);
		for (let i = 0; i < 50; i++) {
			await connectRaw(network, "10.0.0.66");
			await network.time.advance(10);
		}
		await dialling;
		assert.deepEqual(idsOf(host), [honest.key.id]);
	});
});

describe("peers that misbehave", () => {
	it("are stopped for what a handler finds wrong", async () => {
		const network = new TestNetwork();
		const [a, b] = await pair(network);
		b.handler.onReceive = () => {
			throw nonsense();
		};
		a.board.peer(b.key.id)?.send(CHANNEL.id, HELLO);
		await network.rest();
		assert.deepEqual(
			b.handler.removed.map(({ reason }) => reason),
			["that is nonsense"],
		);
		assert.deepEqual(b.fatal, []);
		assert.deepEqual(a.board.peers, []);
	});

	it("are not blamed for our own mistakes", async () => {
		const network = new TestNetwork();
		const [a, b] = await pair(network);
		const mistakes = [
			new InvariantError("ours"),
			new TypeError("ours too"),
			new CairnError("disk", "operator", "full"),
		];
		for (const mistake of mistakes) {
			b.handler.onReceive = () => {
				throw mistake;
			};
			a.board.peer(b.key.id)?.send(CHANNEL.id, HELLO);
			await network.rest();
		}
		assert.deepEqual(b.fatal, mistakes);
	});

	it("are stopped for messages that are too long or on a channel of nobody", async () => {
		for (const [channels, code] of [
			[[{ ...CHANNEL, receiveMessageCapacity: 1_000 }], /exceeds 1000 bytes/],
			[
				[
					{ ...CHANNEL, id: 0x21 },
					{ ...CHANNEL, id: 0x22 },
				],
				/unknown channel 0x20/,
			],
		] as const) {
			const network = new TestNetwork();
			const a = await network.started("10.0.0.1");
			const handler = new RecordingHandler(channels);
			const b = await network.started("10.0.0.2", { handler, info: { channels: Uint8Array.of(CHANNEL.id) } });
			await dial(a, b);
			await network.rest();
			a.board.peer(b.key.id)?.send(CHANNEL.id, new Uint8Array(1_001));
			await network.rest();
			assert.match(b.handler.removed[0]?.reason ?? "", code);
			assert.deepEqual(b.fatal, []);
		}
	});

	it("are banned after three faults, for a minute at first, then longer", async () => {
		const network = new TestNetwork();
		const [host, guest] = [await network.started("10.0.0.1"), await network.started("10.0.0.2")];
		host.handler.onReceive = () => {
			throw nonsense();
		};
		const misbehave = async (): Promise<void> => {
			await dial(guest, host);
			await network.rest();
			guest.board.peer(host.key.id)?.send(CHANNEL.id, HELLO);
			await network.rest();
			assert.deepEqual(host.board.peers, []);
		};
		for (const minutes of [1, 2, 4]) {
			for (let i = 0; i < 3; i++) await misbehave();
			await assert.rejects(dial(host, guest), { code: "p2p-banned" });
			await dial(guest, host).catch(() => undefined);
			await network.rest();
			assert.deepEqual(host.board.peers, []);
			await network.time.advance(minutes * 60_000 - 1);
			await assert.rejects(dial(host, guest), { code: "p2p-banned" });
			await network.time.advance(1);
		}
	});

	it("cost a bounded amount of memory when they never read", async () => {
		const network = new TestNetwork();
		const slow = { ...CHANNEL, sendQueueCapacity: 1000, sendQueueBytes: 3_000_000 };
		const host = await network.started("10.0.0.1", { handler: new RecordingHandler([slow]) });
		const guest = await network.started("10.0.0.2");
		await dial(guest, host);
		await network.rest();
		guest.board.peer(host.key.id)?.pauseReading("never");
		const peer = host.board.peer(guest.key.id);
		assert.ok(peer !== undefined);
		let accepted = 0;
		const message = new Uint8Array(100_000);
		for (let i = 0; i < 50; i++) {
			for (let k = 0; k < 100; k++) if (peer.send(CHANNEL.id, message)) accepted++;
			await network.time.advance(1);
			assert.ok(peer.queuedBytes < 3_000_000 + 500_000, `${peer.queuedBytes} bytes are queued`);
		}
		assert.ok(accepted < 40);
		guest.board.peer(host.key.id)?.resumeReading("never");
		await network.rest();
		assert.equal(guest.handler.received.length, accepted);
		assert.equal(peer.queuedBytes, 0);
		assert.ok(host.handler.drainedCount > 0);
	});
});

describe("persistent peers", () => {
	it("are dialled at start and again when the connection breaks", async () => {
		const network = new TestNetwork();
		const b = await network.started("10.0.0.2");
		const a = await network.started("10.0.0.1", { options: { persistentPeers: [b.address] } });
		await network.rest();
		assert.equal(a.board.peer(b.key.id)?.persistent, true);
		await network.time.advance(20_000);
		const atB = b.board.peer(a.key.id);
		assert.ok(atB !== undefined);
		b.board.stopPeer(atB, "a test", false);
		await network.rest();
		assert.deepEqual(idsOf(a), [b.key.id]);
		assert.deepEqual(
			a.dials.map(({ at }) => at),
			[0, 20_000],
		);
	});

	it("are not dialled in a tight loop when connections do not hold", async () => {
		const network = new TestNetwork();
		const b = await network.started("10.0.0.2");
		b.handler.addPeer = (peer) => b.board.stopPeer(peer, "go away", false);
		const a = await network.started("10.0.0.1", { options: { persistentPeers: [b.address] } });
		await network.time.advance(60_000);
		assert.ok(a.dials.length > 5 && a.dials.length <= 13, `${a.dials.length} dials in a minute`);
	});

	it("are redialled on Go's schedule and for ever", async () => {
		const network = new TestNetwork();
		const nobody = `${"ab".repeat(20)}@10.0.0.9:26656`;
		const a = await network.started("10.0.0.1", { options: { persistentPeers: [nobody] } });
		await network.time.advance(300_000_000);
		const gaps = a.dials.slice(1).map(({ at }, index) => (at - (a.dials[index]?.at ?? 0)) / 1000);
		assert.deepEqual(gaps.slice(0, 30), [
			...new Array<number>(20).fill(5),
			...[3, 9, 27, 81, 243, 729, 2187, 6561, 19683, 59049],
		]);
		assert.equal(gaps[30], 59049);
		assert.ok(a.logs.includes("Failed to reconnect to peer. Beginning exponential backoff"));
	});

	it("are redialled no later than the configured period, with a random delay", async () => {
		const network = new TestNetwork();
		const nobody = `${"ab".repeat(20)}@10.0.0.9:26656`;
		const options = { persistentPeers: [nobody], persistentPeersMaxDialPeriodMs: 60_000, dialJitterMs: 3_000 };
		const a = await network.started("10.0.0.1", { options });
		await network.time.advance(3_600_000);
		const gaps = a.dials.slice(1).map(({ at }, index) => at - (a.dials[index]?.at ?? 0));
		assert.ok(gaps.every((gap) => gap <= 63_000));
		assert.ok(gaps.slice(0, 20).every((gap) => gap >= 5_000 && gap < 8_000));
		assert.ok(new Set(gaps).size > 10);
	});

	it("are never banned", async () => {
		const network = new TestNetwork();
		const b = await network.started("10.0.0.2");
		const a = await network.started("10.0.0.1", { options: { persistentPeers: [b.address] } });
		for (let i = 0; i < 10; i++) {
			await network.time.advance(6_000);
			const peer = a.board.peer(b.key.id);
			assert.ok(peer !== undefined);
			a.board.stopPeer(peer, "a fault", true);
		}
		await network.time.advance(6_000);
		assert.deepEqual(idsOf(a), [b.key.id]);
	});

	it("that came in by themselves count as persistent and are dialled once they are gone", async () => {
		const network = new TestNetwork();
		const a = network.node("10.0.0.1");
		const b = await network.started("10.0.0.2", { options: { persistentPeers: [a.address] } });
		await network.time.advance(1_000);
		await a.board.start();
		await dial(a, b);
		await network.rest();
		assert.equal(b.board.peer(a.key.id)?.persistent, true);
		await network.time.advance(20_000);
		const atA = a.board.peer(b.key.id);
		assert.ok(atA !== undefined);
		a.board.stopPeer(atA, "a test", false);
		await network.rest();
		assert.equal(b.board.peer(a.key.id)?.outbound, true);
	});

	it("may be added while running; malformed ones are refused whole", async () => {
		const network = new TestNetwork();
		const [a, b] = [await network.started("10.0.0.1"), await network.started("10.0.0.2")];
		const shape = { code: "p2p-malformed-address", blame: "operator" };
		assert.throws(() => a.board.dialPeers([b.address, "nonsense"], { persistent: true }), shape);
		assert.equal(a.board.isPersistent(b.key.id), false);
		a.board.dialPeers([b.address], { persistent: true, private: true, unconditional: true });
		await network.rest();
		assert.deepEqual(idsOf(a), [b.key.id]);
		assert.ok(a.board.isPersistent(b.key.id) && a.board.isPrivate(b.key.id) && a.board.isUnconditional(b.key.id));
	});

	it("are the only ones that are dialled again", async () => {
		const network = new TestNetwork();
		const a = await network.started("10.0.0.1");
		a.board.dialPeers([`${"ab".repeat(20)}@10.0.0.9:26656`]);
		await network.time.advance(60_000);
		assert.equal(a.dials.length, 1);
		assert.ok(a.logs.includes("Error dialing peer"));
	});

	it("with host names are looked up at each dial", async () => {
		const network = new TestNetwork();
		const b = await network.started("10.0.0.2");
		network.net.setName("node-b", ["10.0.0.9"]);
		const a = await network.started("10.0.0.1", { options: { persistentPeers: [`${b.key.id}@node-b:26656`] } });
		await network.rest();
		assert.deepEqual(a.board.peers, []);
		network.net.setName("node-b", ["10.0.0.2"]);
		await network.time.advance(5_000);
		assert.deepEqual(idsOf(a), [b.key.id]);
	});
});

describe("options", () => {
	it("that are malformed say which", () => {
		const network = new TestNetwork();
		const bad = (options: object): void => void network.node("10.0.0.1", { options });
		assert.throws(() => bad({ persistentPeers: ["x@y"] }), { code: "p2p-malformed-address", blame: "operator" });
		assert.throws(() => bad({ unconditionalPeerIds: ["12"] }), /unconditional_peer_ids, entry 1: the ID has 2 digits/);
		assert.throws(() => bad({ privatePeerIds: ["zz"] }), /private_peer_ids, entry 1/);
	});

	it("without a listen address accept nobody but may dial", async () => {
		const network = new TestNetwork();
		const a = await network.started("10.0.0.1", { options: { listenAddress: "" } });
		const b = await network.started("10.0.0.2");
		assert.equal(a.board.isListening, false);
		await dial(a, b);
		await network.rest();
		assert.equal(a.board.peers.length, 1);
	});
});
