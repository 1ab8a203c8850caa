import { type Blame, CairnError, messageOf } from "@cairn/kit";

/**
 * What can go wrong between node and application:
 * - `abci-unreachable`: no connection could be made (only when waiting was given up);
 * - `abci-connection-lost`: it broke; every waiting and later call fails with this;
 * - `abci-exception`: the application threw;
 * - `abci-unexpected-response`, `abci-malformed`: it answered nonsense; the connection is closed;
 * - `abci-overloaded`: too much is waiting for an answer; nothing was sent;
 * - `abci-closed`: we closed the connection ourselves.
 */
export type AbciErrorCode =
	| "abci-unreachable"
	| "abci-connection-lost"
	| "abci-exception"
	| "abci-unexpected-response"
	| "abci-malformed"
	| "abci-overloaded"
	| "abci-closed";

const BLAME: Readonly<Record<AbciErrorCode, Blame>> = {
	"abci-unreachable": "operator",
	"abci-connection-lost": "operator",
	"abci-exception": "app",
	"abci-unexpected-response": "app",
	"abci-malformed": "app",
	"abci-overloaded": "app",
	"abci-closed": "us",
};

/** A failure of an ABCI call or connection. */
export class AbciError extends CairnError {
	declare readonly code: AbciErrorCode;

	constructor(code: AbciErrorCode, message: string, details: Record<string, unknown> = {}, cause?: unknown) {
		super(code, BLAME[code], message, details, cause);
		this.name = "AbciError";
	}
}

/** The error for a call that the application answered with an exception (or by throwing, in process). */
export function exceptionError(method: string, cause: unknown, details: Record<string, unknown> = {}): AbciError {
	if (cause instanceof AbciError) return cause;
	const text = `the application failed in ${method}: ${messageOf(cause)}`;
	return new AbciError("abci-exception", text, { method, ...details }, cause);
}

export function lostError(address: string, cause: unknown): AbciError {
	const why = cause === undefined ? "it closed the connection" : messageOf(cause);
	const text = `lost the application at ${address}: ${why}; see its log, start it again, then start the node again`;
	return new AbciError("abci-connection-lost", text, { address }, cause);
}

export function closedError(): AbciError {
	return new AbciError("abci-closed", "the connection to the application was closed by the node");
}

/** Waiting for the application was given up. */
export function unreachableError(address: string): AbciError {
	const text = `gave up waiting for the application at ${address}; is it running, and is proxy_app its address?`;
	return new AbciError("abci-unreachable", text, { address });
}
