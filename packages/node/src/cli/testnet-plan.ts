import { isAbsolute, join, resolve } from "node:path";
import { CairnError } from "@cairn/kit";
import { resolvePaths } from "../config/paths.ts";
import type { ConfigPaths, FlatValues } from "../config/schema.ts";

/** Flags of `testnet`, with CometBFT's defaults filled in. */
export interface TestnetOptions {
	readonly v: number;
	readonly n: number;
	readonly o: string;
	readonly nodeDirPrefix: string;
	readonly initialHeight: number;
	readonly populatePersistentPeers: boolean;
	readonly hostnamePrefix: string;
	readonly hostnameSuffix: string;
	readonly startingIpAddress: string;
	readonly hostname: readonly string[];
	readonly p2pPort: number;
	readonly randomMonikers: boolean;
}

/** One node of a new network. */
export interface PlannedNode {
	/** Also the validator's name in the genesis. */
	readonly name: string;
	readonly isValidator: boolean;
	readonly paths: ConfigPaths;
	/** Where the others dial it. */
	readonly host: string;
	readonly p2pPort: number;
	/** Null: at random. */
	readonly moniker: string | null;
	/** Values of its config.toml that the others do not have. */
	readonly ownValues: FlatValues;
}

/**
 * Who is who in a new network (commands/testnet.go): validators first, folders `node0`, `node1`, … in `--o`.
 * @throws CairnError `usage` before anything is written
 */
export function planTestnet(options: TestnetOptions, values: FlatValues): readonly PlannedNode[] {
	const count = options.v + options.n;
	if (options.hostname.length > 0 && options.hostname.length !== count) {
		throw usage(
			`--hostname is given ${options.hostname.length} times for ${count} nodes; ` +
				"give it once for each validator and non-validator",
		);
	}
	if (options.startingIpAddress !== "") parseIpv4(options.startingIpAddress);
	for (const key of SHARED_PATHS) {
		if (!isAbsolute(String(values.get(key)))) continue;
		throw usage(
			`--config: ${key} is absolute, so that all nodes would share one file; make it relative to the home folder`,
		);
	}
	return Array.from({ length: count }, (_, index) => {
		const name = `${options.nodeDirPrefix}${index}`;
		return {
			name,
			isValidator: index < options.v,
			paths: resolvePaths(resolve(join(options.o, name)), values),
			host: hostOf(options, index),
			p2pPort: options.p2pPort,
			moniker: monikerOf(options, index),
			ownValues: new Map(),
		};
	});
}

const SHARED_PATHS = [
	"genesis_file",
	"priv_validator_key_file",
	"priv_validator_state_file",
	"node_key_file",
	"db_dir",
	"consensus.wal_file",
	"p2p.addr_book_file",
] as const;

function hostOf(options: TestnetOptions, index: number): string {
	const named = options.hostname[index];
	if (named !== undefined) return named;
	if (options.startingIpAddress === "") return prefixed(options, index);
	// As in CometBFT the address wraps around at the end of the IPv4 space.
	return formatIpv4((parseIpv4(options.startingIpAddress) + index) % 2 ** 32);
}

function monikerOf(options: TestnetOptions, index: number): string | null {
	if (options.randomMonikers) return null;
	const named = options.hostname[index];
	if (named !== undefined) return named;
	return options.startingIpAddress === "" ? prefixed(options, index) : null;
}

function prefixed(options: TestnetOptions, index: number): string {
	return `${options.hostnamePrefix}${index}${options.hostnameSuffix}`;
}

function parseIpv4(text: string): number {
	const parts = text.split(".");
	const isAddress = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
	if (!isAddress) throw usage(`--starting-ip-address "${text}" is not an IPv4 address; write for example 192.168.10.2`);
	return parts.reduce((address, part) => address * 256 + Number(part), 0);
}

function formatIpv4(address: number): string {
	return [2 ** 24, 2 ** 16, 2 ** 8, 1].map((unit) => Math.floor(address / unit) % 256).join(".");
}

function usage(message: string): CairnError {
	return new CairnError("usage", "operator", message);
}
