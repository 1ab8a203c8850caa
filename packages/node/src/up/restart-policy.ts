/** Restarts within this time count together. */
const WINDOW_MS = 600_000;
const MAX_RESTARTS = 5;
const FIRST_DELAY_MS = 1_000;

/**
 * How long to wait before a process that ended by itself is started again, in milliseconds: longer each time. Null once
 * it has ended too often to go on. `restarts` are the times of its restarts so far, `now` on the same clock.
 */
export function restartDelay(restarts: readonly number[], now: number): number | null {
	const recent = restarts.filter((time) => now - time < WINDOW_MS).length;
	return recent >= MAX_RESTARTS ? null : FIRST_DELAY_MS * 2 ** recent;
}
