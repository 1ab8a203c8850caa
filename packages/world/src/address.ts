import { CairnError } from "@cairn/kit";

/** Where to listen or dial: `tcp://host:port` (an empty host means every interface) or `unix://path`. */
export type SocketAddress =
	| { readonly kind: "tcp"; readonly host: string; readonly port: number }
	| { readonly kind: "unix"; readonly path: string };

/** @throws CairnError `bad-address`, blaming the operator, for anything that is not of the two forms */
export function parseSocketAddress(address: string): SocketAddress {
	if (address.startsWith("unix://")) {
		const path = address.slice("unix://".length);
		if (path === "") throw badAddress(address, "the path is missing");
		return { kind: "unix", path };
	}
	if (!address.startsWith("tcp://")) throw badAddress(address, "it has to begin with tcp:// or unix://");
	const match = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^[\]:/]*)):(\d{1,5})$/.exec(address.slice("tcp://".length));
	if (match === null) throw badAddress(address, "expected host:port or [IPv6]:port");
	const port = Number(match[3]);
	if (port > 65535) throw badAddress(address, "the port is larger than 65535");
	return { kind: "tcp", host: match[1] ?? match[2] ?? "", port };
}

/** `ip:port`, with brackets around IPv6 and IPv4-mapped addresses written as IPv4. */
export function formatHostPort(host: string, port: number): string {
	const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host)?.[1] ?? host;
	return plain.includes(":") ? `[${plain}]:${port}` : `${plain}:${port}`;
}

function badAddress(address: string, why: string): CairnError {
	return new CairnError("bad-address", "operator", `the address "${address}" cannot be used: ${why}`, { address });
}
