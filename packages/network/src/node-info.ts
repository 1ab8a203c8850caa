/** Protocol numbers of a node (`version/version.go`); only `block` decides compatibility. uint64. */
export interface ProtocolVersion {
	readonly p2p: bigint;
	readonly block: bigint;
	readonly app: bigint;
}

/** What two nodes tell each other about themselves after authentication (Go's DefaultNodeInfo). */
export interface NodeInfo {
	readonly protocolVersion: ProtocolVersion;
	readonly id: string;
	/** Where it accepts connections, `tcp://0.0.0.0:26656`; not proven. */
	readonly listenAddress: string;
	/** Chain id. */
	readonly network: string;
	readonly version: string;
	/** Channel ids that it reads, one byte each. */
	readonly channels: Uint8Array;
	readonly moniker: string;
	readonly other: { readonly txIndex: string; readonly rpcAddress: string };
}
