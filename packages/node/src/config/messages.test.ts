import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, type ConfigProblem, problemText } from "./problem.ts";
import { resolveConfig } from "./resolve.ts";
import { checkForStart } from "./start-check.ts";

const PATH = "/h/config/config.toml";

interface Given {
	readonly text?: string;
	readonly environment?: Readonly<Record<string, string>>;
	readonly flags?: ReadonlyMap<string, string>;
}

function resolve(given: Given) {
	const { text, environment = {}, flags = new Map() } = given;
	const file = text === undefined ? {} : { file: { path: PATH, text } };
	return resolveConfig({ home: "/h", environment, flags, hostname: "host", ...file });
}

/** Every problem of a configuration as people read it, those of start included. */
function problems(given: Given): readonly string[] {
	let found: readonly ConfigProblem[];
	try {
		const { config, origins } = resolve(given);
		found = checkForStart(config, origins).errors;
	} catch (error) {
		assert.ok(error instanceof ConfigError);
		assert.equal(error.code, "config");
		assert.equal(error.blame, "operator");
		found = error.problems;
	}
	return found.map(problemText);
}

const ID = "ef20f907e684837d8ef4f5d20b07408f0adab3d6";

/** Text of the file → the one line that must come out. */
const BAD_FILES: readonly (readonly [text: string, line: string])[] = [
	["moniker = host", `${PATH}:1: is not TOML: invalid value; mend the line; texts need double quotes`],
	['a = 1\n[rpc\nladdr = ""', `${PATH}:2: is not TOML: `],
	[
		'[rpc]\nunsafe = "maybe"',
		`${PATH}:2: rpc.unsafe: "maybe" is neither true nor false; write true or false, without quotes`,
	],
	[
		'\n[p2p]\n\nsend_rate = "fast"',
		`${PATH}:4: p2p.send_rate: "fast" is not a whole number; write a number without quotes: 10`,
	],
	["[p2p]\nsend_rate = -1", `${PATH}:2: p2p.send_rate: -1 is negative; write at least 0`],
	["[p2p]\nmax_num_inbound_peers = 1.5", `${PATH}:2: p2p.max_num_inbound_peers: 1.5 is not a whole number`],
	["[mempool]\nreap_max_gas = 1e30", `${PATH}:2: mempool.reap_max_gas: 1e+30 is not a whole number`],
	[
		"[statesync]\nmax_snapshot_chunks = 4294967296",
		`${PATH}:2: statesync.max_snapshot_chunks: 4294967296 is too large; write at most 4294967295`,
	],
	[
		'[consensus]\ntimeout_commit = "5"',
		`${PATH}:2: consensus.timeout_commit: "5" is not a duration; write a number with a unit: "5s" or "5ms"`,
	],
	[
		"[consensus]\ntimeout_commit = 5",
		`${PATH}:2: consensus.timeout_commit: 5 without a unit means nanoseconds; write the unit: "5s" or "5ms"`,
	],
	['[consensus]\ntimeout_commit = "-1s"', `${PATH}:2: consensus.timeout_commit: "-1s" is negative; write "0s" or more`],
	[
		'[consensus]\ntimeout_commit = "1 minute"',
		`${PATH}:2: consensus.timeout_commit: "1 minute" is not a duration; write a number with a unit: "3s", "500ms" or "1m30s"`,
	],
	[
		'[consensus]\nblock_time_tolerance = "0s"',
		`${PATH}:2: consensus.block_time_tolerance: must be more than zero; write "1m0s" or another duration`,
	],
	['log_format = "xml"', `${PATH}:1: log_format: "xml" is not known; write "plain" or "json"`],
	['log_level = "verbose"', `${PATH}:1: log_level: "verbose" is not a level; write debug, info, warn, error or none`],
	['log_level = "consensus:debug,p2p"', `${PATH}:1: log_level: "p2p" is not a pair of module:level; `],
	['version = "new"', `${PATH}:1: version: "new" is not a version; write version = "0.39.0"`],
	['abci = "local"', `${PATH}:1: abci: "local" is not known; write "socket" or "grpc"`],
	["event_bus_buffer_capacity = -1", `${PATH}:1: event_bus_buffer_capacity: -1 is negative; write at least 0`],
	['[mempool]\ntype = "lanes"', `${PATH}:2: mempool.type: "lanes" is not known; write "flood" or "nop" or "app"`],
	[
		'[mempool]\ntype = "app"\nreap_interval = "0s"',
		`${PATH}:3: mempool.reap_interval: must be more than zero with type = "app"; `,
	],
	[
		'[mempool]\ntype = "nop"\n[consensus]\ncreate_empty_blocks = false',
		`${PATH}:4: consensus.create_empty_blocks: cannot be false with mempool.type = "nop"`,
	],
	['[blocksync]\nversion = "v1"', `${PATH}:2: blocksync.version: "v1" is not known; write "v0"`],
	[
		"[rpc]\nexperimental_subscription_buffer_size = 50",
		`${PATH}:2: rpc.experimental_subscription_buffer_size: 50 is too small; write at least 100`,
	],
	[
		"[rpc]\nexperimental_subscription_buffer_size = 300",
		`${PATH}: rpc.experimental_websocket_write_buffer_size: 200 is less than experimental_subscription_buffer_size; write at least 300`,
	],
	[
		"[rpc]\ncors_allowed_origins = [1]",
		`${PATH}:2: rpc.cors_allowed_origins: [1] is not a list of texts; write a list: ["one", "two"]`,
	],
	[
		`[p2p]\npersistent_peers = ["a", "b"]`,
		`${PATH}:2: p2p.persistent_peers: ["a","b"] is a list; write one text with commas: "a,b"`,
	],
	[
		'[instrumentation]\nnamespace = "my-chain"',
		`${PATH}:2: instrumentation.namespace: "my-chain" cannot begin the name of a metric; `,
	],
	['[tx_index]\nindexer = "sql"', `${PATH}:2: tx_index.indexer: "sql" is not known; write "kv" or "null" or "psql"`],
	[
		'[p2p.libp2p]\nenabled = true\n[p2p.libp2p.limits]\nmode = "custom"\nmax_peers = 3',
		`${PATH}: p2p.libp2p.limits.max_peer_streams: is needed with mode = "custom"; `,
	],
	[
		'[p2p.libp2p]\nbootstrap_peers = [{ host = "1.2.3.4:5" }]',
		`${PATH}:2: p2p.libp2p.bootstrap_peers: entry 0: id is missing; add id = …`,
	],
	['[cairn]\nstop_timout = "1s"', `${PATH}:2: cairn.stop_timout: is not a known key; did you mean cairn.stop_timeout?`],
	["cairn = 1", `${PATH}:1: cairn: is a table, not a value; write [cairn] on a line of its own and its keys below`],
	["[cairn]\nx = 1", `${PATH}:2: cairn.x: is not a known key; remove it (the nearest known key is cairn.`],
	['[cairn]\nlog_color = "yes"', `${PATH}:2: cairn.log_color: "yes" is not known; write "auto" or "always" or "never"`],
	// What only start asks.
	[
		'[p2p]\npersistent_peers = "10.0.0.1:26656"',
		`${PATH}:2: p2p.persistent_peers: malformed peer address "10.0.0.1:26656": it does not contain an ID; expected id@host:port; the id is what`,
	],
	[
		`[p2p]\nseeds = "${ID}@node0:26656, ${ID}@node1"`,
		`${PATH}:2: p2p.seeds: malformed peer address "${ID}@node1": missing port in address; expected id@host:port`,
	],
	[
		`[p2p]\nseeds = "${ID.slice(1)}@node0:26656"`,
		`malformed peer address "${ID.slice(1)}@node0:26656": the ID has 39 digits, expected 40`,
	],
	[
		`[p2p]\nseeds = "${ID}@node0:266560"`,
		`malformed peer address "${ID}@node0:266560": the port "266560" is not a number from 0 to 65535`,
	],
	[`[p2p]\nseeds = "${ID}@:26656"`, `malformed peer address "${ID}@:26656": the host is empty`],
	[
		'[p2p]\nprivate_peer_ids = "node7"',
		`${PATH}:2: p2p.private_peer_ids: malformed id "node7": the ID "node7" is not hexadecimal; `,
	],
	[
		'[rpc]\nladdr = "0.0.0.0:26657"',
		`${PATH}:2: rpc.laddr: "0.0.0.0:26657" does not say how to listen; write tcp://… or unix://…`,
	],
	[
		'[rpc]\nladdr = "http://0.0.0.0:26657"',
		`${PATH}:2: rpc.laddr: "http://0.0.0.0:26657" begins with http://, which is not understood here; `,
	],
	[
		'[p2p]\nladdr = "tcp://0.0.0.0"',
		`${PATH}:2: p2p.laddr: "tcp://0.0.0.0" has no port; write for example "tcp://0.0.0.0:26656"`,
	],
	[
		'[p2p]\nladdr = "tcp://0.0.0.0:99999"',
		`${PATH}:2: p2p.laddr: "tcp://0.0.0.0:99999" has the port 99999, which does not exist; `,
	],
	[
		'priv_validator_laddr = "/run/signer.sock"',
		`${PATH}:1: priv_validator_laddr: "/run/signer.sock" does not say how to listen; write tcp://… or unix://… or noise://…`,
	],
	['db_backend = "rocksdb"', `${PATH}:1: db_backend: "rocksdb" databases cannot be read; write "goleveldb"`],
];

test("a wrong value gives one line: file and line, key, what is wrong, what would be right", () => {
	for (const [text, line] of BAD_FILES) {
		const found = problems({ text });
		assert.equal(found.length, 1, `${text}\n${found.join("\n")}`);
		assert.ok(found[0]?.includes(line), `${text}\n  expected ${line}\n  found    ${found[0]}`);
		assert.ok(!found[0]?.includes("\n"));
	}
});

test("state sync's keys are judged only when it is enabled", () => {
	const wrong = 'rpc_servers = "one:1"\ntrust_hash = "xyz"\ndiscovery_time = "1s"\nchunk_request_timeout = "1s"';
	assert.deepEqual(problems({ text: `[statesync]\n${wrong}` }), []);
	const found = problems({ text: `[statesync]\nenable = true\n${wrong}` });
	const keys = found.map((line) => /statesync\.[a-z_]+/.exec(line)?.[0]);
	assert.deepEqual(keys, [
		"statesync.rpc_servers",
		"statesync.discovery_time",
		"statesync.trust_height",
		"statesync.trust_hash",
		"statesync.chunk_request_timeout",
	]);
});

test("all problems of a file come out together", () => {
	const found = problems({
		text: '[rpc]\nunsafe = 3.5\nladdr = 1\n[cairn]\nx = 1\n[p2p]\npex = "no"\nsend_rate = "a"',
	});
	assert.deepEqual(
		found.map((line) => line.split(": ")[1]),
		["p2p.send_rate", "p2p.pex", "cairn.x"],
	);
});

test("a wrong variable or flag is named instead of the file", () => {
	assert.deepEqual(problems({ environment: { CMT_P2P_PEX: "no" } }), [
		'environment variable CMT_P2P_PEX: "no" is neither true nor false; write true or false, without quotes',
	]);
	assert.deepEqual(problems({ flags: new Map([["consensus.double_sign_check_height", "-1"]]) }), [
		"flag --consensus.double_sign_check_height: -1 is negative; write at least 0",
	]);
	assert.deepEqual(problems({ flags: new Map([["p2p.external_address", "1.2.3.4"]]) }), [
		'flag --p2p.external-address: "1.2.3.4" has no port; write for example "tcp://0.0.0.0:26656"',
	]);
	assert.match(
		problems({ flags: new Map([["p2p.persistent_peers", "x@y:1"]]) })[0] ?? "",
		/^flag --p2p\.persistent_peers: malformed peer address "x@y:1"/,
	);
});

test("a rule that a flag or variable breaks names it, not the file", () => {
	assert.deepEqual(problems({ text: 'moniker = "a"', flags: new Map([["log_level", "loud"]]) }), [
		'flag --log_level: "loud" is not a level; ' +
			"write debug, info, warn, error or none, or pairs of module:level: consensus:debug,p2p:none,*:error",
	]);
	assert.match(
		problems({ environment: { CAIRN_LOG_LEVEL: "loud" } })[0] ?? "",
		/^environment variable CAIRN_LOG_LEVEL: "loud"/,
	);
});

test("unknown keys outside [cairn] are one warning each, with the nearest known key", () => {
	const text = [
		'monicker = "a"',
		"[p2p]",
		'persistent-peers = ""',
		"timeout_commit = 1",
		"[consensus]",
		'psql-conn = ""',
		"[fastsync]",
		'version = "v0"',
		"[p2p.libp2p]",
		"zzzzzzzzzzzzz = 1",
	].join("\n");
	const { warnings, unknown } = resolve({ text });
	assert.deepEqual(warnings, unknown);
	assert.deepEqual(unknown.map(problemText), [
		`${PATH}:1: monicker: is not a known key; did you mean moniker?`,
		`${PATH}:3: p2p.persistent-peers: is not a known key; did you mean p2p.persistent_peers?`,
		`${PATH}:4: p2p.timeout_commit: is not a known key; did you mean consensus.timeout_commit, in [consensus]?`,
		`${PATH}:10: p2p.libp2p.zzzzzzzzzzzzz: is not a known key; remove it (the nearest known key is p2p.libp2p.enabled)`,
		`${PATH}:6: consensus.psql-conn: is not a known key; did you mean tx_index.psql-conn, in [tx_index]?`,
		`${PATH}:7: fastsync: is not a known key; remove it (the nearest known key is statesync)`,
	]);
});

test("CometBFT's testing aids and a home key are warned about, unless they are off", () => {
	const { warnings } = resolve({ text: 'home = "/x"\n[p2p]\ntest_fuzz = true\ntest_dial_fail = false' });
	assert.deepEqual(warnings.map(problemText), [
		`${PATH}:1: home: has no effect; the home folder is chosen with --home or CAIRN_HOME`,
		`${PATH}:3: p2p.test_fuzz: has no effect; is a testing aid of CometBFT; Cairn breaks connections in its simulator instead`,
	]);
});

test("a mistyped CAIRN_ variable is warned about, a foreign one is not", () => {
	const { warnings } = resolve({
		environment: { CAIRN_P2P_LADRR: "x", CAIRN_SIMULATOR_SEED: "7", CMT_P2P_LADRR: "x" },
	});
	assert.deepEqual(warnings.map(problemText), [
		"environment variable CAIRN_P2P_LADRR: is no key of the configuration and is ignored; did you mean CAIRN_P2P_LADDR?",
	]);
});

test("keys are read in any case and with CometBFT's leniency", () => {
	const { config, warnings } = resolve({
		text: [
			"moniker = 7",
			"[RPC]",
			'Unsafe = "T"',
			'max_open_connections = "0x10"',
			"[P2P]",
			"pex = 0",
			"[consensus]",
			"timeout_commit = 2000000000",
			"[statesync]",
			'rpc_servers = ["a:1", "b:2"]',
			"[mempool]",
			"max_txs_bytes = 9223372036854775807",
			'type = ""',
		].join("\n"),
	});
	assert.deepEqual(warnings, []);
	assert.equal(config.base.moniker, "7");
	assert.equal(config.rpc.unsafe, true);
	assert.equal(config.rpc.maxOpenConnections, 16);
	assert.equal(config.p2p.pex, false);
	assert.equal(config.consensus.timeoutCommit, 2_000);
	assert.deepEqual(config.statesync.rpcServers, ["a:1", "b:2"]);
	assert.equal(config.mempool.maxTxsBytes, Number.MAX_SAFE_INTEGER);
});
