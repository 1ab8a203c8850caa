import { entryAfter, type Mempool, type MempoolEntry } from "@cairn/chain";
import {
	BoundedQueue,
	CairnError,
	type Counter,
	type Gauge,
	type Logger,
	type Metrics,
	messageOf,
	type World,
} from "@cairn/kit";
import type { ChannelDescriptor, ChannelHandler, Peer } from "@cairn/network";
import { type Height, txKey } from "@cairn/types";
import { decodeTxs, encodeTxs, MEMPOOL_CHANNEL, messageLength, type TxsLimits } from "./messages.ts";

export interface MempoolGossipOptions extends TxsLimits {
	/** `mempool.broadcast`: pass transactions on to peers. */
	readonly broadcast: boolean;
	/** Send to at most so many persistent peers; 0: all. Unconditional peers do not count. */
	readonly maxPersistentPeers: number;
	/** Send to at most so many other peers; 0: all. */
	readonly maxNonPersistentPeers: number;
	/** `p2p.flush_throttle_timeout`: the longest that an accepted transaction waits for others to be sent with; ms. */
	readonly gatherMs: number;
	/** Take and send nothing until `enable` is called (Go's WaitSync). */
	readonly syncing: boolean;
}

export interface MempoolGossipParts {
	readonly mempool: Pick<Mempool, "checkTx" | "entries" | "onTx" | "turnsAway">;
	/** Height that a peer told in consensus; 0 while it has not. */
	readonly heightOf: (peerId: string) => Height;
	/** Peers that the operator exempts from limits. */
	readonly isUnconditional: (peerId: string) => boolean;
	readonly world: Pick<World, "clock" | "timers" | "random">;
	readonly logger: Logger;
	readonly metrics: Metrics;
}

/** Bytes of transactions in one message, at most; also where `max_tx_bytes` would allow more. */
const MAX_BATCH_BYTES = 65_536;
/** Transactions that the application is asked about at once; more from peers are dropped, as when the mempool is full. */
const MAX_CHECKS = 10_000;
const MAX_CHECKED_BYTES = 67_108_864;
/** Milliseconds of one turn of the event loop that received transactions may take: votes and blocks come first. */
const TURN_MS = 2;
/** Bytes of transactions that may wait for their turn; beyond, whoever sends has to wait for us. */
const MAX_WAITING_BYTES = 16_777_216;
/** Transactions between two looks at the clock. */
const TXS_PER_LOOK = 16;

/** How far one peer has been served. */
interface Listener {
	readonly peer: Peer;
	/** The peer has one of the limited places for those who are sent transactions. */
	isActive: boolean;
	/** The last entry that was sent or passed over. */
	last: MempoolEntry | null;
	/** Its number: nothing at or below it is sent again, wherever the walk starts. */
	lastNumber: number;
	/** Until the peer is so high, there is nothing for it. */
	waitsFor: Height;
}

/**
 * Passes transactions between mempools (mempool/reactor.go): each one to every peer that did not send it, in order of
 * arrival. Driven by what happens: a transaction is accepted, a queue has room, a peer has caught up.
 */
export class MempoolGossip implements ChannelHandler {
	readonly name = "mempool";
	readonly channels: readonly ChannelDescriptor[];
	readonly #options: MempoolGossipOptions;
	readonly #parts: MempoolGossipParts;
	readonly #logger: Logger;
	readonly #alreadyReceived: Counter;
	readonly #activeConnections: Gauge;
	readonly #listeners = new Map<string, Listener>();
	/** Transactions being checked, and the peers that sent them meanwhile. */
	readonly #checks = new Map<string, string[]>();
	#checkedBytes = 0;
	readonly #received = new BoundedQueue<Received>(Number.MAX_SAFE_INTEGER, "refuse-newest");
	#receivedBytes = 0;
	#isTakeDue = false;
	readonly #numbers = new WeakMap<MempoolEntry, number>();
	#nextNumber = 1;
	#isSyncing: boolean;
	#isPumpDue = false;

	constructor(options: MempoolGossipOptions, parts: MempoolGossipParts) {
		this.#options = options;
		this.#parts = parts;
		this.#isSyncing = options.syncing;
		this.#logger = parts.logger.child({ module: "mempool" });
		this.#alreadyReceived = parts.metrics.counter(
			"mempool_already_received_txs",
			"Transactions received more than once.",
		);
		this.#activeConnections = parts.metrics.gauge(
			"mempool_active_outbound_connections",
			"Peers that are sent transactions.",
		);
		this.channels = [
			{
				id: MEMPOOL_CHANNEL,
				name: "mempool",
				priority: 5,
				sendQueueCapacity: 64,
				sendQueueBytes: 1_048_576,
				receiveMessageCapacity: messageLength(options.maxTxBytes),
			},
		];
		parts.mempool.onTx((entry) => {
			this.#numbers.set(entry, this.#nextNumber++);
			for (const sender of this.#checks.get(entry.key) ?? []) entry.senders.add(sender);
			this.#pumpSoon();
		});
	}

	/** The node has caught up: transactions are taken and sent from now on. */
	enable(): void {
		if (!this.#isSyncing) return;
		this.#isSyncing = false;
		this.#pumpSoon();
	}

	/** A peer told of another height: it may be sent what it was too far behind for. */
	peerMoved(peer: Peer): void {
		const listener = this.#listeners.get(peer.id);
		if (listener !== undefined) this.#pump(listener);
	}

	// ------------------------------------------------------------------------------------------------ the network's events

	addPeer(peer: Peer): void {
		if (!this.#options.broadcast) return;
		const listener: Listener = { peer, isActive: false, last: null, lastNumber: -1, waitsFor: 0 };
		this.#listeners.set(peer.id, listener);
		this.#activate(listener);
		this.#pump(listener);
	}

	removePeer(peer: Peer): void {
		const listener = this.#listeners.get(peer.id);
		if (listener?.peer !== peer) return;
		this.#listeners.delete(peer.id);
		for (const waiting of this.#listeners.values()) {
			if (waiting.isActive) continue;
			this.#activate(waiting);
			this.#pump(waiting);
		}
		this.#showActive();
	}

	/** Takes one of the places of the peer's kind, if one is free. */
	#activate(listener: Listener): void {
		const { peer } = listener;
		const limit = peer.persistent ? this.#options.maxPersistentPeers : this.#options.maxNonPersistentPeers;
		const taken = [...this.#listeners.values()].filter((other) => {
			return other.isActive && other.peer.persistent === peer.persistent && !this.#isExempt(other.peer);
		});
		listener.isActive = limit === 0 || this.#isExempt(peer) || taken.length < limit;
		this.#showActive();
	}

	#isExempt({ id }: Peer): boolean {
		return this.#parts.isUnconditional(id);
	}

	#showActive(): void {
		this.#activeConnections.set([...this.#listeners.values()].filter(({ isActive }) => isActive).length);
	}

	/** @throws DecodeError, ValidationError what only a faulty peer sends */
	receive(peer: Peer, _channelId: number, message: Uint8Array): void {
		const txs = decodeTxs(message, this.#options);
		if (this.#isSyncing) return;
		for (const tx of txs) {
			this.#received.push({ tx, isAlone: txs.length === 1, sender: peer.id });
			this.#receivedBytes += tx.length;
		}
		if (this.#receivedBytes > MAX_WAITING_BYTES) this.#takeReceived(Number.POSITIVE_INFINITY);
		else this.#takeSoon();
	}

	drained(peer: Peer): void {
		this.peerMoved(peer);
	}

	messageType(): string {
		return "mempool_Txs";
	}

	// ------------------------------------------------------------------------------------------------ receiving

	#takeSoon(): void {
		if (this.#isTakeDue) return;
		this.#isTakeDue = true;
		this.#parts.world.timers.after(0, () => {
			this.#isTakeDue = false;
			this.#takeReceived(TURN_MS);
			if (this.#received.length > 0) this.#takeSoon();
		});
	}

	#takeReceived(ms: number): void {
		const { clock } = this.#parts.world;
		const until = clock.mono() + ms;
		do {
			for (const { tx, isAlone, sender } of this.#received.take(TXS_PER_LOOK)) {
				this.#receivedBytes -= tx.length;
				// A transaction alone may keep its message; one of many must not keep them all.
				this.#take(isAlone ? tx : tx.slice(), sender);
			}
		} while (this.#received.length > 0 && clock.mono() < until);
	}

	#take(tx: Uint8Array, sender: string): void {
		const key = txKey(tx);
		const senders = this.#parts.mempool.entries.get(key)?.senders;
		const others = this.#checks.get(key);
		if (senders !== undefined || others !== undefined) {
			this.#alreadyReceived.add(1);
			senders?.add(sender);
			others?.push(sender);
			return;
		}
		if (this.#checks.size >= MAX_CHECKS || this.#checkedBytes + tx.length > MAX_CHECKED_BYTES) {
			this.#logger.debug("too many transactions are being checked: dropped one", { peer: sender });
			return;
		}
		if (this.#parts.mempool.turnsAway(key, tx.length)) return;
		this.#checks.set(key, []);
		this.#checkedBytes += tx.length;
		this.#parts.mempool.checkTx(tx, sender, undefined, key).then(
			() => this.#checked(key, tx.length),
			(cause: unknown) => {
				this.#checked(key, tx.length);
				this.#refused(cause);
			},
		);
	}

	#checked(key: string, bytes: number): void {
		this.#checks.delete(key);
		this.#checkedBytes -= bytes;
	}

	#refused(cause: unknown): void {
		const code = cause instanceof CairnError ? cause.code : "";
		if (code === "tx-in-cache" || code === "mempool-full") this.#logger.debug(messageOf(cause));
		else this.#logger.info("Could not check tx", { err: messageOf(cause) });
	}

	// ------------------------------------------------------------------------------------------------ sending

	/**
	 * All that is accepted within a short time goes out together. How short is drawn anew each time: of two neighbours that
	 * have the same transaction from a third, one is first, and the other need not send it any more.
	 */
	#pumpSoon(): void {
		if (this.#isPumpDue || !this.#options.broadcast) return;
		this.#isPumpDue = true;
		const pumpAll = (): void => {
			this.#isPumpDue = false;
			for (const listener of this.#listeners.values()) this.#pump(listener);
		};
		const { timers, random } = this.#parts.world;
		const { gatherMs } = this.#options;
		if (gatherMs <= 0) void Promise.resolve().then(pumpAll);
		else timers.after(Math.ceil((gatherMs * (1 + (random.bytes(1)[0] ?? 0))) / 256), pumpAll);
	}

	#pump(listener: Listener): void {
		if (this.#isSyncing || !listener.isActive) return;
		const { peer } = listener;
		// An entry that is gone would keep all its successors in memory; its number is enough to go on from.
		if (listener.last?.removed === true) listener.last = null;
		const height = this.#parts.heightOf(peer.id);
		if (height < listener.waitsFor) return;
		while (peer.canSend(MEMPOOL_CHANNEL)) {
			const { txs, last } = this.#nextBatch(listener, height);
			if (txs.length > 0 && !peer.send(MEMPOOL_CHANNEL, encodeTxs(txs))) return;
			if (last !== null) {
				listener.last = last;
				listener.lastNumber = this.#numberOf(last);
			}
			if (txs.length === 0) return;
		}
	}

	/**
	 * What comes next for a peer, as much as fits one message. One that is more than a block behind the state that a
	 * transaction was checked against waits: it could not judge it (CometBFT's RFC 103).
	 */
	#nextBatch(listener: Listener, height: Height): Batch {
		const { peer, last, lastNumber } = listener;
		const limit = this.#options.maxTxBytes > 0 ? Math.min(MAX_BATCH_BYTES, this.#options.maxTxBytes) : MAX_BATCH_BYTES;
		const txs: Uint8Array[] = [];
		let bytes = 0;
		let passed: MempoolEntry | null = null;
		for (let entry = entryAfter(this.#parts.mempool.entries, last); entry !== null; entry = entry.next) {
			if (entry.removed || this.#numberOf(entry) <= lastNumber) continue;
			if (height < entry.height - 1) {
				listener.waitsFor = entry.height - 1;
				break;
			}
			if (!entry.senders.has(peer.id)) {
				if (txs.length > 0 && bytes + entry.tx.length > limit) break;
				txs.push(entry.tx);
				bytes += entry.tx.length;
			}
			passed = entry;
		}
		return { txs, last: passed };
	}

	/** Entries count up in order of arrival; those from before our time are 0. */
	#numberOf(entry: MempoolEntry): number {
		return this.#numbers.get(entry) ?? 0;
	}
}

/** A transaction that a peer has sent and nobody has looked at. */
interface Received {
	readonly tx: Uint8Array;
	/** It came in a message of its own. */
	readonly isAlone: boolean;
	readonly sender: string;
}

interface Batch {
	readonly txs: readonly Uint8Array[];
	/** The last entry that the batch, with those passed over, covers; null if nothing came next. */
	readonly last: MempoolEntry | null;
}
