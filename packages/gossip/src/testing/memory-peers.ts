import { CairnError, type Clock, invariant, type Timers } from "@cairn/kit";
import type { ChannelDescriptor, ChannelHandler, ConnectionStatus, NodeInfo, Peer } from "@cairn/network";

// A switchboard without sockets, for tests: the same promises to handlers, messages as they are.

export interface Traffic {
	readonly from: string;
	readonly to: string;
	readonly channelId: number;
	readonly bytes: Uint8Array;
}

interface Waiting {
	readonly channelId: number;
	readonly bytes: Uint8Array;
}

/** One node's end of a link. */
export class MemoryPeer implements Peer {
	readonly id: string;
	readonly nodeInfo: NodeInfo;
	readonly outbound: boolean;
	readonly persistent: boolean;
	readonly remoteAddress: string;
	readonly remoteIp = "127.0.0.1";
	connected = true;
	/** Messages that wait on each channel. */
	readonly queues = new Map<number, Waiting[]>();
	/** While true, nothing leaves: a slow reader at the other end. */
	isBlocked = false;
	readonly paused = new Set<string>();
	readonly #channels: ReadonlyMap<number, ChannelDescriptor>;
	readonly #carry: (channelId: number, bytes: Uint8Array) => void;
	readonly #refused = new Set<number>();

	constructor(
		id: string,
		outbound: boolean,
		channels: ReadonlyMap<number, ChannelDescriptor>,
		carry: (channelId: number, bytes: Uint8Array) => void,
		persistent = false,
	) {
		this.id = id;
		this.outbound = outbound;
		this.persistent = persistent;
		this.remoteAddress = `${id.slice(0, 8)}:26656`;
		this.nodeInfo = {
			protocolVersion: { p2p: 8n, block: 11n, app: 0n },
			id,
			listenAddress: "tcp://127.0.0.1:26656",
			network: "test-chain",
			version: "0.39.0",
			channels: Uint8Array.from(channels.keys()),
			moniker: id,
			other: { txIndex: "on", rpcAddress: "" },
		};
		this.#channels = channels;
		this.#carry = carry;
	}

	hasChannel(id: number): boolean {
		return this.#channels.has(id);
	}

	get queuedBytes(): number {
		return [...this.queues.values()].flat().reduce((sum, { bytes }) => sum + bytes.length, 0);
	}

	send(channelId: number, bytes: Uint8Array): boolean {
		if (!this.connected || !this.#hasRoom(channelId, bytes.length)) return false;
		if (!this.isBlocked) this.#carry(channelId, bytes);
		else this.#queue(channelId).push({ channelId, bytes });
		return true;
	}

	canSend(channelId: number): boolean {
		return this.connected && this.#hasRoom(channelId, 1);
	}

	#queue(channelId: number): Waiting[] {
		let queue = this.queues.get(channelId);
		if (queue === undefined) {
			queue = [];
			this.queues.set(channelId, queue);
		}
		return queue;
	}

	#hasRoom(channelId: number, length: number): boolean {
		const descriptor = this.#channels.get(channelId);
		if (descriptor === undefined) return false;
		const queue = this.#queue(channelId);
		const bytes = queue.reduce((sum, each) => sum + each.bytes.length, 0);
		const fits = queue.length === 0 || bytes + length <= descriptor.sendQueueBytes;
		const hasRoom = queue.length < descriptor.sendQueueCapacity && fits;
		if (!hasRoom) this.#refused.add(channelId);
		return hasRoom;
	}

	/** Lets everything that waits go; returns the channels that had refused something. */
	release(): number[] {
		this.isBlocked = false;
		for (const queue of this.queues.values()) {
			for (const { channelId, bytes } of queue.splice(0)) this.#carry(channelId, bytes);
		}
		const refused = [...this.#refused];
		this.#refused.clear();
		return refused;
	}

	pauseReading(reason: string): void {
		this.paused.add(reason);
	}

	resumeReading(reason: string): void {
		this.paused.delete(reason);
	}

	status(): ConnectionStatus {
		throw new CairnError("unused", "us", "no test looks at the status of a connection in memory");
	}
}

interface Link {
	readonly ends: readonly [string, string];
	readonly peers: readonly [MemoryPeer, MemoryPeer];
	isOpen: boolean;
}

export interface MemorySwitchOptions {
	readonly time: Timers & Pick<Clock, "mono">;
	/** One way, in milliseconds, of a message. */
	readonly latency?: () => number;
	/** True if this message gets lost. */
	readonly isLost?: (traffic: Traffic) => boolean;
}

/** Nodes that are linked in memory. Messages of one channel of a link stay in order. */
export class MemorySwitch {
	readonly #options: MemorySwitchOptions;
	readonly #nodes = new Map<string, readonly ChannelHandler[]>();
	readonly #links = new Set<Link>();
	readonly #clears = new Map<string, number>();
	/** Everything delivered, in order. */
	readonly log: Traffic[] = [];
	/** Peers that were stopped, and why. */
	readonly stopped: { readonly by: string; readonly peer: string; readonly reason: string; readonly fault: boolean }[] =
		[];

	constructor(options: MemorySwitchOptions) {
		this.#options = options;
	}

	add(id: string, handlers: readonly ChannelHandler[]): void {
		this.#nodes.set(id, handlers);
	}

	#handlers(id: string): readonly ChannelHandler[] {
		const handlers = this.#nodes.get(id);
		invariant(handlers !== undefined, "no such node", { id });
		return handlers;
	}

	#channels(id: string): Map<number, ChannelDescriptor> {
		return new Map(this.#handlers(id).flatMap(({ channels }) => channels.map((each) => [each.id, each] as const)));
	}

	/** Links two nodes; a link that is there already is ended first. Returns a's view of b and b's view of a. */
	connect(a: string, b: string, persistent = false): readonly [MemoryPeer, MemoryPeer] {
		this.disconnect(a, b);
		const link: Link = {
			ends: [a, b],
			peers: [
				new MemoryPeer(
					b,
					true,
					this.#channels(b),
					(channelId, bytes) => this.#carry(link, 0, channelId, bytes),
					persistent,
				),
				new MemoryPeer(
					a,
					false,
					this.#channels(a),
					(channelId, bytes) => this.#carry(link, 1, channelId, bytes),
					persistent,
				),
			],
			isOpen: true,
		};
		this.#links.add(link);
		for (const end of [0, 1] as const) {
			for (const handler of this.#handlers(link.ends[end])) handler.addPeer(link.peers[end]);
		}
		return link.peers;
	}

	disconnect(a: string, b: string): void {
		for (const link of this.#links) if (link.ends.includes(a) && link.ends.includes(b)) this.#end(link, "test");
	}

	/** The view that `a` has of `b`. */
	peer(a: string, b: string): MemoryPeer | undefined {
		for (const { ends, peers } of this.#links) {
			if (ends[0] === a && ends[1] === b) return peers[0];
			if (ends[1] === a && ends[0] === b) return peers[1];
		}
		return undefined;
	}

	isLinked(a: string, b: string): boolean {
		return this.peer(a, b) !== undefined;
	}

	/** Ends the link as a handler of `by` asks for it. */
	stopPeer(by: string, peer: Peer, reason: string, fault: boolean): void {
		for (const link of this.#links) {
			if (!link.peers.includes(peer as MemoryPeer)) continue;
			this.stopped.push({ by, peer: peer.id, reason, fault });
			this.#end(link, reason);
		}
	}

	/** What was held back for a slow reader goes out. */
	release(a: string, b: string): void {
		const peer = this.peer(a, b);
		for (const channelId of peer?.release() ?? []) {
			for (const handler of this.#handlers(a)) {
				if (handler.channels.some(({ id }) => id === channelId)) handler.drained?.(peer as MemoryPeer, channelId);
			}
		}
	}

	#end(link: Link, reason: string): void {
		if (!this.#links.delete(link)) return;
		link.isOpen = false;
		for (const end of [0, 1] as const) {
			link.peers[end].connected = false;
			for (const handler of this.#handlers(link.ends[end])) handler.removePeer(link.peers[end], reason);
		}
	}

	#carry(link: Link, end: 0 | 1, channelId: number, bytes: Uint8Array): void {
		const from = link.ends[end];
		const to = link.ends[end === 0 ? 1 : 0];
		const traffic = { from, to, channelId, bytes };
		if (this.#options.isLost?.(traffic) === true) return;
		const { time, latency } = this.#options;
		const lane = `${from} ${to} ${channelId}`;
		const due = Math.max(time.mono() + (latency?.() ?? 0), this.#clears.get(lane) ?? 0);
		this.#clears.set(lane, due);
		time.after(due - time.mono(), () => {
			if (link.isOpen) this.#deliver(link, end === 0 ? 1 : 0, traffic);
		});
	}

	#deliver(link: Link, end: 0 | 1, traffic: Traffic): void {
		this.log.push(traffic);
		const peer = link.peers[end];
		const handler = this.#handlers(traffic.to).find(({ channels }) =>
			channels.some(({ id }) => id === traffic.channelId),
		);
		invariant(handler !== undefined, "a message on a channel that the peer did not announce", {
			channel: traffic.channelId,
		});
		try {
			handler.receive(peer, traffic.channelId, traffic.bytes.slice());
		} catch (cause) {
			if (!(cause instanceof CairnError) || cause.blame !== "peer") throw cause;
			this.stopPeer(traffic.to, peer, cause.message, true);
		}
	}
}
