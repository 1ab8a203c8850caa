import type { Timers } from "@cairn/kit";

/** Resolves after so many milliseconds, or at once when aborted. */
export function pause(timers: Timers, ms: number, signal: AbortSignal | undefined): Promise<void> {
	if (signal?.aborted === true) return Promise.resolve();
	return new Promise((resolve) => {
		const finish = (): void => {
			timer.cancel();
			signal?.removeEventListener("abort", finish);
			resolve();
		};
		const timer = timers.after(ms, finish);
		signal?.addEventListener("abort", finish, { once: true });
	});
}
