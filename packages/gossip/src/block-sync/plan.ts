import { invariant } from "@cairn/kit";
import type { Height, TimeNs } from "@cairn/types";
import { MIN_RECEIVE_RATE, ReceiveRate } from "./receive-rate.ts";
import { SyncTracker } from "./sync-tracker.ts";

/** Requests that one peer may have to answer at a time. */
export const MAX_REQUESTS_PER_PEER = 20;
/** A peer that owes blocks and sends none for so long is stopped. */
export const PEER_TIMEOUT = 15_000;
/** A block that has not come for so long is asked of others. */
export const REQUEST_RETRY = 30_000;
/** A peer that does not have a block is not asked for it again for so long. */
const REFUSAL_MEMORY = 5_000;
/** Blocks so near to the next one are asked of two peers. */
const NEAR = 50;
/** How long a peer that lied is not asked for anything. */
const BAN = 60_000;
/** Time for peers to connect before blocks are asked for; Go waits 3 s. */
export const FIRST_REQUEST_WAIT = 1_000;
/** Time for peers to connect before their absence means anything. */
const PEER_CONNECT_WAIT = 3_000;
/** Without a block for so long, it is over. */
export const NO_BLOCK_TIMEOUT = 30_000;
/** After a peer that knew of higher blocks was lost, others are given time to tell that they do. */
const LOSS_GRACE = 15_000;
/** Blocks held in memory; the next two are asked for in any case. */
const MAX_HELD_BYTES = 134_217_728;
/** A peer's requests that it may still answer although we have given them up. */
const MAX_ABANDONED = 100;
/** Who did not answer a request in time is asked again for the same only if others are much slower. */
const SLOW_DISCOUNT = 0.01;
/** A request must be so old before its peer is called slow: many small blocks make a low rate too. */
const SLOW_REQUEST = 5_000;

export type PlanAction =
	| { readonly kind: "request"; readonly peer: string; readonly height: Height }
	/** The peer is to be disconnected. `fault`: it broke a rule, else it was only slow. */
	| { readonly kind: "stop"; readonly peer: string; readonly reason: string; readonly fault: boolean };

export type BlockVerdict =
	| { readonly kind: "kept" }
	/** It was asked for, but is here already. */
	| { readonly kind: "late" }
	| { readonly kind: "unsolicited"; readonly why: string };

interface PlannedPeer {
	readonly id: string;
	base: Height;
	height: Height;
	/** Heights asked for and not answered, with the time of asking. */
	readonly owed: Map<Height, number>;
	/** Heights asked for before, whose answers do no harm. */
	readonly abandoned: Set<Height>;
	rate: ReceiveRate;
	/** It has answered everything. */
	isIdle: boolean;
	/** When it is stopped unless it sends something. */
	deadline: number;
}

interface Wanted<B> {
	readonly height: Height;
	/** Peers asked, at most two. */
	readonly asked: Set<string>;
	/** Peers that do not have it, and until when that is believed. */
	readonly refused: Map<string, number>;
	/** Peers that did not answer in time. */
	readonly slow: Set<string>;
	block: B | null;
	from: string;
	bytes: number;
	retryAt: number;
}

/**
 * Decides whom to ask for which block (blocksync/pool.go). Pure: time comes in, requests go out. A block is held until the
 * one behind it has proved it; who sent false ones is banned.
 *
 * Differs from Go where Go was seen to be weak: the two blocks of a failed pair are not blamed both, a peer that does not have
 * a block is not asked for it over and over, the memory for blocks is bounded in bytes, and the loss of the peers that knew of
 * higher blocks does not at once count as having caught up.
 */
export class BlockSyncPlan<B> {
	readonly #start: Height;
	readonly #startedAt: number;
	readonly #tracker = new SyncTracker(NO_BLOCK_TIMEOUT);
	readonly #peers = new Map<string, PlannedPeer>();
	readonly #banned = new Map<string, number>();
	readonly #wanted = new Map<Height, Wanted<B>>();
	#height: Height;
	#maxPeerHeight: Height = 0;
	#heldBytes = 0;
	#graceUntil = 0;

	/** @param start the first height to fetch */
	constructor(start: Height, now: number) {
		this.#start = start;
		this.#height = start;
		this.#startedAt = now;
	}

	/** The next height to apply. */
	get height(): Height {
		return this.#height;
	}

	/** The greatest height that a peer of use has told. */
	get maxPeerHeight(): Height {
		return this.#maxPeerHeight;
	}

	get peerCount(): number {
		return this.#peers.size;
	}

	get heldBytes(): number {
		return this.#heldBytes;
	}

	isBanned(peer: string, now: number): boolean {
		return (this.#banned.get(peer) ?? Number.NEGATIVE_INFINITY) > now;
	}

	/** True if this peer owes us a block, or did when we still wanted it. */
	hasAsked(peer: string): boolean {
		const known = this.#peers.get(peer);
		return known !== undefined && (known.owed.size > 0 || known.abandoned.size > 0);
	}

	// ------------------------------------------------------------------------------------------------ peers

	/** A peer told which blocks it has. One that had more before lies now or lied then (GHSA-22qq-3xwm-r5x4). */
	peerStatus(id: string, base: Height, height: Height, now: number): void {
		const known = this.#peers.get(id);
		if (base > height || (known !== undefined && (base < known.base || height < known.height))) {
			this.#ban(id, now);
			return;
		}
		if (known !== undefined) {
			known.base = base;
			known.height = height;
		} else {
			if (this.isBanned(id, now)) return;
			const rate = new ReceiveRate(now);
			const none = { owed: new Map<Height, number>(), abandoned: new Set<Height>() };
			this.#peers.set(id, { id, base, height, ...none, rate, isIdle: true, deadline: now });
		}
		this.#updateMaxPeerHeight();
	}

	/** The peer is gone; what it owes is asked of others. */
	removePeer(id: string, now: number): void {
		const peer = this.#peers.get(id);
		if (peer === undefined) return;
		if (peer.height > this.#height) this.#graceUntil = Math.max(this.#graceUntil, now + LOSS_GRACE);
		this.#peers.delete(id);
		for (const wanted of this.#wanted.values()) {
			wanted.asked.delete(id);
			if (wanted.block !== null && wanted.from === id) this.#drop(wanted);
		}
		this.#updateMaxPeerHeight();
	}

	#ban(id: string, now: number): void {
		this.removePeer(id, now);
		this.#banned.set(id, now + BAN);
	}

	/** A peer whose lowest block is above the next one cannot help, and must not keep us here (#5803). */
	#updateMaxPeerHeight(): void {
		this.#maxPeerHeight = 0;
		for (const { base, height } of this.#peers.values()) {
			if (base <= this.#height && height > this.#maxPeerHeight) this.#maxPeerHeight = height;
		}
	}

	// ------------------------------------------------------------------------------------------------ blocks

	blockReceived(id: string, height: Height, block: B, bytes: number, now: number): BlockVerdict {
		const peer = this.#peers.get(id);
		if (peer === undefined) return { kind: "unsolicited", why: `block ${height} from a peer that was not asked` };
		const wasOwed = peer.owed.delete(height);
		if (!wasOwed && !peer.abandoned.delete(height)) {
			return { kind: "unsolicited", why: `block ${height} was not asked of this peer` };
		}
		if (wasOwed) this.#progress(peer, bytes, now);
		const wanted = this.#wanted.get(height);
		if (wanted === undefined || wanted.block !== null) return { kind: "late" };
		wanted.block = block;
		wanted.from = id;
		wanted.bytes = bytes;
		this.#heldBytes += bytes;
		return { kind: "kept" };
	}

	#progress(peer: PlannedPeer, bytes: number, now: number): void {
		peer.rate.add(bytes, now);
		peer.deadline = now + PEER_TIMEOUT;
		peer.isIdle = peer.owed.size === 0;
	}

	/** The peer says that it does not have this block. */
	noBlock(id: string, height: Height, now: number): void {
		const peer = this.#peers.get(id);
		if (peer?.owed.delete(height) !== true) {
			peer?.abandoned.delete(height);
			return;
		}
		peer.isIdle = peer.owed.size === 0;
		const wanted = this.#wanted.get(height);
		if (wanted === undefined) return;
		wanted.asked.delete(id);
		wanted.refused.set(id, now + REFUSAL_MEMORY);
	}

	/** The next block and the one behind it, as far as they are here. */
	peek(): { readonly first: B | null; readonly second: B | null } {
		return {
			first: this.#wanted.get(this.#height)?.block ?? null,
			second: this.#wanted.get(this.#height + 1)?.block ?? null,
		};
	}

	/** The next block has been verified and is being applied. */
	pop(headerTime: TimeNs, now: number): void {
		const wanted = this.#wanted.get(this.#height);
		invariant(wanted?.block !== null && wanted !== undefined, "only a block that is here can be popped");
		this.#heldBytes -= wanted.bytes;
		this.#wanted.delete(this.#height);
		for (const id of wanted.asked) this.#abandon(id, wanted.height);
		this.#height++;
		this.#tracker.record(headerTime, now);
		this.#updateMaxPeerHeight();
	}

	#abandon(id: string, height: Height): void {
		const peer = this.#peers.get(id);
		if (peer?.owed.delete(height) === true && peer.abandoned.size < MAX_ABANDONED) peer.abandoned.add(height);
	}

	/** The block of this height is false: its sender is banned, everything it sent is asked of others. */
	blockFailed(height: Height, reason: string, now: number): PlanAction[] {
		const wanted = this.#wanted.get(height);
		if (wanted === undefined || wanted.block === null) return [];
		const peer = wanted.from;
		this.#drop(wanted);
		this.#ban(peer, now);
		return [{ kind: "stop", peer, reason, fault: true }];
	}

	#drop(wanted: Wanted<B>): void {
		this.#heldBytes -= wanted.bytes;
		wanted.block = null;
		wanted.from = "";
		wanted.bytes = 0;
	}

	// ------------------------------------------------------------------------------------------------ requests

	/** What to do now: ask for blocks, and stop who is too slow. Call it after each event and every now and then. */
	tick(now: number): PlanAction[] {
		const actions = this.#stopSlow(now);
		for (const [id, until] of this.#banned) if (until <= now) this.#banned.delete(id);
		if (now - this.#startedAt < FIRST_REQUEST_WAIT) return actions;
		this.#want();
		for (const wanted of this.#wanted.values()) this.#ask(wanted, now, actions);
		return actions;
	}

	#stopSlow(now: number): PlanAction[] {
		const actions: PlanAction[] = [];
		for (const peer of [...this.#peers.values()]) {
			if (peer.owed.size === 0) continue;
			const oldest = Math.min(...peer.owed.values());
			const isTooSlow = now - oldest >= SLOW_REQUEST && peer.rate.at(now) < MIN_RECEIVE_RATE;
			if (now < peer.deadline && !isTooSlow) continue;
			const reason = isTooSlow ? "peer is not sending us data fast enough" : "peer did not send us anything for 15s";
			this.removePeer(peer.id, now);
			actions.push({ kind: "stop", peer: peer.id, reason, fault: false });
		}
		return actions;
	}

	/** Opens as many heights as peers can be asked for, and memory holds. */
	#want(): void {
		for (;;) {
			const next = this.#height + this.#wanted.size;
			const isNext = next <= this.#height + 1;
			if (next > this.#maxPeerHeight || this.#wanted.size >= this.#peers.size * MAX_REQUESTS_PER_PEER) return;
			if (this.#heldBytes >= MAX_HELD_BYTES && !isNext) return;
			const retryAt = Number.POSITIVE_INFINITY;
			const nobody = { asked: new Set<string>(), refused: new Map<string, number>(), slow: new Set<string>() };
			this.#wanted.set(next, { height: next, ...nobody, block: null, from: "", bytes: 0, retryAt });
		}
	}

	#ask(wanted: Wanted<B>, now: number, actions: PlanAction[]): void {
		if (wanted.block !== null) return;
		if (now >= wanted.retryAt) {
			for (const id of wanted.asked) {
				this.#abandon(id, wanted.height);
				wanted.slow.add(id);
			}
			wanted.asked.clear();
			wanted.retryAt = Number.POSITIVE_INFINITY;
		}
		const wants = wanted.height - this.#height < NEAR ? 2 : 1;
		while (wanted.asked.size < wants) {
			const peer = this.#pick(wanted, now);
			if (peer === null) return;
			if (peer.isIdle) {
				peer.rate = new ReceiveRate(now);
				peer.deadline = now + PEER_TIMEOUT;
				peer.isIdle = false;
			}
			peer.owed.set(wanted.height, now);
			wanted.asked.add(peer.id);
			wanted.retryAt = now + REQUEST_RETRY;
			actions.push({ kind: "request", peer: peer.id, height: wanted.height });
		}
	}

	/**
	 * The peer that is likely to answer first, of those that have the block and may be asked. Nothing goes on without the next
	 * two blocks, so for them a peer may be asked although it owes many others.
	 */
	#pick({ height, asked, refused, slow }: Wanted<B>, now: number): PlannedPeer | null {
		const limit = height <= this.#height + 1 ? MAX_REQUESTS_PER_PEER + 2 : MAX_REQUESTS_PER_PEER;
		let best: PlannedPeer | null = null;
		let bestScore = 0;
		for (const peer of this.#peers.values()) {
			if (height < peer.base || height > peer.height || peer.owed.size >= limit) continue;
			if (asked.has(peer.id) || (refused.get(peer.id) ?? 0) > now) continue;
			const score = (peer.rate.at(now) / (peer.owed.size + 1)) * (slow.has(peer.id) ? SLOW_DISCOUNT : 1);
			if (best === null || score > bestScore) {
				best = peer;
				bestScore = score;
			}
		}
		return best;
	}

	// ------------------------------------------------------------------------------------------------ the end

	/** True if consensus should take over: nobody has more than we can verify, or waiting is not worth it. */
	isCaughtUp(now: number, wall: TimeNs): boolean {
		if (this.#peers.size === 0) return false;
		// A block is verified by the one behind it, so the last one of peers is left to consensus.
		const isLongest = this.#maxPeerHeight === 0 || this.#height >= this.#maxPeerHeight - 1;
		if (isLongest && now >= this.#graceUntil) return true;
		const running = now - this.#startedAt;
		if (running < PEER_CONNECT_WAIT) return false;
		if (this.#height > this.#start) return this.#tracker.isOver(now, wall);
		return running >= PEER_CONNECT_WAIT + NO_BLOCK_TIMEOUT;
	}
}
