import type { Effects, Engine, Input, Inward, Outward, Protocol, Stamp, TraceRecord } from "@cairn/consensus";
import { BoundedQueue, CairnError } from "@cairn/kit";

/** What the driver needs from the node around it. */
export interface Host<P extends Protocol> {
	now(): Stamp;
	append(record: TraceRecord<P>): void;
	/** Makes durable, in this order: every block body named so far, then the log. */
	barrier(): Promise<void>;
	perform(effect: Inward<P>): void;
	release(effect: Outward<P>): void;
	mark(line: string): void;
	/** No turn runs and none waits: everything that may be sent has been released. */
	settled(): void;
	/** The node must stop: an invariant of the engine or a write failed. */
	halt(what: string, cause: unknown): void;
}

/** Inputs taken into one turn at most: bounds the time between two looks at the event loop. */
const TURN_INPUTS = 256;
/** Inputs that may wait. Own answers are never refused; peers' messages are refused by the gate long before. */
export const INBOX_CAPACITY = 65_536;

/**
 * The one loop for every engine: log, step, pass the barrier once, release (docs/spec/contract.md). Turns never overlap;
 * inputs that come while the barrier is waited for make up the next turn.
 */
export class Driver<P extends Protocol> {
	readonly #engine: Engine<P>;
	readonly #host: Host<P>;
	readonly #inbox = new BoundedQueue<Input<P>>(INBOX_CAPACITY, "refuse-newest");
	#seq = 0;
	/** The log's tail holds answers of the signer. */
	#signed = false;
	/** The log's tail holds anything else. */
	#other = false;
	#running = false;
	#stopped = false;
	#idle: (() => void)[] = [];

	constructor(engine: Engine<P>, host: Host<P>) {
		this.#engine = engine;
		this.#host = host;
	}

	get queued(): number {
		return this.#inbox.length;
	}

	/** A turn runs, or inputs wait for one. */
	get busy(): boolean {
		return this.#running;
	}

	/** Queues an input; the turn starts at once if none runs. */
	push(input: Input<P>): void {
		if (this.#stopped) return;
		if (!this.#inbox.push(input)) {
			void this.stop();
			this.#host.halt("consensus inbox overflow", new CairnError("inbox-full", "us", "the consensus inbox is full"));
			return;
		}
		if (!this.#running) void this.#run();
	}

	/** Drops what waits and takes nothing more. Resolves when the turn under way has ended. */
	async stop(): Promise<void> {
		this.#stopped = true;
		this.#inbox.clear();
		if (this.#running) await new Promise<void>((resolve) => this.#idle.push(resolve));
	}

	async #run(): Promise<void> {
		this.#running = true;
		try {
			while (this.#inbox.length > 0 && !this.#stopped) await this.#turn(this.#inbox.take(TURN_INPUTS));
		} catch (cause) {
			this.#stopped = true;
			this.#host.halt("consensus failure", cause);
		} finally {
			this.#running = false;
			for (const resolve of this.#idle.splice(0)) resolve();
		}
		if (!this.#stopped) this.#host.settled();
	}

	async #turn(batch: readonly Input<P>[]): Promise<void> {
		const held: Outward<P>[] = [];
		const out: Effects<P> = {
			inward: (effect) => this.#host.perform(effect),
			outward: (effect) => held.push(effect),
			mark: (line) => this.#host.mark(line),
		};
		for (const input of batch) {
			const at = this.#host.now();
			this.#host.append({ seq: this.#seq++, at, input });
			if (input.kind === "signed") this.#signed = true;
			else this.#other = true;
			this.#engine.step(input, at, out);
		}
		// A signature or a commit is a promise: all it stands on must be durable, our own signed votes included. Only a
		// `send` may overtake unflushed `signed` records, because the guard makes the same signature again.
		const promises = held.some((effect) => effect.kind !== "send");
		if (held.length > 0 && (this.#other || (this.#signed && promises))) {
			await this.#host.barrier();
			this.#signed = false;
			this.#other = false;
		}
		for (const effect of held) this.#host.release(effect);
	}
}
