import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveConfig } from "./resolve.ts";
import { DEFAULTS, KNOWN_KEYS } from "./schema.ts";
import { renderConfig } from "./template.ts";
import { SAMPLES, sampleFile } from "./test-samples.ts";

const resolveText = (text: string) =>
	resolveConfig({
		home: "/home/node",
		file: { path: "/home/node/config/config.toml", text },
		environment: {},
		flags: new Map(),
		hostname: "elsewhere",
	});

const INIT = sampleFile("init", "config/config.toml");

test("what the real init wrote holds exactly our defaults", () => {
	const { values, warnings } = resolveText(INIT);
	assert.deepEqual(warnings, []);
	assert.deepEqual([...values], [...new Map(DEFAULTS).set("moniker", "vm")]);
});

test("every key that the real init wrote is ours, and every key of ours outside [cairn] is there", () => {
	let table = "";
	const written = new Set<string>();
	for (const line of INIT.split("\n")) {
		const header = /^\[([a-z_0-9.]+)\]$/.exec(line);
		if (header !== null) table = `${header[1]}.`;
		if (line.startsWith("[[")) table = "";
		const key = /^([a-z0-9_-]+) = /.exec(line);
		if (key !== null && table !== "") written.add(`${table}${key[1]}`);
		else if (key !== null && !["reactor", "min_workers", "max_workers", "threshold_latency"].includes(key[1] ?? "")) {
			written.add(key[1] ?? "");
		}
	}
	const ours = KNOWN_KEYS.map((known) => known.dotted).filter((key) => !key.startsWith("cairn."));
	// The template of v0.40.0 swallows this key into the comment before it; the overrides are a table of their own.
	const elsewhere = ["p2p.libp2p.bootstrap_peers", "p2p.libp2p.scaler.overrides"];
	assert.deepEqual([...written].sort(), ours.filter((key) => !elsewhere.includes(key)).sort());
});

test("every config.toml of the samples is understood without a warning", () => {
	let files = 0;
	for (const sample of SAMPLES) {
		for (const [name, text] of Object.entries(sample.files)) {
			if (!name.endsWith("config.toml")) continue;
			files++;
			const { config, warnings } = resolveText(text);
			assert.deepEqual(warnings, [], name);
			if (sample.name === "testnet") {
				assert.equal(config.base.moniker, name.split("/")[0]);
				assert.equal(config.p2p.persistentPeers.split(",").length, 4);
				assert.equal(config.p2p.addrBookStrict, false);
				assert.equal(config.p2p.allowDuplicateIp, true);
			}
		}
	}
	assert.equal(files, 6);
});

test("what we write for a real file's values reads back to the same values", () => {
	for (const sample of SAMPLES) {
		for (const [name, text] of Object.entries(sample.files)) {
			if (!name.endsWith("config.toml")) continue;
			const { values } = resolveText(text);
			const again = resolveText(renderConfig(values));
			assert.deepEqual([...again.values], [...values], name);
			assert.deepEqual(again.warnings, []);
		}
	}
});

test("values reach the nested form under camelCase names, in milliseconds, with absolute paths", () => {
	const { config } = resolveText(INIT);
	assert.equal(config.consensus.timeoutPropose, 3_000);
	assert.equal(config.consensus.blockTimeTolerance, 60_000);
	assert.equal(config.statesync.trustPeriod, 168 * 3_600_000);
	assert.equal(config.statesync.chunkFetchers, 4);
	assert.equal(config.mempool.keepInvalidTxsInCache, false);
	assert.equal(config.txIndex.psqlConn, "");
	assert.deepEqual(config.p2p.libp2p.scaler.overrides, [
		{ reactor: "MEMPOOL", minWorkers: 8, maxWorkers: 512, thresholdLatency: 500 },
	]);
	assert.equal(config.p2p.libp2p.limits.mode, "default");
	assert.deepEqual(config.paths, {
		home: "/home/node",
		configFile: "/home/node/config/config.toml",
		genesisFile: "/home/node/config/genesis.json",
		privValidatorKeyFile: "/home/node/config/priv_validator_key.json",
		privValidatorStateFile: "/home/node/data/priv_validator_state.json",
		nodeKeyFile: "/home/node/config/node_key.json",
		dbDir: "/home/node/data",
		addrBookFile: "/home/node/config/addrbook.json",
		walFile: "/home/node/data/cs.wal/wal",
		tlsCertFile: null,
		tlsKeyFile: null,
	});
});

test("absolute paths stay; TLS files are relative to the config folder", () => {
	const { config } = resolveText(
		'db_dir = "/disk/db"\n[rpc]\ntls_cert_file = "cert.pem"\ntls_key_file = "/keys/key.pem"\n',
	);
	assert.equal(config.paths.dbDir, "/disk/db");
	assert.equal(config.paths.tlsCertFile, "/home/node/config/cert.pem");
	assert.equal(config.paths.tlsKeyFile, "/keys/key.pem");
});
