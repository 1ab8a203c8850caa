import type { AnnouncedBlock } from "./node-link.ts";
import { Durations } from "./percentile.ts";

/** A transaction that was handed in and is not in a block yet. */
export interface PendingTx {
	/** Base64. */
	readonly tx: string;
	/** When it was first handed in, monotonic milliseconds. */
	readonly sentAt: number;
	/** What the chain should say of it: `accepted`, or a reason. */
	readonly expected: string;
	/** How often it was handed in. */
	readonly attempts: number;
	/** When it was last handed in. */
	readonly lastAttemptAt: number;
}

/** Names the reason behind a code; `codespace` tells whose code it is. */
export type ReasonOf = (code: number, codespace: string) => string;

/** Latencies that the live view looks back on. */
const RECENT = 500;

/** What became of everything that the fleet sent. */
export class TxLedger {
	readonly #reasonOf: ReasonOf;
	readonly #pending = new Map<string, PendingTx>();
	readonly #refused = new Map<string, number>();
	readonly #recent: number[] = [];
	readonly latencies = new Durations();
	#sent = 0;
	#committed = 0;
	#surprises = 0;

	constructor(reasonOf: ReasonOf) {
		this.#reasonOf = reasonOf;
	}

	get sent(): number {
		return this.#sent;
	}

	/** Accepted and in a block. */
	get committed(): number {
		return this.#committed;
	}

	/** Refused, by reason: when they were handed in, or in a block. */
	get refused(): ReadonlyMap<string, number> {
		return this.#refused;
	}

	get refusedCount(): number {
		let sum = 0;
		for (const count of this.#refused.values()) sum += count;
		return sum;
	}

	get pendingCount(): number {
		return this.#pending.size;
	}

	/** How often the chain said something else than the fleet expected of it. */
	get surprises(): number {
		return this.#surprises;
	}

	/** A percentile of the last latencies, in milliseconds. */
	recentLatency(share: number): number | null {
		const sorted = [...this.#recent].sort((a, b) => a - b);
		return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
	}

	/** A transaction is being handed in, for the first time. */
	submit(tx: string, expected: string, now: number): PendingTx {
		this.#sent++;
		const pending = { tx, expected, sentAt: now, attempts: 1, lastAttemptAt: now };
		this.#pending.set(tx, pending);
		return pending;
	}

	/** It is being handed in once more. */
	resubmit(tx: string, now: number): void {
		const pending = this.#pending.get(tx);
		if (pending === undefined) return;
		this.#pending.set(tx, { ...pending, attempts: pending.attempts + 1, lastAttemptAt: now });
	}

	/** The application refused it when it was handed in. */
	refuseByCode(tx: string, code: number, codespace: string): void {
		this.refuse(tx, this.#reasonOf(code, codespace));
	}

	/** It will not be in a block, for this reason. */
	refuse(tx: string, reason: string): void {
		const pending = this.#take(tx);
		if (pending !== undefined) this.#countRefusal(pending, reason);
	}

	/** A block is final. Other people's transactions in it are passed over. */
	final(block: AnnouncedBlock, now: number): void {
		for (const { tx, code, codespace } of block.txs) {
			const pending = this.#take(tx);
			if (pending === undefined) continue;
			const latency = now - pending.sentAt;
			this.latencies.add(latency);
			this.#recent.push(latency);
			if (this.#recent.length > RECENT) this.#recent.shift();
			if (code !== 0) {
				this.#countRefusal(pending, this.#reasonOf(code, codespace));
				continue;
			}
			this.#committed++;
			if (pending.expected !== "accepted") this.#surprises++;
		}
	}

	isPending(tx: string): boolean {
		return this.#pending.has(tx);
	}

	/** Those that have waited for a block longer than this since they were last handed in. */
	overdue(now: number, afterMs: number): readonly PendingTx[] {
		return [...this.#pending.values()].filter(({ lastAttemptAt }) => now - lastAttemptAt >= afterMs);
	}

	/** Nobody waits any longer: what is still pending counts as refused for this reason. */
	close(reason: string): void {
		for (const tx of [...this.#pending.keys()]) this.refuse(tx, reason);
	}

	#take(tx: string): PendingTx | undefined {
		const pending = this.#pending.get(tx);
		this.#pending.delete(tx);
		return pending;
	}

	#countRefusal(pending: PendingTx, reason: string): void {
		this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
		if (pending.expected !== reason) this.#surprises++;
	}
}
