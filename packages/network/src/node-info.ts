import { CairnError, DecodeError, toHex } from "@cairn/kit";
import { encodeDelimited, p2p } from "@cairn/types/proto";
import { MAX_NODE_INFO_CHANNELS } from "./limits.ts";
import { type PeerAddress, parsePeerAddress } from "./peer-address.ts";
import { refusal } from "./refusal.ts";

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

/** The message without its length. */
export function encodeNodeInfo(info: NodeInfo): Uint8Array {
	return p2p.DefaultNodeInfo.encode({
		protocolVersion: info.protocolVersion,
		defaultNodeId: info.id,
		listenAddr: info.listenAddress,
		network: info.network,
		version: info.version,
		channels: info.channels,
		moniker: info.moniker,
		other: info.other,
	});
}

/** As it is sent: length first. */
export function encodeNodeInfoDelimited(info: NodeInfo): Uint8Array {
	return encodeDelimited(encodeNodeInfo(info));
}

/** @throws CairnError `p2p-bad-node-info`. Nothing but the form is checked. */
export function decodeNodeInfo(bytes: Uint8Array): NodeInfo {
	try {
		const message = p2p.DefaultNodeInfo.decode(bytes);
		return {
			protocolVersion: message.protocolVersion,
			id: message.defaultNodeId,
			listenAddress: message.listenAddr,
			network: message.network,
			version: message.version,
			channels: message.channels.slice(),
			moniker: message.moniker,
			other: message.other,
		};
	} catch (cause) {
		if (!(cause instanceof DecodeError)) throw cause;
		throw refusal("p2p-bad-node-info", `node info does not decode: ${cause.message}`, cause.details, cause);
	}
}

/** Printable ASCII, at least one character that is no space. */
function isAsciiText(text: string): boolean {
	return /^[\x20-\x7e]+$/.test(text) && /[^ ]/.test(text);
}

function shown(text: string): string {
	return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}

/**
 * The rules of Go's DefaultNodeInfo.Validate, but for one: Go looks up a listen address that is a name and refuses
 * the peer if that fails; we only check that it may be one. @throws CairnError `p2p-bad-node-info`
 */
export function validateNodeInfo(info: NodeInfo): void {
	const problem = nodeInfoProblem(info);
	if (problem !== undefined)
		throw refusal("p2p-bad-node-info", `invalid NodeInfo: ${problem}`, { id: info.id.slice(0, 80) });
}

function nodeInfoProblem(info: NodeInfo): string | undefined {
	try {
		nodeInfoAddress(info);
	} catch (cause) {
		if (cause instanceof CairnError) return cause.message;
		throw cause;
	}
	if (info.version !== "" && !isAsciiText(info.version)) return `version ${shown(info.version)} is not ASCII text`;
	const { channels } = info;
	if (channels.length > MAX_NODE_INFO_CHANNELS) return `${channels.length} channels, at most ${MAX_NODE_INFO_CHANNELS}`;
	if (new Set(channels).size !== channels.length) return `channel listed twice in ${toHex(channels)}`;
	if (!isAsciiText(info.moniker)) return `moniker ${shown(info.moniker)} is not ASCII text`;
	const { txIndex, rpcAddress } = info.other;
	if (!["", "on", "off"].includes(txIndex)) return `other.tx_index is ${shown(txIndex)}, expected "on", "off" or ""`;
	if (rpcAddress !== "" && !isAsciiText(rpcAddress)) return `other.rpc_address ${shown(rpcAddress)} is not ASCII text`;
	return undefined;
}

/** Its proven id at the address that it says it listens on. @throws CairnError `p2p-malformed-address` */
export function nodeInfoAddress(info: NodeInfo): PeerAddress {
	const listen = info.listenAddress;
	const protocol = listen.indexOf("://");
	return parsePeerAddress(`${info.id}@${protocol < 0 ? listen : listen.slice(protocol + 3)}`);
}

/**
 * Same block protocol, same chain and a channel in common; a node without channels fits everyone (Go's
 * CompatibleWith).
 * @throws CairnError `p2p-incompatible`
 */
export function checkCompatible(ours: NodeInfo, theirs: NodeInfo): void {
	const block = theirs.protocolVersion.block;
	const expected = ours.protocolVersion.block;
	if (block !== expected) {
		const text = `peer is on a different Block version. Got ${block}, expected ${expected}`;
		throw refusal("p2p-incompatible", text, { got: block.toString(), expected: expected.toString() });
	}
	if (ours.network !== theirs.network) {
		const text = `peer is on a different network. Got ${shown(theirs.network)}, expected ${shown(ours.network)}`;
		throw refusal("p2p-incompatible", text);
	}
	if (ours.channels.length === 0 || ours.channels.some((channel) => theirs.channels.includes(channel))) return;
	const lists = `Our channels: ${toHex(ours.channels)} ; Peer channels: ${toHex(theirs.channels)}`;
	throw refusal("p2p-incompatible", `peer has no common channels. ${lists}`);
}
