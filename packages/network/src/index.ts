export type { NodeInfo, ProtocolVersion } from "./node-info.ts";
export type {
	ChannelDescriptor,
	ChannelHandler,
	ChannelStatus,
	ConnectionStatus,
	FlowStatus,
	Peer,
} from "./peer.ts";
