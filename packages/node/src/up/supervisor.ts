import type { Clock, Timer, Timers } from "@cairn/kit";
import { NodeProcess, type NodeProcessSpec, type ProcessEnd } from "./node-process.ts";
import { restartDelay } from "./restart-policy.ts";

/** What a supervised process is doing. `down`: it ended too often and stays down. */
export type SupervisedState = "running" | "restarting" | "down" | "stopped";

/** A process ended although nobody asked it to. */
export interface Crash {
	readonly name: string;
	readonly end: ProcessEnd;
	/** Null: it stays down. */
	readonly restartInMs: number | null;
}

/** Who is told what happens to the processes. */
export interface SupervisorEvents {
	crashed(crash: Crash): void;
	restarted(name: string): void;
}

export interface SupervisorParts {
	readonly clock: Clock;
	readonly timers: Timers;
	readonly events: SupervisorEvents;
}

/** Keeps processes running: starts them, starts them again a bounded number of times, and stops them all. */
export class Supervisor {
	readonly #supervised: readonly Supervised[];

	constructor(specs: readonly NodeProcessSpec[], parts: SupervisorParts) {
		this.#supervised = specs.map((spec) => new Supervised(spec, parts));
	}

	/** @throws CairnError where a log file cannot be opened */
	async startAll(): Promise<void> {
		for (const each of this.#supervised) await each.start();
	}

	/**
	 * Asks all to stop (SIGTERM) and resolves once they have ended; those that take longer than `graceMs` are killed.
	 * Returns the names of those.
	 */
	async stopAll(graceMs: number): Promise<readonly string[]> {
		const killed = await Promise.all(this.#supervised.map((each) => each.stop(graceMs)));
		return this.#supervised.filter((_, index) => killed[index]).map((each) => each.name);
	}

	/** Ends all processes at once. */
	killAll(): void {
		for (const each of this.#supervised) each.kill();
	}

	states(): readonly SupervisedState[] {
		return this.#supervised.map((each) => each.state);
	}

	/** The process of a node; null between a crash and the restart. */
	process(index: number): NodeProcess | null {
		return this.#supervised[index]?.process ?? null;
	}

	/** Processor time that all processes of a node took so far, in seconds. */
	async cpuSeconds(index: number): Promise<number> {
		return (await this.#supervised[index]?.cpuSeconds()) ?? 0;
	}
}

class Supervised {
	readonly #spec: NodeProcessSpec;
	readonly #parts: SupervisorParts;
	readonly #restarts: number[] = [];
	#process: NodeProcess | null = null;
	#earlierCpuSeconds = 0;
	#restartTimer: Timer | null = null;
	#stopping = false;
	state: SupervisedState = "stopped";

	constructor(spec: NodeProcessSpec, parts: SupervisorParts) {
		this.#spec = spec;
		this.#parts = parts;
	}

	get name(): string {
		return this.#spec.name;
	}

	get process(): NodeProcess | null {
		return this.#process;
	}

	async start(): Promise<void> {
		const process = await NodeProcess.start(this.#spec);
		this.#process = process;
		this.state = "running";
		void process.ended.then((end) => this.#ended(process, end));
		// A stop may have been asked for while the log was being opened.
		if (this.#stopping) process.signal("SIGTERM");
	}

	async stop(graceMs: number): Promise<boolean> {
		this.#stopping = true;
		this.#restartTimer?.cancel();
		const process = this.#process;
		let killed = false;
		if (process?.running === true) {
			process.signal("SIGTERM");
			const timer = this.#parts.timers.after(graceMs, () => {
				killed = true;
				process.signal("SIGKILL");
			});
			await process.ended;
			timer.cancel();
		}
		this.state = "stopped";
		return killed;
	}

	kill(): void {
		this.#stopping = true;
		this.#restartTimer?.cancel();
		this.#process?.signal("SIGKILL");
	}

	async cpuSeconds(): Promise<number> {
		return this.#earlierCpuSeconds + ((await this.#process?.usage())?.cpuSeconds ?? 0);
	}

	#ended(process: NodeProcess, end: ProcessEnd): void {
		if (this.#stopping) return;
		this.#earlierCpuSeconds += process.lastUsage?.cpuSeconds ?? 0;
		this.#process = null;
		const now = this.#parts.clock.mono();
		const delay = restartDelay(this.#restarts, now);
		this.state = delay === null ? "down" : "restarting";
		this.#parts.events.crashed({ name: this.name, end, restartInMs: delay });
		if (delay === null) return;
		this.#restartTimer = this.#parts.timers.after(delay, () => {
			this.#restarts.push(this.#parts.clock.mono());
			this.start().then(
				() => this.#parts.events.restarted(this.name),
				(cause: unknown) => {
					this.state = "down";
					const failed = { code: null, signal: null, tail: [String(cause)] };
					this.#parts.events.crashed({ name: this.name, end: failed, restartInMs: null });
				},
			);
		});
	}
}
