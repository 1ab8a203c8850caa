import { CairnError } from "@cairn/kit";

/** Why a connection was refused or ended by the other side's doing; the codes are stable. */
export type RefusalCode =
	| "p2p-bad-handshake"
	| "p2p-handshake-timeout"
	| "p2p-low-order-key"
	| "p2p-wrong-id"
	| "p2p-self"
	| "p2p-duplicate-id"
	| "p2p-duplicate-ip"
	| "p2p-bad-node-info"
	| "p2p-incompatible"
	| "p2p-filtered"
	| "p2p-banned"
	| "p2p-full"
	| "p2p-already-dialing"
	| "p2p-bad-frame"
	| "p2p-nonce-exhausted"
	| "p2p-bad-packet"
	| "p2p-oversize-packet"
	| "p2p-oversize-message"
	| "p2p-unknown-channel"
	| "p2p-pong-timeout"
	| "p2p-reassembly-budget"
	| "p2p-closed";

/** A CairnError of blame "peer" with one of this room's codes. */
export function refusal(
	code: RefusalCode,
	message: string,
	details: Record<string, unknown> = {},
	cause?: unknown,
): CairnError {
	return new CairnError(code, "peer", message, details, cause);
}

/** What only a broken or hostile node does; counted against it. Being slow, full or of another chain is none. */
const FAULTS: ReadonlySet<string> = new Set<RefusalCode>([
	"p2p-bad-handshake",
	"p2p-low-order-key",
	"p2p-bad-node-info",
	"p2p-bad-frame",
	"p2p-bad-packet",
	"p2p-oversize-packet",
	"p2p-oversize-message",
	"p2p-unknown-channel",
	"p2p-reassembly-budget",
]);

export function isFault(error: unknown): boolean {
	return error instanceof CairnError && FAULTS.has(error.code);
}

/** True for what neither a peer nor the operator did: a bug of ours. */
export function isOurs(error: unknown): boolean {
	return !(error instanceof CairnError) || error.blame === "us";
}
