import {
	CairnError,
	invariant,
	type Listener,
	type Logger,
	messageOf,
	noMetrics,
	silentLogger,
	type Timer,
} from "@cairn/kit";
import { Admission } from "./admission.ts";
import { ConnectedPeer } from "./connected-peer.ts";
import { Dialer } from "./dialer.ts";
import { Entrance } from "./entrance.ts";
import { QUEUE_METRIC_PERIOD, STABLE_CONNECTION } from "./limits.ts";
import { MConnection } from "./mconnection.ts";
import { P2pMetrics } from "./p2p-metrics.ts";
import type { ChannelDescriptor, ChannelHandler, Peer } from "./peer.ts";
import { type PeerAddress, parsePeerAddress } from "./peer-address.ts";
import { PeerSet } from "./peer-set.ts";
import { ReassemblyBudget } from "./reassembly-budget.ts";
import { isFault, isOurs } from "./refusal.ts";
import type { PeerCandidate, SwitchboardOptions, SwitchboardParts } from "./switchboard-options.ts";
import { TurnEnd } from "./turn-end.ts";
import type { Upgrade, Upgraded } from "./upgrade.ts";

/** How many peers and connections there are; unconditional and persistent peers are not counted in the first two. */
export interface SwitchboardCounts {
	readonly outbound: number;
	readonly inbound: number;
	readonly dialing: number;
	readonly halfOpen: number;
}

/** How to treat peers that are dialled by hand. */
export interface DialOptions {
	readonly persistent?: boolean;
	readonly unconditional?: boolean;
	readonly private?: boolean;
}

/** How a connection ends: at once, after what is queued, or at once and counted against the peer. */
type Farewell = "at once" | "gracefully" | "fault";

/**
 * The table of peers: accepts and dials connections, upgrades them, keeps to the limits, and carries messages
 * between peers and handlers (Go's Switch and MultiplexTransport).
 */
export class Switchboard {
	readonly #options: SwitchboardOptions;
	readonly #parts: SwitchboardParts;
	readonly #logger: Logger;
	readonly #metrics: P2pMetrics;
	readonly #channels: readonly ChannelDescriptor[];
	readonly #handlerByChannel = new Map<number, ChannelHandler>();
	readonly #peers = new PeerSet();
	readonly #admission: Admission;
	readonly #entrance: Entrance;
	readonly #dialer: Dialer;
	readonly #turnEnd: TurnEnd;
	readonly #budget = new ReassemblyBudget();
	/** Peers that were removed and whose connections still write out; called when they have ended. */
	readonly #leaving = new Map<ConnectedPeer, () => void>();
	#listener: Listener | undefined;
	#metricTimer: Timer | undefined;
	#state: "new" | "running" | "stopped" = "new";

	/** @throws CairnError of blame "operator" that names what in the options is malformed */
	constructor(options: SwitchboardOptions, parts: SwitchboardParts) {
		invariant(parts.nodeInfo.id === parts.nodeKey.id, "the node info names the id of the node key");
		const { world, nodeKey, nodeInfo } = parts;
		this.#options = options;
		this.#parts = parts;
		this.#logger = (parts.logger ?? silentLogger).child({ module: "p2p" });
		this.#metrics = new P2pMetrics(parts.metrics ?? noMetrics);
		this.#channels = parts.handlers.flatMap((handler) => handler.channels);
		for (const handler of parts.handlers) {
			for (const { id } of handler.channels) {
				invariant(!this.#handlerByChannel.has(id), "a channel has one handler", { id, handler: handler.name });
				this.#handlerByChannel.set(id, handler);
			}
		}
		this.#turnEnd = new TurnEnd(world.timers);
		const admission = new Admission(options, nodeKey.id, world.clock, this.#peers);
		const logger = this.#logger;
		this.#admission = admission;
		this.#entrance = new Entrance(options, {
			world,
			nodeKey,
			nodeInfo,
			admission,
			logger,
			welcome: (candidate, upgraded, upgrade) => this.#welcome(candidate, upgraded, upgrade),
			missed: (id) => this.#reconnect(id, false),
			fatal: (error) => this.#fatal(error),
		});
		this.#dialer = new Dialer(
			{ jitterMs: options.dialJitterMs, maxPeriodMs: options.persistentPeersMaxDialPeriodMs },
			{
				world,
				logger,
				connect: (address) => this.#entrance.connect(address),
				isPersistent: (address) => this.isPersistent(address.id),
				isKnown: (id) => this.isKnown(id),
			},
		);
	}

	/** Connected peers, in the order of their coming; a list that does not change. */
	get peers(): readonly Peer[] {
		return this.#peers.list;
	}

	peer(id: string): Peer | undefined {
		return this.#peers.get(id);
	}

	get isListening(): boolean {
		return this.#listener !== undefined;
	}

	/** `ip:port` where it really listens; empty if it does not. */
	get listenAddress(): string {
		return this.#listener?.address ?? "";
	}

	get counts(): SwitchboardCounts {
		const strangers = this.#peers.list.filter((peer) => !this.#admission.isPrivileged(peer.id));
		const outbound = strangers.filter((peer) => peer.outbound).length;
		const dialing = [...this.#admission.pending.values()].filter((each) => each.outbound).length;
		return { outbound, inbound: strangers.length - outbound, dialing, halfOpen: this.#entrance.halfOpen };
	}

	isPersistent(id: string): boolean {
		return this.#admission.persistentAddress(id) !== undefined;
	}

	isUnconditional(id: string): boolean {
		return this.#admission.isUnconditional(id);
	}

	/** True for ids that peer exchange must not give away. */
	isPrivate(id: string): boolean {
		return this.#admission.isPrivate(id);
	}

	/** True while a connection with this id exists or is being made. */
	isKnown(id: string): boolean {
		return this.#peers.has(id) || this.#admission.pending.has(id);
	}

	/** Listens, and dials the persistent peers. @throws CairnError of blame "operator" when it cannot listen */
	async start(): Promise<void> {
		invariant(this.#state === "new", "a switchboard starts once");
		const { listenAddress } = this.#options;
		if (listenAddress !== "") {
			const accept = this.#entrance.accept.bind(this.#entrance);
			this.#listener = await this.#parts.world.network.listen(listenAddress, accept);
			this.#logger.info("P2P is listening", { address: this.#listener.address });
		}
		this.#state = "running";
		for (const address of this.#admission.persistentAddresses) this.#dialer.dial(address);
		this.#measureQueues();
	}

	/** Takes leave of all peers (what they were sent still goes out) and stops listening and dialling. */
	async stop(): Promise<void> {
		if (this.#state === "stopped") return;
		this.#state = "stopped";
		this.#metricTimer?.cancel();
		this.#dialer.stop();
		this.#entrance.close();
		for (const peer of this.#peers.list) this.#remove(peer, "the node stops", "gracefully");
		await this.#listener?.close();
		this.#listener = undefined;
		if (this.#leaving.size === 0) return;
		const waiting = [...this.#leaving.keys()];
		await Promise.all(waiting.map((peer) => new Promise<void>((resolve) => this.#leaving.set(peer, resolve))));
	}

	/**
	 * Ends the connection with a peer. `fault`: it did what only a broken or hostile node does; several of them ban
	 * it for a while. Persistent peers are dialled again in either case and never banned.
	 */
	stopPeer(peer: Peer, reason: string, fault: boolean): void {
		const known = this.#peers.get(peer.id);
		if (known === undefined || known !== peer) return;
		this.#logger.error("Stopping peer for error", { peer: describe(known), err: reason });
		this.#remove(known, reason, fault ? "fault" : "at once");
	}

	/** Ends the connection once all that was queued for the peer is sent (at most 2 s later). */
	stopPeerGracefully(peer: Peer, reason: string): void {
		const known = this.#peers.get(peer.id);
		if (known === undefined || known !== peer) return;
		this.#logger.info("Stopping peer gracefully", { peer: describe(known), reason });
		this.#remove(known, reason, "gracefully");
	}

	/**
	 * Dials these (`id@host:port`) after a random delay, as an operator asks for it.
	 * @throws CairnError `p2p-malformed-address` for the first malformed one; then nothing has been done
	 */
	dialPeers(addresses: readonly string[], options: DialOptions = {}): void {
		const parsed = addresses.map(parsePeerAddress);
		const ids = parsed.map((address) => address.id);
		if (options.private) this.#admission.addPrivate(ids);
		if (options.unconditional) this.#admission.addUnconditional(ids);
		for (const address of parsed) {
			if (options.persistent) this.#admission.addPersistent(address);
			if (this.#state === "running") this.#dialer.dial(address);
		}
	}

	/** Dials once, now. Rejects with the reason (a CairnError) when it does not become a peer. */
	dialPeer(address: PeerAddress): Promise<Peer> {
		return this.#entrance.connect(address);
	}

	#welcome(candidate: PeerCandidate, upgraded: Upgraded, upgrade: Upgrade): Peer {
		const { world, handlers } = this.#parts;
		const connection = new MConnection(
			upgraded.connection,
			this.#channels,
			this.#options.connection,
			{ world, turnEnd: this.#turnEnd, budget: this.#budget },
			{
				onMessage: (channelId, message) => this.#guard(peer, () => peer.deliver(channelId, message)),
				onDrained: (channelId) => {
					this.#guard(peer, () => this.#handlerByChannel.get(channelId)?.drained?.(peer, channelId));
				},
				onEnd: (error) => this.#ended(peer, error),
			},
		);
		const identity = { ...candidate, persistent: this.isPersistent(candidate.id) };
		const peer = new ConnectedPeer(identity, connection, this.#handlerByChannel, this.#metrics, world.clock.mono());
		this.#peers.add(peer);
		this.#metrics.peers.set(this.#peers.size);
		this.#logger.debug("Added peer", { peer: describe(peer) });
		for (const handler of handlers) {
			if (!peer.connected) break;
			peer.introducedTo++;
			this.#guard(peer, () => handler.addPeer(peer));
		}
		connection.start(upgrade.takeEarlyBytes());
		return peer;
	}

	/** Runs a handler's code: what it throws is the peer's fault, or it is ours and fatal. */
	#guard(peer: ConnectedPeer, call: () => void): void {
		try {
			call();
		} catch (error) {
			if (error instanceof CairnError && error.blame === "peer") this.stopPeer(peer, error.message, true);
			else this.#fatal(error);
		}
	}

	#fatal(error: unknown): void {
		const { onFatal, world } = this.#parts;
		if (onFatal !== undefined) {
			onFatal(error);
			return;
		}
		world.timers.after(0, () => {
			throw error;
		});
	}

	/** The connection of a peer is over, by whatever cause. */
	#ended(peer: ConnectedPeer, error: Error | undefined): void {
		this.#leaving.get(peer)?.();
		this.#leaving.delete(peer);
		if (this.#peers.get(peer.id) !== peer) return;
		const reason = error === undefined ? "EOF: the other side ended the connection" : messageOf(error);
		const fields = { peer: describe(peer), err: reason };
		if (error !== undefined && isOurs(error)) this.#fatal(error);
		if (error === undefined) this.#logger.info("Stopping peer for error", fields);
		else this.#logger.error("Stopping peer for error", fields);
		this.#remove(peer, reason, isFault(error) ? "fault" : "at once");
	}

	#remove(peer: ConnectedPeer, reason: string, farewell: Farewell): void {
		if (!this.#peers.delete(peer)) return;
		this.#metrics.peers.set(this.#peers.size);
		if (farewell === "gracefully") {
			this.#leaving.set(peer, () => undefined);
			peer.connection.finish();
		} else peer.connection.stop();
		for (const handler of this.#parts.handlers.slice(0, peer.introducedTo)) {
			this.#guard(peer, () => handler.removePeer(peer, reason));
		}
		if (farewell === "fault") {
			const banMs = this.#admission.fault(peer.id, peer.remoteIp);
			if (banMs > 0) this.#logger.info("Banning peer", { id: peer.id, ip: peer.remoteIp, banMs, err: reason });
		}
		const heldFor = this.#parts.world.clock.mono() - peer.since;
		this.#reconnect(peer.id, farewell !== "fault" && heldFor >= STABLE_CONNECTION);
	}

	/** Dials a persistent peer again, if there is no connection with it. */
	#reconnect(id: string, wasStable: boolean): void {
		const address = this.#admission.persistentAddress(id);
		if (address === undefined || this.#state !== "running" || this.isKnown(id)) return;
		this.#dialer.reconnect(address, wasStable);
	}

	#measureQueues(): void {
		this.#metricTimer = this.#parts.world.timers.after(QUEUE_METRIC_PERIOD, () => this.#measureQueues());
		for (const peer of this.#peers.list) {
			this.#metrics.sendQueueSize.set(peer.queuedMessages(), { peer_id: peer.id });
		}
	}
}

function describe(peer: ConnectedPeer): string {
	return `Peer{${peer.remoteAddress} ${peer.id} ${peer.outbound ? "out" : "in"}}`;
}
