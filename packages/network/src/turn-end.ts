import type { Timers } from "@cairn/kit";

/** Something to do once what is happening now has happened. */
export interface TurnTask {
	atTurnEnd(): void;
}

/** Runs each requested task once at the end of the current turn of the event loop; one timer serves all. */
export class TurnEnd {
	readonly #timers: Timers;
	#tasks = new Set<TurnTask>();

	constructor(timers: Timers) {
		this.#timers = timers;
	}

	request(task: TurnTask): void {
		if (this.#tasks.size === 0) this.#timers.after(0, () => this.#run());
		this.#tasks.add(task);
	}

	#run(): void {
		const tasks = this.#tasks;
		this.#tasks = new Set();
		for (const task of tasks) task.atTurnEnd();
	}
}
