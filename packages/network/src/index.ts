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
export { DEFAULT_MCONNECTION_OPTIONS, type MConnectionOptions } from "./mconnection.ts";
export {
	checkCompatible,
	decodeNodeInfo,
	encodeNodeInfo,
	type NodeInfo,
	nodeInfoAddress,
	type ProtocolVersion,
	validateNodeInfo,
} from "./node-info.ts";
export { loadOrMakeNodeKey, type NodeKey, nodeIdOf, nodeKeyOf, nodeKeyToJson, parseNodeKey } from "./node-key.ts";
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
export { isFault, type RefusalCode } from "./refusal.ts";
export { SecretConnection, type SecretConnectionOptions } from "./secret-connection.ts";
export { type DialOptions, Switchboard, type SwitchboardCounts } from "./switchboard.ts";
export {
	type AddressFilter,
	DEFAULT_SWITCHBOARD_OPTIONS,
	type PeerCandidate,
	type PeerFilter,
	type SwitchboardOptions,
	type SwitchboardParts,
} from "./switchboard-options.ts";
