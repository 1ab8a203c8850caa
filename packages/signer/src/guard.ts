import { bytesEqual, EMPTY_BYTES, invariant } from "@cairn/kit";

/**
 * The rule against signing two things, free of files and protocols: within a lane the position only grows, and at one
 * position there is one statement. Whoever persists the state that `advance` returns before showing the signature to
 * anyone can crash at any moment and will never contradict itself.
 */

/** Compared lexicographically; Tendermint: height, round, step (1 proposal, 2 prevote, 3 precommit). */
export type Position = readonly [number, number, number];

/** Where a statement belongs. */
export interface SignSlot {
	readonly lane: string;
	readonly position: Position;
	/** Refuse when this lane stands above my position. */
	readonly under?: string;
	/** Promises not to sign below these any more, kept in the same write. */
	readonly raises?: readonly { readonly lane: string; readonly position: Position }[];
}

/** What a lane signed last; both empty when it was only raised. */
export interface LaneState {
	readonly position: Position;
	readonly signBytes: Uint8Array;
	readonly signature: Uint8Array;
}

/** The last statement of every lane. */
export type GuardState = ReadonlyMap<string, LaneState>;

export const EMPTY_GUARD: GuardState = new Map();

export type GuardVerdict =
	| { readonly kind: "sign" }
	/** This was signed before: show the old signature, over the old bytes (they may differ from the new ones in time). */
	| { readonly kind: "repeat"; readonly signBytes: Uint8Array; readonly signature: Uint8Array }
	| { readonly kind: "refuse"; readonly reason: string };

const SIGN: GuardVerdict = { kind: "sign" };

export function comparePositions(a: Position, b: Position): number {
	return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

/**
 * May these bytes be signed in this slot? `isRepetition(old, new)` says whether both are the same statement though
 * the bytes differ (for Tendermint: only the time does); it must not throw.
 */
export function judge(
	state: GuardState,
	slot: SignSlot,
	signBytes: Uint8Array,
	isRepetition: (signed: Uint8Array, wanted: Uint8Array) => boolean,
): GuardVerdict {
	if (!isPosition(slot.position))
		return refuse(`position ${slot.position.join("/")} is not made of whole numbers from 0`);
	const ceiling = slot.under === undefined ? undefined : state.get(slot.under);
	if (ceiling !== undefined && comparePositions(ceiling.position, slot.position) > 0) {
		return refuse(`lane ${slot.under} has gone on to ${ceiling.position.join("/")}`);
	}
	const last = state.get(slot.lane);
	if (last === undefined) return SIGN;
	const order = comparePositions(slot.position, last.position);
	if (order > 0) return SIGN;
	if (order < 0)
		return refuse(`${regression(slot.position, last.position)} regression: last signed ${last.position.join("/")}`);
	if (last.signature.length === 0) return refuse("this position was given up without a statement");
	if (bytesEqual(last.signBytes, signBytes) || isRepetition(last.signBytes, signBytes)) {
		return { kind: "repeat", signBytes: last.signBytes, signature: last.signature };
	}
	return refuse("conflicting data: another statement was signed at this position");
}

/** The state after signing. Only for slots that `judge` just answered "sign" for. */
export function advance(state: GuardState, slot: SignSlot, signBytes: Uint8Array, signature: Uint8Array): GuardState {
	const last = state.get(slot.lane);
	invariant(last === undefined || comparePositions(slot.position, last.position) > 0, "the guard may only advance");
	invariant(signature.length > 0, "the guard records signatures, not their absence");
	const next = new Map(state);
	next.set(slot.lane, { position: slot.position, signBytes, signature });
	for (const { lane, position } of slot.raises ?? []) {
		invariant(isPosition(position), "a lane is raised to whole numbers from 0", { lane, position });
		const present = next.get(lane);
		if (present === undefined || comparePositions(position, present.position) > 0) {
			next.set(lane, { position, signBytes: EMPTY_BYTES, signature: EMPTY_BYTES });
		}
	}
	return next;
}

function isPosition(position: Position): boolean {
	return position.every((part) => Number.isSafeInteger(part) && part >= 0);
}

function refuse(reason: string): GuardVerdict {
	return { kind: "refuse", reason };
}

function regression(wanted: Position, last: Position): string {
	if (wanted[0] < last[0]) return "height";
	return wanted[1] < last[1] ? "round" : "step";
}
