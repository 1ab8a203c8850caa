import type { NodeInfo } from "./node-info.ts";

/** One numbered stream of messages within a connection, as a handler declares it. */
export interface ChannelDescriptor {
	/** 0…255, unique over all handlers. */
	readonly id: number;
	readonly name: string;
	/** Share of the connection relative to other channels; at least 1. */
	readonly priority: number;
	/** Messages that may wait to be sent, not counting the one whose packets are on their way. */
	readonly sendQueueCapacity: number;
	/** Bytes that may wait to be sent. One message larger than this may still be queued when nothing else is. */
	readonly sendQueueBytes: number;
	/** Longest message that is received; a longer one ends the connection. */
	readonly receiveMessageCapacity: number;
}

/** Go's `flowrate.Status`: how much went one way, and how fast (bytes a second). */
export interface FlowStatus {
	/** Wall clock when the connection was made, nanoseconds since 1970. */
	readonly start: bigint;
	readonly bytes: number;
	readonly samples: number;
	readonly instRate: number;
	readonly curRate: number;
	readonly avgRate: number;
	readonly peakRate: number;
	readonly durationNs: bigint;
	readonly idleNs: bigint;
	readonly active: boolean;
}

/** Go's `conn.ChannelStatus`. */
export interface ChannelStatus {
	readonly id: number;
	readonly sendQueueCapacity: number;
	readonly sendQueueSize: number;
	readonly priority: number;
	readonly recentlySent: number;
}

/** Go's `conn.ConnectionStatus`, which `/net_info` shows. */
export interface ConnectionStatus {
	readonly durationNs: bigint;
	readonly sendMonitor: FlowStatus;
	readonly recvMonitor: FlowStatus;
	readonly channels: readonly ChannelStatus[];
}

/** A node at the other end of an authenticated connection. */
export interface Peer {
	/** Lower-case hex of the address of its node key; proven by the handshake. */
	readonly id: string;
	/** What it says about itself; only `id` is proven. */
	readonly nodeInfo: NodeInfo;
	/** True if we dialled. */
	readonly outbound: boolean;
	/** True if the operator asked to stay connected to it; then it is dialled again after every end. */
	readonly persistent: boolean;
	/** `ip:port` of the socket. */
	readonly remoteAddress: string;
	readonly remoteIp: string;
	/** True if the peer said that it reads this channel. */
	hasChannel(id: number): boolean;
	/**
	 * Queues a message; it leaves in this turn of the event loop if the connection has room. False when the peer
	 * does not know the channel, the connection is over, or the queue is full: then nothing was queued and `drained`
	 * will tell when to try again. The bytes must not be changed afterwards.
	 */
	send(channelId: number, message: Uint8Array): boolean;
	/** Room for at least one more message (of a size that fits). */
	canSend(channelId: number): boolean;
	/** Stops reading from this peer until every reason given has been resumed: back-pressure down to its socket. */
	pauseReading(reason: string): void;
	resumeReading(reason: string): void;
	/** Go's ConnectionStatus, for net_info. */
	status(): ConnectionStatus;
	/** Bytes queued and not yet taken by the operating system. */
	readonly queuedBytes: number;
	/** False as soon as the connection has ended. */
	readonly connected: boolean;
}

/** What sits on channels: gossip of one kind. All calls are synchronous, in the turn of the event. */
export interface ChannelHandler {
	readonly name: string;
	readonly channels: readonly ChannelDescriptor[];
	/** Called before any message of this peer is delivered. */
	addPeer(peer: Peer): void;
	/** Called exactly once after `addPeer`, when the peer is gone from the switchboard. */
	removePeer(peer: Peer, reason: string): void;
	/**
	 * A whole message, which may be empty. The bytes are the handler's own, to keep or to change. A CairnError of blame
	 * "peer" stops the peer and counts as its fault; anything else thrown is our own mistake.
	 */
	receive(peer: Peer, channelId: number, message: Uint8Array): void;
	/** The queue of that channel refused a message before and has room again. */
	drained?(peer: Peer, channelId: number): void;
	/**
	 * Name of the message for p2p_message_{send,receive}_bytes_total, like `consensus_Vote`; not counted where
	 * absent.
	 */
	messageType?(channelId: number, message: Uint8Array): string;
}
