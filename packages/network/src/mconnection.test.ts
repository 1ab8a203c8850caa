import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bytesEqual, CairnError, concatBytes, fromHex, toHex } from "@cairn/kit";
import { ManualTime, settle } from "@cairn/world";
import fc from "fast-check";
import { DEFAULT_MCONNECTION_OPTIONS, MConnection, type MConnectionOptions } from "./mconnection.ts";
import { maxPacketSize, PacketReader, PING_PACKET, PONG_PACKET, writeMessagePacket } from "./packet.ts";
import type { ChannelDescriptor } from "./peer.ts";
import { ReassemblyBudget } from "./reassembly-budget.ts";
import { split, TestConnection } from "./test-connection.ts";
import { readVectors } from "./test-vector.ts";
import { TurnEnd } from "./turn-end.ts";

interface MconnVectors {
	readonly max_packet_msg_size_at_1024: number;
	readonly packets: readonly { readonly name: string; readonly json: PacketJson; readonly delimited_hex: string }[];
	readonly send: readonly { readonly channel: number; readonly message: string; readonly wire: string }[];
	readonly receive: readonly {
		readonly name: string;
		readonly wire: string;
		readonly received: readonly { readonly channel: number; readonly message: string }[] | null;
		readonly error: string | null;
		readonly reply_wire: string | null;
	}[];
}

interface PacketJson {
	readonly packet_ping?: object;
	readonly packet_pong?: object;
	readonly packet_msg?: { readonly channel_id?: number; readonly eof?: boolean; readonly data?: string };
}

const vectors = readVectors<MconnVectors>("mconn.json");

function channel(id: number, change: Partial<ChannelDescriptor> = {}): ChannelDescriptor {
	return {
		id,
		name: `channel ${id}`,
		priority: 1,
		sendQueueCapacity: 10,
		sendQueueBytes: 1_000_000,
		receiveMessageCapacity: 1_048_576,
		...change,
	};
}

const VECTOR_CHANNELS = [channel(0), channel(0x20), channel(0x21, { receiveMessageCapacity: 5000 })];

class Harness {
	readonly transport = new TestConnection();
	readonly time = new ManualTime();
	readonly budget: ReassemblyBudget;
	readonly received: { channel: number; message: Uint8Array }[] = [];
	readonly drained: number[] = [];
	readonly ends: (Error | undefined)[] = [];
	readonly connection: MConnection;
	onMessage: (channel: number, message: Uint8Array) => void = () => undefined;

	constructor(
		channels: readonly ChannelDescriptor[] = VECTOR_CHANNELS,
		options: Partial<MConnectionOptions> = {},
		budget: ReassemblyBudget = new ReassemblyBudget(),
	) {
		this.budget = budget;
		const parts = { world: { clock: this.time, timers: this.time }, turnEnd: new TurnEnd(this.time), budget };
		const unlimited = { sendRate: 0, recvRate: 0 };
		this.connection = new MConnection(
			this.transport,
			channels,
			{ ...DEFAULT_MCONNECTION_OPTIONS, ...unlimited, ...options },
			parts,
			{
				onMessage: (id, message) => {
					this.received.push({ channel: id, message });
					this.onMessage(id, message);
				},
				onDrained: (id) => this.drained.push(id),
				onEnd: (error) => this.ends.push(error),
			},
		);
	}

	endCode(): string {
		assert.equal(this.ends.length, 1);
		const [error] = this.ends;
		assert.ok(error instanceof CairnError);
		assert.equal(error.blame, "peer");
		assert.ok(this.transport.destroyed);
		return error.code;
	}

	/** Lets the turn end. */
	turn(): Promise<void> {
		return this.time.advance(0);
	}
}

function packetsOf(wire: Uint8Array): { channel: number; eof: boolean; length: number }[] {
	const reader = new PacketReader(100_000);
	reader.push(wire);
	const found: { channel: number; eof: boolean; length: number }[] = [];
	for (let packet = reader.next(); packet !== undefined; packet = reader.next()) {
		found.push({ channel: packet.channelId, eof: packet.eof, length: packet.data.length });
	}
	return found;
}

describe("packets against CometBFT", () => {
	it("bound packets as Go does", () => {
		assert.equal(maxPacketSize(1024), vectors.max_packet_msg_size_at_1024);
	});

	for (const { name, json, delimited_hex } of vectors.packets) {
		it(`reads and writes ${name}`, () => {
			const wire = fromHex(delimited_hex);
			const reader = new PacketReader(maxPacketSize(1024));
			reader.push(wire);
			const packet = reader.next();
			assert.ok(packet !== undefined);
			assert.equal(reader.next(), undefined);
			if (json.packet_msg === undefined) {
				assert.equal(packet.kind, json.packet_ping === undefined ? "pong" : "ping");
				assert.deepEqual(json.packet_ping === undefined ? PONG_PACKET : PING_PACKET, wire);
				return;
			}
			const data = new Uint8Array(Buffer.from(json.packet_msg.data ?? "", "base64"));
			assert.equal(packet.channelId, json.packet_msg.channel_id ?? 0);
			assert.equal(packet.eof, json.packet_msg.eof ?? false);
			assert.ok(bytesEqual(packet.data, data));
			// A packet that does not end its message is the first piece of a longer one.
			const message = packet.eof ? data : concatBytes(data, data);
			const target = new Uint8Array(2000);
			const end = writeMessagePacket(target, 0, packet.channelId, message, 0, data.length);
			assert.equal(toHex(target.subarray(0, end)), delimited_hex);
		});
	}

	it("are found however the stream is split", () => {
		const whole = concatBytes(...vectors.packets.map((packet) => fromHex(packet.delimited_hex)));
		const expected = packetsOf(whole);
		const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 });
		fc.assert(
			fc.property(cuts, (at) => {
				const reader = new PacketReader(maxPacketSize(1024));
				const found: { channel: number; eof: boolean; length: number }[] = [];
				for (const piece of split(whole, at)) {
					reader.push(piece);
					for (let packet = reader.next(); packet !== undefined; packet = reader.next()) {
						found.push({ channel: packet.channelId, eof: packet.eof, length: packet.data.length });
					}
				}
				assert.deepEqual(found, expected);
			}),
		);
	});
});

describe("multiplexed connection against CometBFT", () => {
	for (const [index, { channel: id, message, wire }] of vectors.send.entries()) {
		it(`sends message ${index} on channel ${id} in the same packets`, async () => {
			const harness = new Harness();
			assert.ok(harness.connection.send(id, fromHex(message)));
			await harness.turn();
			assert.equal(toHex(harness.transport.written), wire);
		});
	}

	for (const { name, wire, received, error, reply_wire } of vectors.receive) {
		for (const bytewise of [false, true]) {
			it(`receives: ${name}${bytewise ? ", byte by byte" : ""}`, async () => {
				const harness = new Harness();
				const bytes = fromHex(wire);
				const pieces = bytewise ? Array.from(bytes, (byte) => Uint8Array.of(byte)) : [bytes];
				for (const piece of pieces) harness.transport.onData(piece);
				const messages = harness.received.map(({ channel: id, message }) => ({ channel: id, message: toHex(message) }));
				assert.deepEqual(messages, received ?? []);
				if (error !== null) {
					assert.match(harness.endCode(), /^p2p-(bad-packet|oversize-(packet|message)|unknown-channel)$/);
					return;
				}
				assert.deepEqual(harness.ends, []);
				await harness.turn();
				assert.equal(toHex(harness.transport.written), reply_wire ?? "");
			});
		}
	}
});

describe("sending", () => {
	it("coalesces what one turn queued into one write", async () => {
		const harness = new Harness();
		for (let i = 0; i < 5; i++) harness.connection.send(0x20, Uint8Array.of(i));
		harness.connection.send(0x21, Uint8Array.of(9));
		assert.equal(harness.transport.writes.length, 0);
		await harness.turn();
		assert.equal(harness.transport.writes.length, 1);
		assert.equal(packetsOf(harness.transport.written).length, 6);
	});

	it("gives channels their share by priority", async () => {
		const channels = [
			channel(1, { priority: 1, sendQueueCapacity: 100 }),
			channel(2, { priority: 3, sendQueueCapacity: 100 }),
		];
		const harness = new Harness(channels);
		harness.transport.accepts = false;
		for (let i = 0; i < 100; i++) {
			harness.connection.send(1, new Uint8Array(1024));
			harness.connection.send(2, new Uint8Array(1024));
		}
		await harness.turn();
		const packets = packetsOf(harness.transport.written);
		const share = packets.filter((packet) => packet.channel === 2).length / packets.length;
		assert.ok(share > 0.7 && share < 0.8, `channel of priority 3 got ${share}`);
	});

	it("keeps messages of a channel in order and whole, under any interleaving", () => {
		const message = fc.record({ id: fc.constantFrom(0, 0x20, 0x21), bytes: fc.uint8Array({ maxLength: 4000 }) });
		return fc.assert(
			fc.asyncProperty(fc.array(message, { maxLength: 10 }), async (messages) => {
				const sender = new Harness();
				const receiver = new Harness();
				for (const { id, bytes } of messages) assert.ok(sender.connection.send(id, bytes));
				await sender.turn();
				receiver.transport.onData(sender.transport.written);
				for (const id of [0, 0x20, 0x21]) {
					const sent = messages.filter((each) => each.id === id).map((each) => toHex(each.bytes));
					const arrived = receiver.received.filter((each) => each.channel === id).map((each) => toHex(each.message));
					assert.deepEqual(arrived, sent);
				}
			}),
			{ numRuns: 50 },
		);
	});

	it("refuses what exceeds the queue's messages or bytes and tells when there is room", async () => {
		const harness = new Harness([channel(1, { sendQueueCapacity: 4, sendQueueBytes: 10_000 })]);
		harness.transport.accepts = false;
		harness.connection.send(1, new Uint8Array(200_000));
		await harness.turn();
		assert.ok(harness.connection.queuedBytes > 100_000, "a message larger than the queue is taken alone");
		assert.equal(harness.connection.canSend(1), false);
		assert.equal(harness.connection.send(1, Uint8Array.of(1)), false);
		assert.deepEqual(harness.drained, []);
		harness.transport.accepts = true;
		harness.transport.onDrain();
		assert.deepEqual(harness.drained, [1]);
		assert.equal(harness.connection.queuedBytes, 0);
		for (let i = 0; i < 4; i++) assert.ok(harness.connection.send(1, Uint8Array.of(i)));
		assert.equal(harness.connection.send(1, Uint8Array.of(4)), false);
		assert.equal(harness.connection.canSend(1), false);
		await harness.turn();
		assert.deepEqual(harness.drained, [1, 1]);
		assert.ok(harness.connection.canSend(1));
	});

	it("writes nothing while the socket is full, and all of it later", async () => {
		const harness = new Harness();
		harness.transport.accepts = false;
		harness.connection.send(0x20, new Uint8Array(300_000));
		await harness.turn();
		const first = harness.transport.written.length;
		assert.ok(first < 70_000);
		harness.connection.send(0x21, Uint8Array.of(1));
		await harness.turn();
		assert.equal(harness.transport.written.length, first);
		harness.transport.accepts = true;
		harness.transport.onDrain();
		const packets = packetsOf(harness.transport.written);
		assert.equal(
			packets.reduce((sum, packet) => sum + packet.length, 0),
			300_001,
		);
	});

	it("keeps to the send rate", async () => {
		const harness = new Harness(VECTOR_CHANNELS, { sendRate: 100_000 });
		harness.connection.send(0x20, new Uint8Array(500_000));
		await harness.turn();
		for (let second = 1; second <= 4; second++) {
			await harness.time.advance(1000);
			const sent = harness.transport.written.length;
			assert.ok(sent >= 100_000 * second && sent < 100_000 * second + 12_000, `${sent} bytes after ${second} s`);
		}
		await harness.time.advance(1500);
		assert.equal(harness.connection.queuedBytes, 0);
	});

	it("sends what is queued before a graceful end, and gives up on a full socket", async () => {
		const harness = new Harness(VECTOR_CHANNELS, { sendRate: 1000 });
		harness.connection.send(0x20, new Uint8Array(100_000));
		harness.connection.finish();
		assert.ok(harness.transport.ended);
		assert.equal(harness.connection.send(0x20, Uint8Array.of(1)), false);
		assert.equal(packetsOf(harness.transport.written).at(-1)?.eof, true);

		const stuck = new Harness();
		stuck.transport.accepts = false;
		stuck.connection.send(0x20, new Uint8Array(100_000));
		stuck.connection.finish();
		assert.equal(stuck.transport.ended, false);
		await stuck.time.advance(2000);
		assert.deepEqual(stuck.ends, [undefined]);
		assert.ok(stuck.transport.destroyed);
	});
});

describe("receiving", () => {
	const message = (id: number, bytes: Uint8Array): Uint8Array => {
		const target = new Uint8Array(bytes.length * 2 + 100);
		let at = 0;
		for (let start = 0; start === 0 || start < bytes.length; start += 1024) {
			at = writeMessagePacket(target, at, id, bytes, start, Math.min(start + 1024, bytes.length));
		}
		return target.slice(0, at);
	};

	it("gives each message bytes of its own", () => {
		const harness = new Harness();
		const wire = concatBytes(message(0x20, Uint8Array.of(1, 2)), message(0x20, new Uint8Array(3000).fill(3)));
		harness.transport.onData(wire);
		for (const { message: bytes } of harness.received) assert.equal(bytes.buffer.byteLength, bytes.length);
		wire.fill(0);
		assert.deepEqual(harness.received[0]?.message, Uint8Array.of(1, 2));
	});

	it("stops handing out messages at once when paused, and continues in order", () => {
		const harness = new Harness();
		harness.onMessage = () => {
			if (harness.received.length === 2) harness.connection.pause("busy");
		};
		const wire = concatBytes(...Array.from({ length: 5 }, (_, i) => message(0x20, Uint8Array.of(i))));
		harness.transport.onData(wire);
		assert.equal(harness.received.length, 2);
		assert.ok(harness.transport.paused);
		harness.connection.pause("other");
		harness.connection.resume("busy");
		assert.equal(harness.received.length, 2);
		harness.connection.resume("other");
		assert.equal(harness.transport.paused, false);
		assert.deepEqual(
			harness.received.map((each) => each.message[0]),
			[0, 1, 2, 3, 4],
		);
	});

	it("reads no faster than the receive rate", async () => {
		const harness = new Harness(VECTOR_CHANNELS, { recvRate: 100_000 });
		harness.transport.onData(message(0x20, new Uint8Array(60_000)));
		assert.ok(harness.transport.paused);
		assert.equal(harness.received.length, 1);
		await harness.time.advance(480);
		assert.ok(harness.transport.paused);
		await harness.time.advance(60);
		assert.equal(harness.transport.paused, false);
	});

	it("reads pings and pongs in any encoding that protobuf allows", async () => {
		const harness = new Harness();
		harness.transport.onData(fromHex("030a8000"));
		harness.transport.onData(fromHex("03128000"));
		harness.transport.onData(fromHex("042001" + "0a00"));
		assert.deepEqual(harness.ends, []);
		await harness.turn();
		assert.deepEqual(harness.transport.written, PONG_PACKET);
	});

	it("answers many pings of one turn with one pong", async () => {
		const harness = new Harness();
		for (let i = 0; i < 1000; i++) harness.transport.onData(PING_PACKET);
		await harness.turn();
		assert.deepEqual(harness.transport.written, PONG_PACKET);
	});

	it("ends the connection that holds most when half-received messages exceed the budget", () => {
		const budget = new ReassemblyBudget(300_000);
		const greedy = new Harness(VECTOR_CHANNELS, {}, budget);
		const modest = new Harness(VECTOR_CHANNELS, {}, budget);
		const open = (bytes: number): Uint8Array => message(0x20, new Uint8Array(bytes + 1024)).subarray(0, -1);
		modest.transport.onData(open(20_000));
		greedy.transport.onData(open(100_000));
		assert.deepEqual(greedy.ends, []);
		const more = new Harness(VECTOR_CHANNELS, {}, budget);
		more.transport.onData(open(250_000));
		assert.equal(more.endCode(), "p2p-reassembly-budget");
		assert.deepEqual(modest.ends, []);
		assert.ok(budget.total <= 300_000);
		greedy.connection.stop();
		modest.connection.stop();
		assert.equal(budget.total, 0);
	});

	it("never throws on random bytes, split anyhow", () => {
		fc.assert(
			fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 }), (pieces) => {
				const harness = new Harness();
				for (const piece of pieces) harness.transport.onData(piece);
				return harness.ends.length <= 1 && (harness.ends.length === 1) === harness.transport.destroyed;
			}),
		);
	});
});

describe("being alive", () => {
	it("pings each minute and ends without a pong", async () => {
		const harness = new Harness();
		await harness.time.advance(60_000);
		assert.deepEqual(harness.transport.written, PING_PACKET);
		harness.transport.onData(PONG_PACKET);
		await harness.time.advance(60_000);
		assert.equal(harness.transport.writes.length, 2);
		await harness.time.advance(44_999);
		assert.deepEqual(harness.ends, []);
		await harness.time.advance(1);
		assert.equal(harness.endCode(), "p2p-pong-timeout");
		assert.equal(harness.time.nextDue, undefined);
	});

	it("does not blame the peer for a pong that we did not read", async () => {
		const harness = new Harness();
		harness.connection.pause("busy");
		await harness.time.advance(60_000 + 45_000);
		assert.deepEqual(harness.ends, []);
		harness.connection.resume("busy");
		harness.transport.onData(PONG_PACKET);
		await harness.time.advance(14_000);
		assert.deepEqual(harness.ends, []);
	});

	it("leaves no timer behind", async () => {
		const harness = new Harness();
		harness.connection.send(0x20, new Uint8Array(10));
		harness.connection.stop();
		await settle();
		await harness.turn();
		assert.equal(harness.time.nextDue, undefined);
		assert.equal(harness.transport.writes.length, 0);
		assert.deepEqual(harness.ends, [undefined]);
	});

	it("counts bytes and decays the share of a channel as Go does", async () => {
		const harness = new Harness();
		harness.connection.send(0x20, new Uint8Array(1000));
		await harness.turn();
		const wire = harness.transport.written.length;
		await harness.time.advance(4000);
		const status = harness.connection.status();
		assert.equal(status.durationNs, 4_000_000_000n);
		assert.equal(status.sendMonitor.bytes, wire);
		assert.equal(status.sendMonitor.active, true);
		assert.equal(status.recvMonitor.bytes, 0);
		const [first, second] = status.channels;
		assert.equal(first?.recentlySent, 0);
		assert.equal(second?.recentlySent, Math.floor(wire * 0.64));
		assert.equal(second?.sendQueueSize, 0);
	});
});
