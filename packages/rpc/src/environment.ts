import type { AppConnections } from "@cairn/abci";
import type { BlockAssembler, EvidencePool, Mempool } from "@cairn/chain";
import type { TendermintRoundState } from "@cairn/consensus";
import type { PublicKey } from "@cairn/crypto";
import type { PeerStateJson } from "@cairn/gossip";
import type { Logger, Timers } from "@cairn/kit";
import type { DialOptions, NodeInfo, Peer } from "@cairn/network";
import type { BlockStore, EventIndex, StateStore } from "@cairn/storage";
import type { GenesisDoc } from "@cairn/types";
import type { Subscriptions } from "./subscriptions/subscriptions.ts";

/** `rpc.*` of config.toml that routes themselves keep to. Times in milliseconds. */
export interface RouteLimits {
	readonly maxSubscriptionClients: number;
	readonly maxSubscriptionsPerClient: number;
	readonly timeoutBroadcastTxCommit: number;
}

/** What consensus shows. */
export interface ConsensusView {
	/** Read at once: valid until the engine's next step. Null before consensus has started. */
	roundState(): TendermintRoundState | null;
	/** Where the blocks that the round state names can be had. */
	readonly bodies: Pick<BlockAssembler, "block" | "parts">;
	/** What is known of the peers (`ConsensusGossip.peerStates`). */
	peerStates(): readonly PeerStateJson[];
}

/** What the network shows, and the two commands it takes. */
export interface NetworkView {
	readonly nodeInfo: NodeInfo;
	readonly isListening: boolean;
	/** `p2p.external_address`. */
	readonly externalAddress: string;
	readonly peers: readonly Peer[];
	/** @throws CairnError for a malformed address */
	dialPeers(addresses: readonly string[], options: DialOptions): void;
}

/** Everything that routes may ask. */
export interface RpcEnvironment {
	readonly blockStore: BlockStore;
	readonly stateStore: StateStore;
	/** Null with `tx_index.indexer = "null"`. */
	readonly index: EventIndex | null;
	readonly mempool: Mempool;
	readonly evidence: Pick<EvidencePool, "add">;
	readonly application: Pick<AppConnections, "query" | "mempool">;
	readonly genesis: GenesisDoc;
	readonly consensus: ConsensusView;
	readonly network: NetworkView;
	readonly subscriptions: Subscriptions;
	/** Of this node's validator key; null for a node without one. */
	readonly validatorKey: PublicKey | null;
	/** True while blocks are fetched from peers: `catching_up`, and no transactions are taken. */
	isSyncing(): boolean;
	/** Why the node is not well; null while all is well. */
	trouble(): string | null;
	readonly limits: RouteLimits;
	readonly timers: Timers;
	readonly logger: Logger;
}
