import type { Logger, Metrics, World } from "@cairn/kit";
import { DIAL_JITTER, DIAL_TIMEOUT, FILTER_TIMEOUT, HANDSHAKE_TIMEOUT, MAX_HALF_OPEN } from "./limits.ts";
import { DEFAULT_MCONNECTION_OPTIONS, type MConnectionOptions } from "./mconnection.ts";
import type { NodeInfo } from "./node-info.ts";
import type { NodeKey } from "./node-key.ts";
import type { ChannelHandler } from "./peer.ts";

/** What is known of a node when a filter is asked about it. */
export interface PeerCandidate {
	readonly id: string;
	readonly nodeInfo: NodeInfo;
	readonly outbound: boolean;
	readonly remoteAddress: string;
	readonly remoteIp: string;
}

/** Resolves with the reason to refuse, or null. A rejection or no answer in time refuses as well. */
export type PeerFilter = (candidate: PeerCandidate) => Promise<string | null>;
/** As `PeerFilter`, before the handshake: knows `ip:port` only. */
export type AddressFilter = (remoteAddress: string) => Promise<string | null>;

/** The keys of config.toml's [p2p], as values. */
export interface SwitchboardOptions {
	/** `tcp://host:port`; empty to accept nobody. */
	readonly listenAddress: string;
	/** `id@host:port`; stayed connected to, whatever the limits. */
	readonly persistentPeers: readonly string[];
	/** Ids that the limits and bans do not touch. */
	readonly unconditionalPeerIds: readonly string[];
	/** Ids that are not gossiped by peer exchange. */
	readonly privatePeerIds: readonly string[];
	/** Peers that came in, unconditional and persistent ones not counted. Holds at every moment. */
	readonly maxNumInboundPeers: number;
	/** Peers that we dialled, unconditional and persistent ones not counted. Holds at every moment. */
	readonly maxNumOutboundPeers: number;
	readonly allowDuplicateIp: boolean;
	readonly handshakeTimeoutMs: number;
	readonly dialTimeoutMs: number;
	readonly filterTimeoutMs: number;
	/** Longest pause between two dials of a persistent peer; 0 for the schedule's own. */
	readonly persistentPeersMaxDialPeriodMs: number;
	/** Greatest random delay before a dial. */
	readonly dialJitterMs: number;
	/** Connections in handshake that came in. */
	readonly maxHalfOpen: number;
	readonly connection: MConnectionOptions;
	readonly addressFilters: readonly AddressFilter[];
	readonly peerFilters: readonly PeerFilter[];
}

/** CometBFT's defaults; nobody is dialled or listened to. */
export const DEFAULT_SWITCHBOARD_OPTIONS: SwitchboardOptions = {
	listenAddress: "",
	persistentPeers: [],
	unconditionalPeerIds: [],
	privatePeerIds: [],
	maxNumInboundPeers: 40,
	maxNumOutboundPeers: 10,
	allowDuplicateIp: false,
	handshakeTimeoutMs: HANDSHAKE_TIMEOUT,
	dialTimeoutMs: DIAL_TIMEOUT,
	filterTimeoutMs: FILTER_TIMEOUT,
	persistentPeersMaxDialPeriodMs: 0,
	dialJitterMs: DIAL_JITTER,
	maxHalfOpen: MAX_HALF_OPEN,
	connection: DEFAULT_MCONNECTION_OPTIONS,
	addressFilters: [],
	peerFilters: [],
};

/** What a switchboard works with. */
export interface SwitchboardParts {
	readonly world: Pick<World, "clock" | "timers" | "random" | "network">;
	readonly nodeKey: NodeKey;
	/** `id` must be that of the key, `channels` those that the handlers read. */
	readonly nodeInfo: NodeInfo;
	/** Told about peers in this order. */
	readonly handlers: readonly ChannelHandler[];
	readonly logger?: Logger;
	readonly metrics?: Metrics;
	/** Something of ours is broken; the node has to stop. Without it the error is thrown out of the event loop. */
	readonly onFatal?: (error: unknown) => void;
}
