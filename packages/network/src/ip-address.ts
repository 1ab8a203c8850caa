import { invariant } from "@cairn/kit";

/** An IP address as 16 bytes; IPv4 in its mapped form `::ffff:a.b.c.d`, as in Go's `net.IP`. */
export type IpBytes = Uint8Array;

const MAPPED_PREFIX = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/** Reads what Go's `net.ParseIP` reads: dotted IPv4 without leading zeros, or IPv6 without a zone. */
export function parseIp(text: string): IpBytes | undefined {
	if (text.length > 45) return undefined;
	return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): IpBytes | undefined {
	const octets = dottedOctets(text);
	if (octets === undefined) return undefined;
	const bytes = new Uint8Array(16);
	bytes.set(MAPPED_PREFIX);
	bytes.set(octets, 12);
	return bytes;
}

function dottedOctets(text: string): number[] | undefined {
	const parts = text.split(".");
	if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part))) return undefined;
	const octets = parts.map(Number);
	return octets.every((octet) => octet <= 255) ? octets : undefined;
}

function parseIpv6(text: string): IpBytes | undefined {
	const halves = text.split("::");
	if (halves.length > 2) return undefined;
	const [left, right] = halves;
	const head = groupsOf(left ?? "", halves.length === 1);
	const tail = right === undefined ? [] : groupsOf(right, true);
	if (head === undefined || tail === undefined) return undefined;
	const gap = 8 - head.length - tail.length;
	if (right === undefined ? gap !== 0 : gap < 1) return undefined;
	const groups = [...head, ...new Array<number>(gap).fill(0), ...tail];
	return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** 16-bit groups; the last two may be written as dotted IPv4 where the address ends. */
function groupsOf(text: string, isEnd: boolean): number[] | undefined {
	if (text === "") return [];
	const groups: number[] = [];
	const parts = text.split(":");
	for (const [index, part] of parts.entries()) {
		if (isEnd && index === parts.length - 1 && part.includes(".")) {
			const octets = dottedOctets(part);
			if (octets === undefined) return undefined;
			const [a = 0, b = 0, c = 0, d = 0] = octets;
			groups.push((a << 8) | b, (c << 8) | d);
		} else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
		else return undefined;
	}
	return groups;
}

export function isIpv4(ip: IpBytes): boolean {
	return MAPPED_PREFIX.every((byte, index) => ip[index] === byte);
}

/** The canonical text (RFC 5952), IPv4 dotted, as Go's `IP.String`. */
export function formatIp(ip: IpBytes): string {
	if (isIpv4(ip)) return ip.subarray(12).join(".");
	const groups = Array.from({ length: 8 }, (_, i) => ((ip[2 * i] ?? 0) << 8) | (ip[2 * i + 1] ?? 0));
	const { start, length } = longestZeroRun(groups);
	const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(":");
	if (length < 2) return hex(groups);
	return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
	let best = { start: 0, length: 0 };
	let start = 0;
	for (let i = 0; i <= groups.length; i++) {
		if (groups[i] === 0) continue;
		if (i - start > best.length) best = { start, length: i - start };
		start = i + 1;
	}
	return best;
}

/** `host:port`, the host in brackets if it is IPv6 (Go's `net.JoinHostPort`). */
export function joinHostPort(host: string, port: number): string {
	return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A block of addresses: the first `bits` bits of `ip`. */
interface IpRange {
	readonly ip: IpBytes;
	readonly bits: number;
}

function range(text: string): IpRange {
	const [address = "", bits = ""] = text.split("/");
	const ip = parseIp(address);
	invariant(ip !== undefined, "a range starts with an address", { text });
	return { ip, bits: Number(bits) + (address.includes(":") ? 0 : 96) };
}

function ranges(...texts: string[]): readonly IpRange[] {
	return texts.map(range);
}

/** The ranges that address books treat apart, by the number of their RFC (p2p/netaddress.go). */
export const IP_RANGES = {
	/** Private IPv4. */
	rfc1918: ranges("10.0.0.0/8", "192.168.0.0/16", "172.16.0.0/12"),
	/** IPv6 for documentation. */
	rfc3849: ranges("2001:db8::/32"),
	/** IPv4 autoconfiguration. */
	rfc3927: ranges("169.254.0.0/16"),
	/** 6to4. */
	rfc3964: ranges("2002::/16"),
	/** IPv6 unique local. */
	rfc4193: ranges("fc00::/7"),
	/** Teredo. */
	rfc4380: ranges("2001::/32"),
	/** ORCHID. */
	rfc4843: ranges("2001:10::/28"),
	/** IPv6 autoconfiguration. */
	rfc4862: ranges("fe80::/64"),
	/** Well-known prefix of NAT64. */
	rfc6052: ranges("64:ff9b::/96"),
	/** IPv4-translated. Go writes `::FFFF:0:0:0/96`. */
	rfc6145: ranges("::ffff:0:0:0/96"),
	/** Tor by OnionCat. */
	onionCat: ranges("fd87:d87e:eb43::/48"),
	loopback: ranges("127.0.0.0/8", "::1/128"),
	/** "This network". */
	zero: ranges("0.0.0.0/8"),
	unspecified: ranges("0.0.0.0/32", "::/128"),
	broadcast: ranges("255.255.255.255/32"),
} as const satisfies Record<string, readonly IpRange[]>;

export type IpRangeName = keyof typeof IP_RANGES;

export function isIpIn(ip: IpBytes, name: IpRangeName): boolean {
	return IP_RANGES[name].some(({ ip: first, bits }) => sharedBits(ip, first) >= bits);
}

function sharedBits(a: IpBytes, b: IpBytes): number {
	for (let i = 0; i < 16; i++) {
		const difference = (a[i] ?? 0) ^ (b[i] ?? 0);
		if (difference !== 0) return 8 * i + Math.clz32(difference) - 24;
	}
	return 128;
}

const NOT_ROUTABLE: readonly IpRangeName[] = [
	"unspecified",
	"rfc3849",
	"broadcast",
	"rfc1918",
	"rfc3927",
	"rfc4862",
	"rfc4193",
	"rfc4843",
	"loopback",
	"zero",
];

/** True if the address can be reached over the public Internet (Go's `NetAddress.Routable`, the id aside). */
export function isRoutable(ip: IpBytes): boolean {
	return !NOT_ROUTABLE.some((name) => isIpIn(ip, name));
}

/** True for addresses of this machine (Go's `NetAddress.Local`). */
export function isLocal(ip: IpBytes): boolean {
	return isIpIn(ip, "loopback") || isIpIn(ip, "zero");
}
