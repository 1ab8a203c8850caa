import type { ChannelStatus, ConnectionStatus, FlowStatus, NodeInfo } from "@cairn/network";
import { type Json, jsonHex, jsonInt64, jsonList, jsonString, jsonTime } from "./text.ts";

const NS_PER_UNIT = 1_000_000n;

export function jsonNodeInfo(info: NodeInfo): Json {
	const { p2p, block, app } = info.protocolVersion;
	return (
		`{"protocol_version":{"p2p":${jsonInt64(p2p)},"block":${jsonInt64(block)},"app":${jsonInt64(app)}},` +
		`"id":${jsonString(info.id)},"listen_addr":${jsonString(info.listenAddress)},` +
		`"network":${jsonString(info.network)},"version":${jsonString(info.version)},` +
		`"channels":${jsonHex(info.channels)},"moniker":${jsonString(info.moniker)},` +
		`"other":{"tx_index":${jsonString(info.other.txIndex)},"rpc_address":${jsonString(info.other.rpcAddress)}}}`
	);
}

/** Go's `conn.ConnectionStatus`, whose fields have no JSON names of their own. */
export function jsonConnectionStatus({ durationNs, sendMonitor, recvMonitor, channels }: ConnectionStatus): Json {
	return (
		`{"Duration":${jsonInt64(durationNs)},"SendMonitor":${jsonFlow(sendMonitor)},` +
		`"RecvMonitor":${jsonFlow(recvMonitor)},"Channels":${jsonList(channels, jsonChannel)}}`
	);
}

function jsonFlow(flow: FlowStatus): Json {
	return (
		`{"Start":${jsonTime(flow.start - (flow.start % NS_PER_UNIT))},"Bytes":${jsonInt64(flow.bytes)},` +
		`"Samples":${jsonInt64(flow.samples)},"InstRate":${jsonInt64(flow.instRate)},` +
		`"CurRate":${jsonInt64(flow.curRate)},"AvgRate":${jsonInt64(flow.avgRate)},` +
		`"PeakRate":${jsonInt64(flow.peakRate)},"BytesRem":"0","Duration":${jsonInt64(flow.durationNs)},` +
		`"Idle":${jsonInt64(flow.idleNs)},"TimeRem":"0","Progress":0,"Active":${flow.active}}`
	);
}

function jsonChannel(channel: ChannelStatus): Json {
	return (
		`{"ID":${channel.id},"SendQueueCapacity":${jsonInt64(channel.sendQueueCapacity)},` +
		`"SendQueueSize":${jsonInt64(channel.sendQueueSize)},"Priority":${jsonInt64(channel.priority)},` +
		`"RecentlySent":${jsonInt64(channel.recentlySent)}}`
	);
}
