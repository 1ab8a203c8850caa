import { key, type RuleBreach, section, type Values } from "../key.ts";
import { boolean, choice, commaList, duration, integer, text } from "../kinds.ts";

const UINT32_MAX = 2n ** 32n - 1n;
const INT32_MAX = 2n ** 31n - 1n;
const SHORTEST_MS = 5_000;

const STATESYNC_KEYS = {
	enable: key(
		boolean(),
		false,
		"Start a new node from a snapshot of the application that peers offer. Blocks before it are not fetched.",
	),
	rpc_servers: key(
		commaList(),
		[],
		"At least two RPC servers of different operators, separated by commas: they confirm the header to trust.",
	),
	trust_height: key(integer({}), 0, "A height that you know, from a source that you trust, …"),
	trust_hash: key(text("hex"), "", "… the hash of its header, in hex, …"),
	trust_period: key(
		duration({ negative: true }),
		604_800_000,
		"… and how long its validators can be trusted: about two thirds of the time that stake stays bound.",
	),
	discovery_time: key(duration({ negative: true }), 15_000, "How long to look for snapshots first. At least 5s."),
	temp_dir: key(text("path"), "", "Folder for pieces of snapshots. Empty: the system's folder for temporary files."),
	chunk_request_timeout: key(
		duration({ negative: true }),
		10_000,
		"After this time a piece is asked for again, perhaps from another peer. At least 5s.",
	),
	chunk_fetchers: key(integer({ max: INT32_MAX }), 4, "Pieces that are fetched at a time."),
	max_snapshot_chunks: key(integer({ min: 0, max: UINT32_MAX }), 100_000, "Most pieces of a snapshot."),
};

/** State sync (config.go `StateSyncConfig`); values are judged only when it is enabled. */
export const STATESYNC = section("statesync", "State sync", "", STATESYNC_KEYS, {
	breaches: (values) => (values.enable ? statesyncBreaches(values) : []),
});

function statesyncBreaches(values: Values<typeof STATESYNC_KEYS>): readonly RuleBreach[] {
	const found: RuleBreach[] = [];
	const add = (name: string, what: string, fix: string) => found.push({ key: name, what, fix });
	const needed = "is needed when state sync is enabled";
	const servers = values.rpcServers;
	if (servers.length < 2)
		add("rpc_servers", `names ${servers.length} of at least two servers`, 'write "host1:26657,host2:26657"');
	else if (servers.includes("")) add("rpc_servers", "has an empty entry", "remove the surplus comma");
	if (values.discoveryTime !== 0 && values.discoveryTime < SHORTEST_MS)
		add("discovery_time", "is too short", 'write at least "5s"');
	if (values.trustPeriod <= 0) add("trust_period", needed, 'write "168h0m0s" or what your chain recommends');
	if (values.trustHeight <= 0) add("trust_height", needed, "write a recent height that you trust");
	if (values.trustHash === "") add("trust_hash", needed, "write the hash of the header at trust_height");
	else if (!/^([0-9a-fA-F]{2})+$/.test(values.trustHash))
		add("trust_hash", "is not hex", "write an even number of hex digits");
	if (values.chunkRequestTimeout < SHORTEST_MS) add("chunk_request_timeout", "is too short", 'write at least "5s"');
	if (values.chunkFetchers <= 0) add("chunk_fetchers", needed, "write 4");
	if (values.maxSnapshotChunks === 0) add("max_snapshot_chunks", needed, "write 100000");
	return found;
}

/** Block sync (config.go `BlockSyncConfig`). */
export const BLOCKSYNC = section("blocksync", "Block sync", "", {
	version: key(choice(["v0"]), "v0", "Protocol. Only v0 exists."),
	adaptive_sync: key(
		boolean(),
		false,
		"Take part in consensus while still catching up. On a validator this risks signing twice: leave it off there.",
	),
});
