export {
	formatIp,
	type IpBytes,
	type IpRangeName,
	isIpIn,
	isIpv4,
	isLocal,
	isRoutable,
	joinHostPort,
	parseIp,
} from "./ip-address.ts";
export {
	DEFAULT_MCONNECTION_OPTIONS,
	MConnection,
	type MConnectionEvents,
	type MConnectionOptions,
	type MConnectionParts,
} from "./mconnection.ts";
export {
	checkCompatible,
	decodeNodeInfo,
	encodeNodeInfo,
	encodeNodeInfoDelimited,
	type NodeInfo,
	nodeInfoAddress,
	type ProtocolVersion,
	validateNodeInfo,
} from "./node-info.ts";
export { loadOrMakeNodeKey, type NodeKey, nodeIdOf, nodeKeyOf, nodeKeyToJson, parseNodeKey } from "./node-key.ts";
export { maxPacketSize, type Packet, PacketReader, PING_PACKET, PONG_PACKET, writeMessagePacket } from "./packet.ts";
export type {
	ChannelDescriptor,
	ChannelHandler,
	ChannelStatus,
	ConnectionStatus,
	FlowStatus,
	Peer,
} from "./peer.ts";
export {
	addressProblem,
	dialString,
	formatPeerAddress,
	idProblem,
	isSamePeer,
	type PeerAddress,
	parsePeerAddress,
	socketIp,
} from "./peer-address.ts";
export { type BufferHolder, ReassemblyBudget } from "./reassembly-budget.ts";
export { isFault, type RefusalCode } from "./refusal.ts";
export { SecretConnection, type SecretConnectionOptions } from "./secret-connection.ts";
export { deriveSessionKeys, type SessionKeys } from "./session-keys.ts";
export { type DialOptions, Switchboard, type SwitchboardCounts } from "./switchboard.ts";
export {
	type AddressFilter,
	DEFAULT_SWITCHBOARD_OPTIONS,
	type PeerCandidate,
	type PeerFilter,
	type SwitchboardOptions,
	type SwitchboardParts,
} from "./switchboard-options.ts";
export { TurnEnd, type TurnTask } from "./turn-end.ts";
