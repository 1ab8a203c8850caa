import type { Labels } from "@cairn/kit";
import type { MConnection } from "./mconnection.ts";
import type { NodeInfo } from "./node-info.ts";
import { channelLabels, type P2pMetrics } from "./p2p-metrics.ts";
import type { ChannelHandler, ConnectionStatus, Peer } from "./peer.ts";

/** What a peer is from its first moment on. */
export interface PeerIdentity {
	readonly id: string;
	readonly nodeInfo: NodeInfo;
	readonly outbound: boolean;
	readonly persistent: boolean;
	readonly remoteAddress: string;
	readonly remoteIp: string;
}

/** The switchboard's own view of a peer. */
export class ConnectedPeer implements Peer {
	readonly id: string;
	readonly nodeInfo: NodeInfo;
	readonly outbound: boolean;
	readonly persistent: boolean;
	readonly remoteAddress: string;
	readonly remoteIp: string;
	readonly connection: MConnection;
	/** When it was added, milliseconds of the monotonic clock. */
	readonly since: number;
	/** How many handlers, in their order, know it. */
	introducedTo = 0;
	readonly #handlers: ReadonlyMap<number, ChannelHandler>;
	readonly #metrics: P2pMetrics;
	readonly #labels = new Map<number, Labels>();

	/** `handlers` by channel id. */
	constructor(
		identity: PeerIdentity,
		connection: MConnection,
		handlers: ReadonlyMap<number, ChannelHandler>,
		metrics: P2pMetrics,
		since: number,
	) {
		this.id = identity.id;
		this.nodeInfo = identity.nodeInfo;
		this.outbound = identity.outbound;
		this.persistent = identity.persistent;
		this.remoteAddress = identity.remoteAddress;
		this.remoteIp = identity.remoteIp;
		this.connection = connection;
		this.since = since;
		this.#handlers = handlers;
		this.#metrics = metrics;
	}

	get connected(): boolean {
		return this.connection.isRunning;
	}

	get queuedBytes(): number {
		return this.connection.queuedBytes;
	}

	hasChannel(id: number): boolean {
		return this.nodeInfo.channels.includes(id);
	}

	send(channelId: number, message: Uint8Array): boolean {
		if (!this.hasChannel(channelId) || !this.connection.send(channelId, message)) return false;
		const type = this.#handlers.get(channelId)?.messageType?.(channelId, message);
		this.#metrics.sent(this.#labelsOf(channelId), message.length, type);
		return true;
	}

	canSend(channelId: number): boolean {
		return this.hasChannel(channelId) && this.connection.canSend(channelId);
	}

	pauseReading(reason: string): void {
		this.connection.pause(reason);
	}

	resumeReading(reason: string): void {
		this.connection.resume(reason);
	}

	status(): ConnectionStatus {
		return this.connection.status();
	}

	/** A message has arrived. Throws what the handler throws. */
	deliver(channelId: number, message: Uint8Array): void {
		const handler = this.#handlers.get(channelId);
		if (handler === undefined) return;
		this.#metrics.received(this.#labelsOf(channelId), message.length, handler.messageType?.(channelId, message));
		handler.receive(this, channelId, message);
	}

	/** Metric p2p_peer_send_queue_size: messages that wait, over all channels. */
	queuedMessages(): number {
		return this.status().channels.reduce((sum, channel) => sum + channel.sendQueueSize, 0);
	}

	#labelsOf(channelId: number): Labels {
		let labels = this.#labels.get(channelId);
		if (labels === undefined) {
			labels = channelLabels(this.id, channelId);
			this.#labels.set(channelId, labels);
		}
		return labels;
	}
}
