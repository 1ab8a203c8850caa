import { sha256 } from "@cairn/crypto";
import { CairnError, type Clock, fromBase64, type Timers, toBase64 } from "@cairn/kit";
import type { AskAny } from "./block-watch.ts";
import { numberAt, textAt, valueAt } from "./json-value.ts";
import type { CheckAnswer } from "./node-link.ts";
import type { PendingTx, TxLedger } from "./tx-ledger.ts";

/** Where readings come from. */
export interface ReadingSource {
	readonly devices: number;
	/** The next signed reading of a device, and what the chain should say of it. */
	next(device: number, nowNs: bigint): { readonly tx: Uint8Array; readonly expected: string };
}

/** Somebody who takes transactions: a link to a node. */
export interface TxTaker {
	readonly connected: boolean;
	broadcast(tx: string): Promise<CheckAnswer>;
}

export interface FleetRunnerParts {
	readonly source: ReadingSource;
	readonly takers: readonly TxTaker[];
	readonly ledger: TxLedger;
	/** For `tx`: finds out what became of one that is overdue. */
	readonly ask: AskAny;
	readonly clock: Clock;
	readonly timers: Timers;
	/** How often each device sends a reading, in milliseconds. */
	readonly intervalMs: number;
}

const TICK_MS = 50;
/** After so long without a block a transaction is handed in again, to another node. */
const OVERDUE_MS = 8_000;
const OVERDUE_LOOK_MS = 1_000;
const MAX_ATTEMPTS = 6;
/** Readings under way at a time, per device; above it the fleet waits. */
const PENDING_PER_DEVICE = 10;

/** Lets the devices of a fleet send their readings in turn, evenly over time, and follows each into a block. */
export class FleetRunner {
	readonly #parts: FleetRunnerParts;
	/** Readings since the start that were made or passed over. */
	#emitted = 0;
	#startedAt = 0;
	#lastLookAt = 0;
	#stopped = true;
	#cancelTick = (): void => {};

	constructor(parts: FleetRunnerParts) {
		this.#parts = parts;
	}

	start(): void {
		this.#stopped = false;
		this.#startedAt = this.#parts.clock.mono();
		this.#emitted = 0;
		if (this.#parts.source.devices > 0) this.#schedule();
	}

	/** No new readings; those under way are still followed. */
	stop(): void {
		this.#stopped = true;
	}

	/** No new readings, and nothing is handed in again. */
	end(): void {
		this.stop();
		this.#cancelTick();
	}

	#schedule(): void {
		const timer = this.#parts.timers.after(TICK_MS, () => {
			this.#tick();
			this.#schedule();
		});
		this.#cancelTick = () => timer.cancel();
	}

	#tick(): void {
		const { clock, source, intervalMs, ledger, takers } = this.#parts;
		const now = clock.mono();
		if (now - this.#lastLookAt >= OVERDUE_LOOK_MS) {
			this.#lastLookAt = now;
			for (const pending of ledger.overdue(now, OVERDUE_MS)) void this.#again(pending);
		}
		const due = Math.floor(((now - this.#startedAt) * source.devices) / intervalMs);
		const mayEmit = !this.#stopped && takers.some(({ connected }) => connected);
		// What could not be sent in its time is not made up for: a device that is held up measures later.
		const first = Math.max(this.#emitted, due - source.devices);
		this.#emitted = due;
		for (let count = first; mayEmit && count < due; count++) {
			if (ledger.pendingCount >= source.devices * PENDING_PER_DEVICE) return;
			this.#emit(count % source.devices);
		}
	}

	#emit(device: number): void {
		const { clock, source, ledger } = this.#parts;
		const { tx, expected } = source.next(device, clock.wall());
		const text = toBase64(tx);
		ledger.submit(text, expected, clock.mono());
		void this.#hand(text, device);
	}

	/** Hands a transaction to the node of this turn, or to the next one that is up. */
	async #hand(tx: string, turn: number): Promise<void> {
		const { takers, ledger } = this.#parts;
		for (let step = 0; step < takers.length; step++) {
			const taker = takers[(turn + step) % takers.length];
			if (taker?.connected !== true) continue;
			try {
				const { code, codespace } = await taker.broadcast(tx);
				if (code !== 0) ledger.refuseByCode(tx, code, codespace);
				return;
			} catch (cause) {
				const reason = refusalOf(cause);
				if (reason !== null) {
					if (reason !== ALREADY_THERE) ledger.refuse(tx, reason);
					return;
				}
			}
		}
		// Nobody is there: it is handed in again when it is overdue.
	}

	async #again({ tx, attempts }: PendingTx): Promise<void> {
		const { ledger, clock } = this.#parts;
		ledger.resubmit(tx, clock.mono());
		if (await this.#found(tx)) return;
		if (attempts >= MAX_ATTEMPTS) ledger.refuse(tx, "lost");
		else await this.#hand(tx, attempts);
	}

	/** Whether it is in a block that nobody announced to us. */
	async #found(tx: string): Promise<boolean> {
		const { ask, ledger, clock } = this.#parts;
		try {
			const [found] = await ask([{ method: "tx", params: { hash: toBase64(sha256(fromBase64(tx))) } }]);
			const height = numberAt(found, "height");
			if (height === 0) return false;
			const result = valueAt(found, "tx_result");
			const word = {
				code: numberAt(result, "code"),
				codespace: textAt(result, "codespace"),
				log: textAt(result, "log"),
			};
			ledger.final({ height, txs: [{ tx, ...word }] }, clock.mono());
			return true;
		} catch {
			return false;
		}
	}
}

/** The node has the transaction already: it waits for its block there. */
const ALREADY_THERE = "already there";

/** Why a node took no transaction; null where another node may take it. */
function refusalOf(cause: unknown): string | null {
	if (!(cause instanceof CairnError) || cause.code !== "rpc-refused") return null;
	if (cause.message.includes("already exists in cache")) return ALREADY_THERE;
	return cause.message.includes("mempool is full") ? "mempool-full" : "rpc-error";
}
