/** Fields of a log line. Values must be plain data; bytes are passed as hex by the caller. */
export type LogFields = Readonly<Record<string, unknown>>;

/** What every room may log through. Message first (a fixed phrase), then fields: height, round, step, peer, reason… */
export interface Logger {
	error(message: string, fields?: LogFields): void;
	warn(message: string, fields?: LogFields): void;
	info(message: string, fields?: LogFields): void;
	debug(message: string, fields?: LogFields): void;
	/** A logger that adds these fields to each line; `module` is CometBFT's name of the part (`consensus`, `p2p`, `mempool`…). */
	child(fields: LogFields): Logger;
}

const nothing = (): void => {};

/** A logger that drops everything. */
export const silentLogger: Logger = {
	error: nothing,
	warn: nothing,
	info: nothing,
	debug: nothing,
	child: () => silentLogger,
};
