import { CairnError, type Logger, messageOf } from "@cairn/kit";
import type { Config } from "../config/schema.ts";
import type { RunningNode, StopReason } from "../running-node.ts";

/** Closes what was opened, last first; goes on when one fails. */
export class Closers {
	readonly #logger: Logger;
	readonly #closers: { readonly what: string; readonly close: () => Promise<void> }[] = [];

	constructor(logger: Logger) {
		this.#logger = logger;
	}

	add(what: string, close: () => Promise<void>): void {
		this.#closers.push({ what, close });
	}

	async closeAll(): Promise<void> {
		for (const { what, close } of this.#closers.splice(0).reverse()) {
			try {
				await close();
			} catch (cause) {
				this.#logger.error("could not close in order", { what, err: messageOf(cause) });
			}
		}
	}
}

/** The end of a node: asked for, or forced by a failure. */
export class Life {
	readonly #closers: Closers;
	readonly #logger: Logger;
	#stopping: Promise<void> | null = null;
	#failure: { readonly what: string; readonly cause: unknown } | null = null;
	#tune: (config: Config) => void = () => {};
	#ended: (reason: StopReason) => void = () => {};
	readonly stopped: Promise<StopReason> = new Promise((resolve) => {
		this.#ended = resolve;
	});

	constructor(closers: Closers, logger: Logger) {
		this.#closers = closers;
		this.#logger = logger;
	}

	/** What went wrong, for `/health`; null while all is well. */
	get failure(): string | null {
		return this.#failure === null ? null : `${this.#failure.what}: ${messageOf(this.#failure.cause)}`;
	}

	/** Going on could be unsafe: the node stops and says why. */
	halt(what: string, cause: unknown): void {
		if (this.#failure !== null || this.#stopping !== null) return;
		this.#failure = { what, cause };
		const stack =
			cause instanceof Error && !(cause instanceof CairnError && cause.blame === "operator") ? cause.stack : undefined;
		this.#logger.error("CONSENSUS FAILURE!!!", { what, err: messageOf(cause), stack });
		void this.stop();
	}

	stop(): Promise<void> {
		this.#stopping ??= this.#closers.closeAll().then(() => {
			const failure = this.#failure;
			this.#ended(failure === null ? { reason: "stopped" } : { reason: failure.what, error: failure.cause });
		});
		return this.#stopping;
	}

	onTune(tune: (config: Config) => void): void {
		this.#tune = tune;
	}

	running(addresses: RunningNode["addresses"]): RunningNode {
		return { addresses, stop: () => this.stop(), tune: (config) => this.#tune(config), stopped: this.stopped };
	}
}
