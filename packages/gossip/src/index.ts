export type { ServedBlocks } from "./block-sync/block-server.ts";
export {
	BlockSyncGossip,
	type BlockSyncGossipOptions,
	type BlockSyncGossipParts,
} from "./block-sync/block-sync-gossip.ts";
export type { VerifiedBlock } from "./block-sync/candidate.ts";
export { BLOCK_SYNC_CHANNEL, decodeBlockSyncMessage } from "./block-sync/messages.ts";
export { CONSENSUS_CHANNELS } from "./consensus/channels.ts";
export { ConsensusGossip, type PeerMovedListener } from "./consensus/consensus-gossip.ts";
export type { ConsensusGossipOptions, ConsensusGossipParts, PeerMessage } from "./consensus/context.ts";
export { type ConsensusMessage, decodeConsensusMessage, encodeConsensusMessage } from "./consensus/messages.ts";
export type { PeerStateJson } from "./consensus/peer-state-json.ts";
export type { BlockReader } from "./consensus/stored-blocks.ts";
export {
	decodeEvidenceList,
	EVIDENCE_CHANNEL,
	EvidenceGossip,
	type EvidenceGossipOptions,
	type EvidenceGossipParts,
	encodeEvidenceList,
} from "./evidence/evidence-gossip.ts";
export { MempoolGossip, type MempoolGossipOptions, type MempoolGossipParts } from "./mempool/mempool-gossip.ts";
export { decodeTxs, MEMPOOL_CHANNEL, type TxsLimits } from "./mempool/messages.ts";
