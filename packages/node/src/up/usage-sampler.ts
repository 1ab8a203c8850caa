import type { Clock } from "@cairn/kit";
import type { Supervisor } from "./supervisor.ts";

/** What a node's processes took. */
export interface NodeUsage {
	/** Of one core, since the sample before; null before the second sample. */
	readonly cpuShare: number | null;
	readonly rssBytes: number | null;
}

interface Sample extends NodeUsage {
	readonly at: number;
	readonly cpuSeconds: number;
}

const NOTHING: NodeUsage = { cpuShare: null, rssBytes: null };

/** Looks at processor time and memory of all nodes whenever it is told to. */
export class UsageSampler {
	readonly #supervisor: Supervisor;
	readonly #clock: Clock;
	readonly #samples: (Sample | undefined)[];
	#stopped = false;

	constructor(nodes: number, supervisor: Supervisor, clock: Clock) {
		this.#supervisor = supervisor;
		this.#clock = clock;
		this.#samples = Array.from({ length: nodes }, () => undefined);
	}

	of(index: number): NodeUsage {
		const sample = this.#samples[index];
		return sample === undefined ? NOTHING : { cpuShare: sample.cpuShare, rssBytes: sample.rssBytes };
	}

	/** Processor time of all processes of a node so far. */
	cpuSeconds(index: number): number {
		return this.#samples[index]?.cpuSeconds ?? 0;
	}

	async sample(): Promise<void> {
		if (this.#stopped) return;
		await Promise.all(this.#samples.map((before, index) => this.#sampleOne(index, before)));
	}

	/** Keeps the last samples as they are. */
	stop(): void {
		this.#stopped = true;
	}

	async #sampleOne(index: number, before: Sample | undefined): Promise<void> {
		const cpuSeconds = await this.#supervisor.cpuSeconds(index);
		const process = this.#supervisor.process(index);
		const at = this.#clock.mono();
		const elapsed = before === undefined ? 0 : (at - before.at) / 1_000;
		// A process that was started again begins at zero.
		const cpuShare =
			before === undefined || elapsed <= 0 ? null : Math.max(0, cpuSeconds - before.cpuSeconds) / elapsed;
		const rssBytes = process?.running === true ? (process.lastUsage?.rssBytes ?? null) : null;
		this.#samples[index] = { at, cpuSeconds, cpuShare, rssBytes };
	}
}
