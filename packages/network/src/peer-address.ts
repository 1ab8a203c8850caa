import { CairnError } from "@cairn/kit";
import { formatIp, type IpBytes, isIpIn, joinHostPort, parseIp } from "./ip-address.ts";

/** Hex digits of a node id: 20 bytes. */
export const ID_LENGTH = 40;

/**
 * Where a node can be dialled. `host` is an IP address in canonical form or a name that is looked up at each dial.
 */
export interface PeerAddress {
	/** Lower-case hex. */
	readonly id: string;
	readonly host: string;
	readonly port: number;
	/** Undefined for a name. */
	readonly ip: IpBytes | undefined;
}

/** What is wrong with an address; `blame` is the operator's unless the caller says that a peer sent it. */
function malformed(text: string, problem: string): CairnError {
	const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
	const message = `malformed peer address ${JSON.stringify(shown)}: ${problem}`;
	return new CairnError("p2p-malformed-address", "operator", `${message}; expected id@host:port`, { address: shown });
}

/** Undefined if it is a node id, else what is wrong with it. Upper-case hex is accepted, as in Go. */
export function idProblem(id: string): string | undefined {
	if (id === "") return "no ID before the @";
	if (!/^[0-9a-fA-F]*$/.test(id)) return `the ID ${JSON.stringify(id.slice(0, 60))} is not hexadecimal`;
	if (id.length !== ID_LENGTH) return `the ID has ${id.length} digits, expected ${ID_LENGTH} (20 bytes in hexadecimal)`;
	return undefined;
}

/**
 * Reads `id@host:port`, with or without a protocol in front (p2p/netaddress.go NewNetAddressString). Names are not
 * looked up.
 * @throws CairnError `p2p-malformed-address` that says which part is wrong
 */
export function parsePeerAddress(text: string): PeerAddress {
	const parts = withoutProtocol(text).split("@");
	const [id = "", hostPort = ""] = parts;
	if (parts.length === 1) throw malformed(text, "it does not contain an ID");
	if (parts.length > 2) throw malformed(text, "more than one @");
	const problem = idProblem(id);
	if (problem !== undefined) throw malformed(text, problem);
	const split = splitHostPort(hostPort);
	if (typeof split === "string") throw malformed(text, split);
	const ip = parseIp(split.host);
	const host = ip === undefined ? split.host : formatIp(ip);
	if (ip === undefined && !isHostName(host))
		throw malformed(text, `the host ${JSON.stringify(host)} is no IP address or name`);
	return { id: id.toLowerCase(), host, port: split.port, ip };
}

/** `tcp://1.2.3.4:5` → `1.2.3.4:5`. */
function withoutProtocol(text: string): string {
	const at = text.indexOf("://");
	if (at < 0) return text;
	const rest = text.slice(at + 3);
	const again = rest.indexOf("://");
	return again < 0 ? rest : rest.slice(0, again);
}

/** RFC 1123 names, with the underscores that container networks use. */
function isHostName(host: string): boolean {
	return host.length <= 253 && /^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/.test(host);
}

/** Go's `net.SplitHostPort` and `ParseUint(port, 10, 16)`; a text says what is wrong. */
function splitHostPort(text: string): { host: string; port: number } | string {
	const colon = text.lastIndexOf(":");
	if (colon < 0) return "missing port in address";
	let host = text.slice(0, colon);
	const portText = text.slice(colon + 1);
	if (host.startsWith("[")) {
		if (!host.endsWith("]")) return "missing ] after the IPv6 address, or missing port";
		host = host.slice(1, -1);
	} else if (host.includes(":")) return "too many colons in address (an IPv6 address stands in brackets)";
	if (/[[\]]/.test(host)) return "unexpected bracket in address";
	if (host === "") return "the host is empty";
	if (!/^[0-9]+$/.test(portText) || Number(portText) > 65535) {
		return `the port ${JSON.stringify(portText.slice(0, 20))} is not a number from 0 to 65535`;
	}
	return { host, port: Number(portText) };
}

/** `host:port`, the form to dial. */
export function dialString(address: PeerAddress): string {
	return joinHostPort(address.host, address.port);
}

/** `id@host:port`. */
export function formatPeerAddress(address: PeerAddress): string {
	return `${address.id}@${dialString(address)}`;
}

/** True if both have the same id, or the same host and port (Go's `NetAddress.Same`). */
export function isSamePeer(a: PeerAddress, b: PeerAddress): boolean {
	return a.id === b.id || dialString(a) === dialString(b);
}

/** What forbids to gossip or keep this address (Go's `NetAddress.Valid`), or undefined. */
export function addressProblem(address: PeerAddress): string | undefined {
	const { ip } = address;
	if (ip === undefined) return "no IP";
	const invalid = isIpIn(ip, "unspecified") || isIpIn(ip, "rfc3849") || isIpIn(ip, "broadcast");
	return invalid ? "invalid IP" : undefined;
}

/** Splits `ip:port` of a socket; the IP in canonical form. Undefined for anything else (a unix path). */
export function socketIp(remoteAddress: string): string | undefined {
	const split = splitHostPort(remoteAddress);
	if (typeof split === "string") return undefined;
	const zone = split.host.indexOf("%");
	const ip = parseIp(zone < 0 ? split.host : split.host.slice(0, zone));
	return ip && formatIp(ip);
}
