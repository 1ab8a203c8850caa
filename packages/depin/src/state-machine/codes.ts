/** Codespace of every code below. */
export const CODESPACE = "depin";

/** What can be wrong with a transaction or query, by its stable number. docs/depin.md has the same table. */
export const CODES = {
	ok: 0,
	malformed: 1,
	"too-large": 2,
	"wrong-chain": 3,
	"unknown-device": 4,
	"device-paused": 5,
	"device-jailed": 6,
	"bad-signature": 7,
	replay: 8,
	"sequence-gap": 9,
	"broken-chain": 10,
	equivocation: 11,
	"quota-exceeded": 12,
	"time-future": 13,
	"time-stale": 14,
	"unknown-metric": 15,
	"wrong-unit": 16,
	"out-of-range": 17,
	"rate-of-change": 18,
	"not-development": 19,
	"bad-nonce": 20,
	"unknown-account": 21,
	"insufficient-funds": 22,
	"already-registered": 23,
	"alias-taken": 24,
	"bad-profile": 25,
	"not-owner": 26,
	"bad-possession": 27,
	"too-many-devices": 28,
	"bad-status": 29,
	"unknown-path": 40,
	"not-found": 41,
	"height-unavailable": 42,
	"cannot-prove": 43,
} as const;

/** Why something was refused (or `ok`). */
export type Reason = keyof typeof CODES;

/** What became of a reading. Quarantined ones are on the chain but not in the feed. */
export type Verdict = "accepted" | "quarantined" | "rejected";

/** The verdict that a reason leads to. */
export function verdictOf(reason: Reason): Verdict {
	if (reason === "ok") return "accepted";
	return reason === "rate-of-change" ? "quarantined" : "rejected";
}

/** The reason of a code, for clients. */
export function reasonOf(code: number): Reason | undefined {
	return (Object.keys(CODES) as Reason[]).find((reason) => CODES[reason] === code);
}

/** An outcome that is not `ok`, with words for people. */
export interface Refusal {
	readonly reason: Reason;
	readonly text: string;
}

export function refusal(reason: Exclude<Reason, "ok">, text: string): Refusal {
	return { reason, text };
}
