import { CODES, type Reason, type Verdict } from "./codes.ts";

/** An attribute of an event; all are indexed. */
export type Attribute = readonly [key: string, value: string];

export interface StateEvent {
	readonly type: string;
	readonly attributes: readonly Attribute[];
}

/** What became of one transaction. */
export interface Outcome {
	readonly reason: Reason;
	readonly code: number;
	/** For people. */
	readonly log: string;
	/** Goes into the hash of results: CBOR codes of the records of a reading, or empty. */
	readonly data: Uint8Array;
	readonly events: readonly StateEvent[];
	/** Only for readings. */
	readonly verdict: Verdict | undefined;
}

const NO_DATA = new Uint8Array(0);

export function outcome(
	reason: Reason,
	text: string,
	events: readonly StateEvent[] = [],
	more: { data?: Uint8Array; verdict?: Verdict } = {},
): Outcome {
	const log = reason === "ok" ? text : `${reason}: ${text}`;
	return { reason, code: CODES[reason], log, data: more.data ?? NO_DATA, events, verdict: more.verdict };
}
