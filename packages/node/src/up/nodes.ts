import { isIP } from "node:net";
import { join } from "node:path";
import type { Disk } from "@cairn/kit";
import { CairnError } from "@cairn/kit";
import { formatHostPort, parseSocketAddress } from "@cairn/world";
import type { PlannedNode } from "../cli/testnet-plan.ts";
import { loadConfig } from "../config/load.ts";
import { resolvePaths } from "../config/paths.ts";
import { defaultConfig } from "../config/resolve.ts";
import type { Config, FlatValues } from "../config/schema.ts";
import { PORTS_PER_NODE } from "./options.ts";

/** One node of the network, as the rest of `up` sees it. Addresses are `host:port`. */
export interface UpNode {
	readonly index: number;
	/** Also its moniker and the name of its home folder. */
	readonly name: string;
	readonly home: string;
	readonly logFile: string;
	readonly p2p: string;
	readonly rpc: string;
	/** Null where the configuration turns metrics off. */
	readonly metrics: string | null;
}

/** Name of the file in a node's home that its output goes to. */
const LOG_FILE = "cairn.log";

export function nodeName(index: number): string {
	return `node${index}`;
}

/** Where a network listens: node i takes the ports base + 10 i (peers), + 1 (RPC) and + 2 (metrics). */
export interface BaseAddress {
	readonly ip: string;
	readonly port: number;
}

/** @throws CairnError `usage` where the address is none or the ports would run out */
export function checkBase(base: BaseAddress, validators: number): void {
	if (isIP(base.ip) === 0) {
		throw new CairnError(
			"usage",
			"operator",
			`--base-ip "${base.ip}" is not an IP address; write for example 127.0.0.1`,
		);
	}
	const last = base.port + PORTS_PER_NODE * (validators - 1) + 2;
	if (base.port < 1 || last > 65_535) {
		const text = `--base-port ${base.port} leaves no room for the ports of ${validators} nodes; write a smaller one`;
		throw new CairnError("usage", "operator", text);
	}
}

/** Values of a node's config.toml that place it on this machine. */
export function placement(base: BaseAddress, index: number): FlatValues {
	const first = base.port + PORTS_PER_NODE * index;
	return new Map<string, unknown>([
		["p2p.laddr", `tcp://${formatHostPort(base.ip, first)}`],
		["rpc.laddr", `tcp://${formatHostPort(base.ip, first + 1)}`],
		["instrumentation.prometheus", true],
		["instrumentation.prometheus_listen_addr", formatHostPort(base.ip, first + 2)],
	]);
}

/** The nodes of a new network, for `makeNetworkHomes`. */
export function planNodes(home: string, base: BaseAddress, count: number, proxyApp: string): readonly PlannedNode[] {
	return Array.from({ length: count }, (_, index) => {
		const name = nodeName(index);
		const ownValues = new Map(placement(base, index)).set("proxy_app", proxyApp);
		return {
			name,
			isValidator: true,
			paths: resolvePaths(join(home, name), defaultConfig(join(home, name), name).values),
			host: base.ip.includes(":") ? `[${base.ip}]` : base.ip,
			p2pPort: base.port + PORTS_PER_NODE * index,
			moniker: name,
			ownValues,
		};
	});
}

/** The configuration of one node's home, from its file alone: the environment is not for it. @throws ConfigError */
export async function readNodeConfig(disk: Disk, home: string, name: string) {
	return loadConfig(disk, { home, environment: {}, flags: new Map(), hostname: name });
}

/** A node as its configuration places it. @throws CairnError `up-home` where it has no TCP address for peers or RPC */
export function upNode(home: string, index: number, config: Config): UpNode {
	const { instrumentation } = config;
	return {
		index,
		name: nodeName(index),
		home,
		logFile: join(home, LOG_FILE),
		p2p: tcpAddress(config, "p2p.laddr", config.p2p.laddr),
		rpc: tcpAddress(config, "rpc.laddr", config.rpc.laddr),
		metrics: instrumentation.prometheus ? localAddress(instrumentation.prometheusListenAddr) : null,
	};
}

function tcpAddress(config: Config, key: string, address: string): string {
	const parsed = address === "" ? null : parseSocketAddress(address);
	if (parsed?.kind === "tcp" && parsed.port !== 0) return localAddress(formatHostPort(parsed.host, parsed.port));
	const text = `${config.paths.configFile}: ${key} is "${address}"; cairn up needs tcp://ip:port there`;
	throw new CairnError("up-home", "operator", text, { key });
}

/** Where this machine reaches an address that may mean every interface. */
function localAddress(address: string): string {
	return address.replace(/^(?:0\.0\.0\.0)?:/, "127.0.0.1:").replace(/^\[::\]:/, "[::1]:");
}
