import { CairnError, type Logger, messageOf, type Timer, type World } from "@cairn/kit";
import { REDIAL_ATTEMPTS, REDIAL_BACKOFF_ATTEMPTS, REDIAL_BACKOFF_BASE, REDIAL_INTERVAL } from "./limits.ts";
import { formatPeerAddress, type PeerAddress } from "./peer-address.ts";

export interface DialerOptions {
	/** Greatest random delay before each dial. */
	readonly jitterMs: number;
	/** Longest pause between two dials of a persistent peer; 0 for that of the schedule (up to 16 h). */
	readonly maxPeriodMs: number;
}

export interface DialerParts {
	readonly world: Pick<World, "timers" | "random">;
	readonly logger: Logger;
	/** Connects once; rejects with the reason. */
	readonly connect: (address: PeerAddress) => Promise<unknown>;
	/** True while this address shall be dialled until it works. */
	readonly isPersistent: (address: PeerAddress) => boolean;
	/** True while a connection with this node exists or is being made. */
	readonly isKnown: (id: string) => boolean;
}

/** After these there is no point in dialling: it is ourselves, or the peer is there. */
const SETTLED: ReadonlySet<string> = new Set(["p2p-self", "p2p-already-dialing", "p2p-duplicate-id"]);

/**
 * The pause before redial number `attempt` (from 0) without the random part: 20 times 5 s, then 3, 9, 27 … 3^10 s.
 * Go gives up after that; we stay at the longest pause.
 */
export function redialPause(attempt: number, maxPeriodMs: number): number {
	if (attempt < REDIAL_ATTEMPTS) return REDIAL_INTERVAL;
	const power = Math.min(attempt - REDIAL_ATTEMPTS + 1, REDIAL_BACKOFF_ATTEMPTS);
	const pause = 1000 * REDIAL_BACKOFF_BASE ** power;
	return maxPeriodMs > 0 ? Math.min(pause, maxPeriodMs) : pause;
}

/** Dials addresses after a random delay, persistent ones again and again (p2p/switch.go `reconnectToPeer`). */
export class Dialer {
	readonly #options: DialerOptions;
	readonly #parts: DialerParts;
	/** What is waiting or being dialled, by node id. */
	readonly #tasks = new Map<string, { timer: Timer | undefined; attempt: number }>();
	#stopped = false;

	constructor(options: DialerOptions, parts: DialerParts) {
		this.#options = options;
		this.#parts = parts;
	}

	/** Dials soon, unless it is about to already. */
	dial(address: PeerAddress): void {
		this.#schedule(address, 0, 0);
	}

	/** A persistent peer is gone: dials at once, or after a pause if the connection held only shortly. */
	reconnect(address: PeerAddress, wasStable: boolean): void {
		if (this.#stopped || this.#tasks.has(address.id)) return;
		this.#parts.logger.info("Reconnecting to peer", { addr: formatPeerAddress(address) });
		if (wasStable) this.#start(address, 0);
		else this.#schedule(address, 0, redialPause(0, this.#options.maxPeriodMs));
	}

	stop(): void {
		this.#stopped = true;
		for (const { timer } of this.#tasks.values()) timer?.cancel();
		this.#tasks.clear();
	}

	#schedule(address: PeerAddress, attempt: number, pause: number): void {
		if (this.#stopped || this.#tasks.has(address.id)) return;
		const delay = pause + this.#jitter();
		const timer = this.#parts.world.timers.after(delay, () => this.#start(address, attempt));
		this.#tasks.set(address.id, { timer, attempt });
	}

	#jitter(): number {
		const [a = 0, b = 0, c = 0] = this.#parts.world.random.bytes(3);
		return Math.floor((((a << 16) | (b << 8) | c) / 0x1000000) * this.#options.jitterMs);
	}

	#start(address: PeerAddress, attempt: number): void {
		this.#tasks.set(address.id, { timer: undefined, attempt });
		this.#parts.connect(address).then(
			() => this.#connected(address, attempt),
			(error: unknown) => this.#failed(address, attempt, error),
		);
	}

	#connected(address: PeerAddress, attempt: number): void {
		this.#tasks.delete(address.id);
		// The peer may be gone already.
		if (!this.#parts.isPersistent(address) || this.#parts.isKnown(address.id)) return;
		this.#schedule(address, attempt + 1, redialPause(attempt, this.#options.maxPeriodMs));
	}

	#failed(address: PeerAddress, attempt: number, error: unknown): void {
		this.#tasks.delete(address.id);
		if (this.#stopped) return;
		const { logger, isPersistent } = this.#parts;
		const fields = { addr: formatPeerAddress(address), err: messageOf(error) };
		if (error instanceof CairnError && SETTLED.has(error.code)) {
			logger.debug("Error dialing peer", fields);
			return;
		}
		if (!isPersistent(address)) {
			logger.error("Error dialing peer", fields);
			return;
		}
		logger.info("Error reconnecting to peer. Trying again", { ...fields, tries: attempt });
		if (attempt + 1 === REDIAL_ATTEMPTS) {
			logger.error("Failed to reconnect to peer. Beginning exponential backoff", fields);
		}
		this.#schedule(address, attempt + 1, redialPause(attempt, this.#options.maxPeriodMs));
	}
}
