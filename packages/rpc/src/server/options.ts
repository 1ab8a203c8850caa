/** `rpc.*` of config.toml that servers keep to. Times in milliseconds, sizes in bytes. */
export interface ServerOptions {
	/** `laddr`, taken apart at commas: `tcp://host:port` or `unix://path`. */
	readonly addresses: readonly string[];
	/** Of each address; 0: no limit. */
	readonly maxOpenConnections: number;
	readonly maxBodyBytes: number;
	readonly maxHeaderBytes: number;
	readonly corsAllowedOrigins: readonly string[];
	readonly corsAllowedMethods: readonly string[];
	readonly corsAllowedHeaders: readonly string[];
	readonly timeoutBroadcastTxCommit: number;
	/** Events that may wait for one subscription. */
	readonly subscriptionBufferSize: number;
	/** Frames that may wait for one WebSocket. */
	readonly websocketWriteBufferSize: number;
	readonly closeOnSlowClient: boolean;
	/** Certificate and key in PEM; null for plain HTTP. */
	readonly tls: { readonly cert: string; readonly key: string } | null;
}

/** A request must have arrived after so long, and an idle connection ends. */
export const READ_TIMEOUT = 10_000;
/** An answer must have left after so long, unless broadcast_tx_commit may take longer. */
export const WRITE_TIMEOUT = 10_000;
/** Added to the patience of broadcast_tx_commit. */
const WRITE_MARGIN = 1_000;

export function writeTimeoutOf({ timeoutBroadcastTxCommit }: ServerOptions): number {
	return WRITE_TIMEOUT <= timeoutBroadcastTxCommit ? timeoutBroadcastTxCommit + WRITE_MARGIN : WRITE_TIMEOUT;
}
