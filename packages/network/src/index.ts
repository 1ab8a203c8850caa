export type { NodeInfo, ProtocolVersion } from "./node-info.ts";
export type {
	ChannelDescriptor,
	ChannelHandler,
	ChannelStatus,
	ConnectionStatus,
	FlowStatus,
	Peer,
} from "./peer.ts";
export { loadOrMakeNodeKey, type NodeKey, nodeIdOf, nodeKeyOf, nodeKeyToJson, parseNodeKey } from "./node-key.ts";
export { formatPeerAddress, idProblem, type PeerAddress, parsePeerAddress } from "./peer-address.ts";
