/**
 * Who has to act on a failure: a peer misbehaved, the application answered nonsense, the operator must mend something,
 * or we have a bug.
 */
export type Blame = "peer" | "app" | "operator" | "us";

/**
 * The one error class of the project. `code` is for machines (stable, kebab-case), `message` for people: what happened,
 * which file, key or address, and what to do. `blame` says who can mend it.
 */
export class CairnError extends Error {
	readonly code: string;
	readonly blame: Blame;
	readonly details: Readonly<Record<string, unknown>>;

	constructor(code: string, blame: Blame, message: string, details: Record<string, unknown> = {}, cause?: unknown) {
		super(message, cause === undefined ? undefined : { cause });
		this.name = "CairnError";
		this.code = code;
		this.blame = blame;
		this.details = details;
	}
}

/** Bytes or text from outside could not be understood. The sender is to blame; nothing was changed. */
export class DecodeError extends CairnError {
	constructor(message: string, details: Record<string, unknown> = {}) {
		super("decode", "peer", message, details);
		this.name = "DecodeError";
	}
}

/** Something decoded well but breaks a rule of the protocol (structure, bounds, signature). */
export class ValidationError extends CairnError {
	constructor(message: string, details: Record<string, unknown> = {}) {
		super("invalid", "peer", message, details);
		this.name = "ValidationError";
	}
}

/** An invariant of ours does not hold: the node must stop. */
export class InvariantError extends CairnError {
	constructor(message: string, details: Record<string, unknown> = {}) {
		super("invariant", "us", message, details);
		this.name = "InvariantError";
	}
}

/** Stops the caller when one of our own assumptions fails. Never use it on input from outside. */
export function invariant(condition: unknown, message: string, details?: Record<string, unknown>): asserts condition {
	if (!condition) throw new InvariantError(message, details);
}

/** Marks the branch that the types say cannot be reached; keeps `switch` statements complete. */
export function unreachable(value: never): never {
	throw new InvariantError(`unreachable case: ${JSON.stringify(value)}`);
}

/** The message of anything thrown, for logs and wrapped errors. */
export function messageOf(cause: unknown): string {
	return cause instanceof Error ? cause.message : String(cause);
}
