import { type Connection, invariant, type Timer, type World } from "@cairn/kit";
import { hexId, ReceiveChannel, SendChannel } from "./channel.ts";
import { FlowMonitor, nanoseconds, TokenBucket } from "./flow.ts";
import {
	CLOSE_GRACE,
	DEFAULT_PACKET_PAYLOAD,
	PING_INTERVAL,
	PONG_TIMEOUT,
	RECENTLY_SENT_PERIOD,
	WRITE_BATCH,
} from "./limits.ts";
import { maxPacketSize, type Packet, PacketReader, PING_PACKET, PONG_PACKET, packetRoom } from "./packet.ts";
import type { ChannelDescriptor, ConnectionStatus } from "./peer.ts";
import type { BufferHolder, ReassemblyBudget } from "./reassembly-budget.ts";
import { refusal } from "./refusal.ts";
import type { TurnEnd, TurnTask } from "./turn-end.ts";

/** The keys of config.toml's [p2p] that shape a connection. Rates in bytes a second, below 1 for no limit. */
export interface MConnectionOptions {
	readonly sendRate: number;
	readonly recvRate: number;
	/** Visible on the wire: peers must agree on it. */
	readonly maxPacketMsgPayloadSize: number;
	readonly pingIntervalMs: number;
	readonly pongTimeoutMs: number;
}

/** CometBFT's defaults. */
export const DEFAULT_MCONNECTION_OPTIONS: MConnectionOptions = {
	sendRate: 5_120_000,
	recvRate: 5_120_000,
	maxPacketMsgPayloadSize: DEFAULT_PACKET_PAYLOAD,
	pingIntervalMs: PING_INTERVAL,
	pongTimeoutMs: PONG_TIMEOUT,
};

export interface MConnectionParts {
	readonly world: Pick<World, "clock" | "timers">;
	readonly turnEnd: TurnEnd;
	readonly budget: ReassemblyBudget;
}

export interface MConnectionEvents {
	onMessage(channelId: number, message: Uint8Array): void;
	/** A queue that refused something is half empty again. */
	onDrained(channelId: number): void;
	/** Called once; without an error if the other side ended in good order. */
	onEnd(error: Error | undefined): void;
}

/** The pause that our own limit of the receive rate makes. */
const RATE_PAUSE = "recv_rate";

/** One buffer for all connections: packets are gathered in it and leave as a copy of the right size. */
let scratch = new Uint8Array(0);

function scratchOf(size: number): Uint8Array {
	if (scratch.length < size) scratch = new Uint8Array(size);
	return scratch;
}

/**
 * Many channels over one connection, on the wire as CometBFT's MConnection (p2p/conn/connection.go). Sending is
 * event-driven: what was queued in one turn leaves at its end in as few writes as possible, the channel that used
 * least of its share first; while the connection is congested or over its rate, messages wait in bounded queues.
 *
 * Nothing throws on what the other side sends: `onEnd` reports it, with a CairnError of blame "peer".
 */
export class MConnection implements TurnTask, BufferHolder {
	readonly #connection: Connection;
	readonly #options: MConnectionOptions;
	readonly #parts: MConnectionParts;
	readonly #events: MConnectionEvents;
	readonly #senders: readonly SendChannel[];
	readonly #senderById = new Map<number, SendChannel>();
	readonly #receiverById = new Map<number, ReceiveChannel>();
	readonly #reader: PacketReader;
	readonly #sendBucket: TokenBucket;
	readonly #receiveBucket: TokenBucket;
	readonly #sendMonitor: FlowMonitor;
	readonly #receiveMonitor: FlowMonitor;
	readonly #createdAt: number;
	readonly #pauses = new Set<string>();
	readonly #timers = new Set<Timer>();
	#state: "running" | "finishing" | "ended" = "running";
	#congested = false;
	#waitsForTokens = false;
	#flushing = false;
	#delivering = false;
	#pingDue = false;
	#pongDue = false;
	#pongTimer: Timer | undefined;
	#decayedAt: number;

	/** Takes over the connection's callbacks. `channels` are those of all handlers. */
	constructor(
		connection: Connection,
		channels: readonly ChannelDescriptor[],
		options: MConnectionOptions,
		parts: MConnectionParts,
		events: MConnectionEvents,
	) {
		invariant(options.pongTimeoutMs < options.pingIntervalMs, "a pong must be due before the next ping");
		invariant(options.maxPacketMsgPayloadSize > 0, "max_packet_msg_payload_size must be positive");
		const now = parts.world.clock.mono();
		this.#connection = connection;
		this.#options = options;
		this.#parts = parts;
		this.#events = events;
		this.#senders = channels.map((channel) => new SendChannel(channel, options.maxPacketMsgPayloadSize));
		for (const sender of this.#senders) this.#senderById.set(sender.descriptor.id, sender);
		const grew = (bytes: number): void => parts.budget.change(this, bytes);
		for (const channel of channels) this.#receiverById.set(channel.id, new ReceiveChannel(channel, grew));
		this.#reader = new PacketReader(maxPacketSize(options.maxPacketMsgPayloadSize));
		this.#sendBucket = new TokenBucket(options.sendRate, now);
		this.#receiveBucket = new TokenBucket(options.recvRate, now);
		const wall = parts.world.clock.wall();
		this.#sendMonitor = new FlowMonitor(now, wall);
		this.#receiveMonitor = new FlowMonitor(now, wall);
		this.#createdAt = now;
		this.#decayedAt = now;
		connection.onData = (bytes) => this.#feed(bytes);
		connection.onDrain = () => this.#drained();
		connection.onClose = (error) => this.#end(error);
		this.#after(options.pingIntervalMs, () => this.#ping());
	}

	get isRunning(): boolean {
		return this.#state === "running";
	}

	/** Bytes that wait here or in the socket. */
	get queuedBytes(): number {
		let bytes = this.#connection.pendingBytes;
		for (const sender of this.#senders) bytes += sender.queuedBytes;
		return bytes;
	}

	/**
	 * Queues a message. False when the connection is over or that queue is full; `onDrained` will follow a full one.
	 */
	send(channelId: number, message: Uint8Array): boolean {
		const sender = this.#senderById.get(channelId);
		invariant(sender !== undefined, "a message is sent on a channel of ours", { channelId });
		if (this.#state !== "running" || !sender.push(message)) return false;
		this.#requestFlush();
		return true;
	}

	canSend(channelId: number): boolean {
		return this.#state === "running" && this.#senderById.get(channelId)?.hasRoom === true;
	}

	/** Stops reading, and delivering what was read, until each reason given is resumed. */
	pause(reason: string): void {
		if (this.#state === "ended") return;
		this.#pauses.add(reason);
		this.#connection.pause();
	}

	resume(reason: string): void {
		if (!this.#pauses.delete(reason) || this.#pauses.size > 0 || this.#state === "ended") return;
		this.#deliver();
		if (this.#pauses.size === 0 && this.isRunning) this.#connection.resume();
	}

	/** Takes what arrived with the end of the handshake, and goes on reading a connection that was paused until now. */
	start(early: Uint8Array): void {
		if (early.length > 0) this.#feed(early);
		if (this.isRunning && this.#pauses.size === 0) this.#connection.resume();
	}

	/** Sends what is queued, then ends; at once if that takes longer than `CLOSE_GRACE`. */
	finish(): void {
		if (this.#state !== "running") return;
		this.#state = "finishing";
		this.#after(CLOSE_GRACE, () => this.stop());
		this.#flush();
	}

	/** Ends at once. `onEnd` is called before this returns. */
	stop(error?: Error): void {
		this.#end(error);
	}

	/** The reassembly budget's verdict. */
	exceedsBudget(): void {
		this.#end(refusal("p2p-reassembly-budget", "half-received messages of this peer take too much memory"));
	}

	atTurnEnd(): void {
		this.#flush();
	}

	status(): ConnectionStatus {
		const now = this.#parts.world.clock.mono();
		const active = this.#state !== "ended";
		this.#decay(now);
		return {
			durationNs: nanoseconds(now - this.#createdAt),
			sendMonitor: this.#sendMonitor.status(now, active),
			recvMonitor: this.#receiveMonitor.status(now, active),
			channels: this.#senders.map((sender) => sender.status()),
		};
	}

	#after(ms: number, call: () => void): Timer {
		const timer = this.#parts.world.timers.after(ms, () => {
			this.#timers.delete(timer);
			call();
		});
		this.#timers.add(timer);
		return timer;
	}

	// Receiving

	#feed(bytes: Uint8Array): void {
		if (this.#state !== "running") return;
		const now = this.#parts.world.clock.mono();
		this.#receiveMonitor.add(bytes.length, now);
		this.#receiveBucket.take(bytes.length, now);
		this.#reader.push(bytes);
		this.#deliver();
		const delay = this.#receiveBucket.delay(now);
		if (delay === 0 || this.#state !== "running" || this.#pauses.has(RATE_PAUSE)) return;
		this.pause(RATE_PAUSE);
		this.#after(delay, () => this.resume(RATE_PAUSE));
	}

	/** Hands out whole messages until there are no more, somebody pauses, or the connection ends. */
	#deliver(): void {
		if (this.#delivering) return;
		this.#delivering = true;
		try {
			while (this.#state === "running" && this.#pauses.size === 0) {
				const packet = this.#reader.next();
				if (packet === undefined) return;
				this.#accept(packet);
			}
		} catch (error) {
			this.#end(error instanceof Error ? error : new Error(String(error)));
		} finally {
			this.#delivering = false;
		}
	}

	#accept(packet: Packet): void {
		switch (packet.kind) {
			case "ping":
				this.#pongDue = true;
				this.#requestFlush();
				return;
			case "pong":
				this.#cancelPongTimer();
				return;
			case "message": {
				const receiver = this.#receiverById.get(packet.channelId);
				if (receiver === undefined) {
					const channel = packet.channelId;
					throw refusal("p2p-unknown-channel", `a packet on unknown channel ${hexId(channel)}`, { channel });
				}
				const message = receiver.add(packet.data, packet.eof);
				if (message !== undefined && this.isRunning) this.#events.onMessage(packet.channelId, message);
			}
		}
	}

	// Sending

	#requestFlush(): void {
		if (!this.#congested && !this.#waitsForTokens) this.#parts.turnEnd.request(this);
	}

	#drained(): void {
		this.#congested = false;
		this.#flush();
	}

	/** Writes batches of packets until nothing is left, the socket is full or the rate is used up. */
	#flush(): void {
		if (this.#state === "ended" || this.#flushing) return;
		this.#flushing = true;
		const now = this.#parts.world.clock.mono();
		this.#decay(now);
		while (!this.#congested && this.#mayWrite(now)) {
			const batch = this.#fillBatch(this.#sendBucket.allowance(now));
			if (batch.length === 0) break;
			this.#sendBucket.take(batch.length, now);
			this.#sendMonitor.add(batch.length, now);
			this.#congested = !this.#connection.write(batch);
			if (this.#isEnded()) break;
		}
		this.#flushing = false;
		this.#afterFlush();
	}

	/** A method, because the state may change inside a call of the connection. */
	#isEnded(): boolean {
		return this.#state === "ended";
	}

	#afterFlush(): void {
		if (this.#state === "finishing" && !this.#hasPending()) {
			this.#connection.end();
			return;
		}
		for (const sender of this.#senders) {
			if (this.#state !== "running") return;
			if (sender.takeDrained()) this.#events.onDrained(sender.descriptor.id);
		}
	}

	#hasPending(): boolean {
		return this.#pingDue || this.#pongDue || this.#senders.some((sender) => sender.isPending);
	}

	/** False while the rate is used up; then a timer continues. Pings, pongs and the last words do not wait. */
	#mayWrite(now: number): boolean {
		const delay = this.#sendBucket.delay(now);
		if (delay === 0 || this.#pingDue || this.#pongDue || this.#state === "finishing") return true;
		if (!this.#waitsForTokens && this.#hasPending()) {
			this.#waitsForTokens = true;
			this.#after(delay, () => {
				this.#waitsForTokens = false;
				this.#flush();
			});
		}
		return false;
	}

	/** Up to `WRITE_BATCH` bytes of packets; a rate lets pass one packet more than it has, as Go's does. */
	#fillBatch(allowance: number): Uint8Array {
		const room = packetRoom(this.#options.maxPacketMsgPayloadSize);
		const target = scratchOf(WRITE_BATCH + room);
		const limit = this.#state === "finishing" ? WRITE_BATCH : Math.min(WRITE_BATCH, allowance);
		let length = this.#writeControl(target);
		while (length < limit) {
			const sender = this.#nextSender();
			if (sender === undefined) break;
			length = sender.writePacket(target, length);
		}
		return target.slice(0, length);
	}

	#writeControl(target: Uint8Array): number {
		let length = 0;
		if (this.#pingDue) {
			target.set(PING_PACKET, length);
			length += PING_PACKET.length;
		}
		if (this.#pongDue) {
			target.set(PONG_PACKET, length);
			length += PONG_PACKET.length;
		}
		this.#pingDue = false;
		this.#pongDue = false;
		return length;
	}

	/** The pending channel with the least sent for its priority; the first one where equal. */
	#nextSender(): SendChannel | undefined {
		let least: SendChannel | undefined;
		let leastRatio = Number.POSITIVE_INFINITY;
		for (const sender of this.#senders) {
			if (!sender.isPending) continue;
			const ratio = sender.recentlySent / sender.descriptor.priority;
			if (ratio < leastRatio) {
				leastRatio = ratio;
				least = sender;
			}
		}
		return least;
	}

	#decay(now: number): void {
		const periods = Math.floor((now - this.#decayedAt) / RECENTLY_SENT_PERIOD);
		if (periods < 1) return;
		this.#decayedAt += periods * RECENTLY_SENT_PERIOD;
		for (const sender of this.#senders) sender.decay(periods);
	}

	#ping(): void {
		this.#after(this.#options.pingIntervalMs, () => this.#ping());
		this.#pingDue = true;
		this.#awaitPong();
		this.#flush();
	}

	#awaitPong(): void {
		const waited = this.#options.pongTimeoutMs;
		this.#cancelPongTimer();
		this.#pongTimer = this.#after(waited, () => {
			// While we do not read, no pong can arrive: that is our own doing.
			if (this.#pauses.size > 0) this.#awaitPong();
			else this.#end(refusal("p2p-pong-timeout", `no pong within ${waited} ms`, { waited }));
		});
	}

	#cancelPongTimer(): void {
		if (this.#pongTimer === undefined) return;
		this.#pongTimer.cancel();
		this.#timers.delete(this.#pongTimer);
		this.#pongTimer = undefined;
	}

	#end(error: Error | undefined): void {
		if (this.#state === "ended") return;
		this.#state = "ended";
		for (const timer of this.#timers) timer.cancel();
		this.#timers.clear();
		for (const sender of this.#senders) sender.clear();
		this.#parts.budget.release(this);
		this.#connection.destroy();
		this.#events.onEnd(error);
	}
}
