import { fromBase64 } from "@cairn/kit";
import {
	type ChannelDescriptor,
	DEFAULT_MCONNECTION_OPTIONS,
	MConnection,
	maxPacketSize,
	type Packet,
	PacketReader,
	PING_PACKET,
	PONG_PACKET,
	ReassemblyBudget,
	TurnEnd,
	writeMessagePacket,
} from "@cairn/network";
import type { Json } from "@cairn/types/proto";
import { ManualTime } from "@cairn/world";
import { type Checker, fail } from "../checker.ts";
import { hex, same, sameBytes } from "../expectation.ts";
import { RecordedConnection } from "../recorded-connection.ts";
import { checkDelimited } from "./abci-stream.ts";

const PAYLOAD = 1024;

interface PacketCase {
	readonly json: {
		readonly packet_ping?: object;
		readonly packet_pong?: object;
		readonly packet_msg?: { readonly channel_id?: number; readonly eof?: boolean; readonly data?: string };
	};
	readonly delimited_hex: string;
}

interface SendCase {
	readonly channel: number;
	readonly message: string;
	readonly wire: string;
}

interface ReceiveCase {
	readonly wire: string;
	readonly received: readonly { readonly channel: number; readonly message: string }[] | null;
	readonly error: string | null;
	/** Null where the connection erred: then a pong may or may not have left. */
	readonly reply_wire: string | null;
}

function channel(id: number, receiveMessageCapacity: number): ChannelDescriptor {
	const queue = { sendQueueCapacity: 10, sendQueueBytes: 16_777_216 };
	return { id, name: `channel ${id}`, priority: 1, ...queue, receiveMessageCapacity };
}

/** The channels of the connection that the vectors were taken from. */
const CHANNELS = [channel(0x00, 1_048_576), channel(0x20, 1_048_576), channel(0x21, 5000)];

class Link {
	readonly transport = new RecordedConnection();
	readonly time = new ManualTime();
	readonly received: { channel: number; message: Uint8Array }[] = [];
	error: Error | undefined;
	readonly connection: MConnection;

	constructor() {
		const world = { clock: this.time, timers: this.time };
		const parts = { world, turnEnd: new TurnEnd(this.time), budget: new ReassemblyBudget() };
		const options = { ...DEFAULT_MCONNECTION_OPTIONS, sendRate: 0, recvRate: 0, maxPacketMsgPayloadSize: PAYLOAD };
		this.connection = new MConnection(this.transport, CHANNELS, options, parts, {
			onMessage: (id, message) => this.received.push({ channel: id, message: message.slice() }),
			onDrained: () => undefined,
			onEnd: (error) => {
				this.error = error;
			},
		});
	}

	/** Lets the turn end, at which what is queued leaves. */
	endTurn(): Promise<void> {
		return this.time.advance(0);
	}
}

function checkPacket(each: PacketCase): void {
	const wire = hex(each.delimited_hex);
	checkDelimited("tendermint.p2p.Packet", each.json as Json, wire);
	const reader = new PacketReader(maxPacketSize(PAYLOAD));
	reader.push(wire);
	const packet: Packet = reader.next() ?? fail("packet is not whole");
	same("rest", reader.next() === undefined, true);
	const message = each.json.packet_msg;
	if (message === undefined) {
		const kind = each.json.packet_ping === undefined ? "pong" : "ping";
		same("kind", packet.kind, kind);
		sameBytes("packet", kind === "ping" ? PING_PACKET : PONG_PACKET, each.delimited_hex);
		return;
	}
	const data = fromBase64(message.data ?? "");
	const { channel_id: channelId = 0, eof = false } = message;
	same("packet", packet, { kind: "message", channelId, eof, data });
	// A packet that does not end its message is written as the first piece of a longer one.
	const whole = new Uint8Array(data.length + (eof ? 0 : 1));
	whole.set(data);
	const target = new Uint8Array(data.length + 64);
	const end = writeMessagePacket(target, 0, channelId, whole, 0, data.length);
	sameBytes("written", target.subarray(0, end), each.delimited_hex);
}

async function checkSend(each: SendCase): Promise<void> {
	const link = new Link();
	same("taken", link.connection.send(each.channel, hex(each.message)), true);
	await link.endTurn();
	sameBytes("wire", link.transport.written(), each.wire);
}

/** Feeds the bytes in pieces of `size`. */
async function checkReceive(each: ReceiveCase, size: number): Promise<void> {
	const link = new Link();
	const wire = hex(each.wire);
	for (let at = 0; at < wire.length; at += size) link.transport.onData(wire.slice(at, at + size));
	const expected = (each.received ?? []).map(({ channel: id, message }) => ({ channel: id, message: hex(message) }));
	same("received", link.received, expected);
	same("refused", link.error !== undefined, each.error !== null);
	await link.endTurn();
	if (each.reply_wire !== null) sameBytes("reply_wire", link.transport.written(), each.reply_wire);
}

export const checkMconn: Checker = async (file, tally) => {
	const content = file.content as {
		readonly max_packet_msg_size_at_1024: number;
		readonly packets: readonly PacketCase[];
		readonly send: readonly SendCase[];
		readonly receive: readonly ReceiveCase[];
	};
	await tally.check("max_packet_msg_size_at_1024", () =>
		same("size", maxPacketSize(1024), content.max_packet_msg_size_at_1024),
	);
	await tally.checkEach("packets", content.packets, checkPacket);
	await tally.checkEach("send", content.send, checkSend);
	await tally.checkEach("receive", content.receive, async (each) => {
		await checkReceive(each, Number.MAX_SAFE_INTEGER);
		await checkReceive(each, 1);
	});
};
