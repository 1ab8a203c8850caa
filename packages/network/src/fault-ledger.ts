import { FAULT_WINDOW, FIRST_BAN, LONGEST_BAN, MAX_FAULT_RECORDS } from "./limits.ts";

interface FaultRecord {
	faults: number;
	lastFault: number;
	bans: number;
	bannedUntil: number;
}

/** Counts faults per node id or IP address and says who is banned. Times in milliseconds of the monotonic clock. */
export class FaultLedger {
	readonly #capacity: number;
	/** In the order of their last fault. */
	readonly #records = new Map<string, FaultRecord>();

	constructor(capacity: number = MAX_FAULT_RECORDS) {
		this.#capacity = capacity;
	}

	get size(): number {
		return this.#records.size;
	}

	/**
	 * Notes a fault. The one that makes `limit` faults, each within ten minutes of the one before, bans: first for a
	 * minute, then twice as long each time. Gives the length of a ban that begins now, else 0.
	 */
	record(key: string, limit: number, now: number): number {
		const record = this.#records.get(key) ?? { faults: 0, lastFault: now, bans: 0, bannedUntil: 0 };
		if (now - record.lastFault > FAULT_WINDOW) record.faults = 0;
		record.faults++;
		record.lastFault = now;
		this.#records.delete(key);
		this.#records.set(key, record);
		this.#forgetOldest();
		if (record.faults < limit) return 0;
		const length = Math.min(FIRST_BAN * 2 ** record.bans, LONGEST_BAN);
		record.faults = 0;
		record.bans++;
		record.bannedUntil = now + length;
		return length;
	}

	isBanned(key: string, now: number): boolean {
		return (this.#records.get(key)?.bannedUntil ?? 0) > now;
	}

	/** Takes everything back, as when the operator names this peer. */
	forgive(key: string): void {
		this.#records.delete(key);
	}

	#forgetOldest(): void {
		if (this.#records.size <= this.#capacity) return;
		for (const key of this.#records.keys()) {
			this.#records.delete(key);
			return;
		}
	}
}
