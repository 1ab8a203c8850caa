export { CONSENSUS_CHANNELS } from "./consensus/channels.ts";
export { ConsensusGossip, type PeerMovedListener } from "./consensus/consensus-gossip.ts";
export type { ConsensusGossipOptions, ConsensusGossipParts, PeerMessage } from "./consensus/context.ts";
export { type ConsensusMessage, decodeConsensusMessage, encodeConsensusMessage } from "./consensus/messages.ts";
export type { PeerStateJson } from "./consensus/peer-state-json.ts";
export type { BlockReader } from "./consensus/stored-blocks.ts";
export { MempoolGossip, type MempoolGossipOptions, type MempoolGossipParts } from "./mempool/mempool-gossip.ts";
export { MEMPOOL_CHANNEL } from "./mempool/messages.ts";
