/** How many sequence numbers below the next one may still come, each once (as RFC 4303 §3.4.3 counts packets). */
export const WINDOW_SIZE = 64;

const MASK = (1n << BigInt(WINDOW_SIZE)) - 1n;

/** Which sequence numbers of a device were used. */
export interface SequenceWindow {
	readonly nextSequence: number;
	/** Bit k says that `nextSequence - 1 - k` was used. */
	readonly seen: bigint;
}

/** Where a sequence number stands: the next or beyond it, a hole that may be filled, or used (or too old to know). */
export type SequencePlace = "ahead" | "hole" | "used";

export function placeOf({ nextSequence, seen }: SequenceWindow, sequence: number): SequencePlace {
	if (sequence >= nextSequence) return "ahead";
	const back = nextSequence - 1 - sequence;
	return back < WINDOW_SIZE && ((seen >> BigInt(back)) & 1n) === 0n ? "hole" : "used";
}

/** The window after this sequence number was used. */
export function useSequence({ nextSequence, seen }: SequenceWindow, sequence: number): SequenceWindow {
	if (sequence < nextSequence) return { nextSequence, seen: seen | (1n << BigInt(nextSequence - 1 - sequence)) };
	const shift = sequence - nextSequence + 1;
	return { nextSequence: sequence + 1, seen: ((seen << BigInt(Math.min(shift, WINDOW_SIZE))) & MASK) | 1n };
}
