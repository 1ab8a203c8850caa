import assert from "node:assert/strict";
import { test } from "node:test";
import { parseGenesis } from "@cairn/types";
import fc from "fast-check";
import { resolveConfig } from "../config/resolve.ts";
import { type Config, DEFAULTS } from "../config/schema.ts";
import { SAMPLES, sampleFile } from "../config/test-samples.ts";
import { TestCli } from "./test-context.ts";
import { planTestnet, type TestnetOptions } from "./testnet-plan.ts";

async function configOf(cli: TestCli, home: string): Promise<Config> {
	const path = `${home}/config/config.toml`;
	const file = { path, text: await cli.read(path) };
	return resolveConfig({ home, file, environment: {}, flags: new Map(), hostname: "" }).config;
}

/** Each id replaced by its place in order of appearance. */
const withoutIds = (peers: string) => peers.replace(/[0-9a-f]{40}/g, "id");

test("testnet writes the files of the real one, with the same differences from the defaults", async () => {
	const cli = new TestCli();
	assert.equal(await cli.run("testnet", "--v", "4", "--o", "/net"), 0);
	const real = SAMPLES.find((sample) => sample.name === "testnet");
	for (const file of Object.keys(real?.files ?? {})) assert.ok(await cli.exists(`/net/${file}`), file);
	assert.deepEqual(await cli.world.disk.list("/net"), ["node0", "node1", "node2", "node3"]);
	for (const node of ["node0", "node1", "node2", "node3"]) {
		const path = `/net/${node}/config/config.toml`;
		const ours = resolveConfig({
			home: "/h",
			file: { path, text: await cli.read(path) },
			environment: {},
			flags: new Map(),
			hostname: "",
		});
		const theirs = resolveConfig({
			home: "/h",
			file: { path, text: sampleFile("testnet", `${node}/config/config.toml`) },
			environment: {},
			flags: new Map(),
			hostname: "",
		});
		const form = (values: ReadonlyMap<string, unknown>) =>
			new Map(values).set("p2p.persistent_peers", withoutIds(String(values.get("p2p.persistent_peers"))));
		assert.deepEqual(form(ours.values), form(theirs.values));
	}
	assert.match(cli.out, /Successfully initialized 4 node directories\n$/);
});

test("one genesis for all, with the validators of the key files; peers are those of the node keys", async () => {
	const cli = new TestCli();
	await cli.run("testnet", "--v=2", "--n=1", "--o", "/net", "--initial-height", "5");
	const texts = [];
	const ids = [];
	for (const node of ["node0", "node1", "node2"]) {
		texts.push(await cli.read(`/net/${node}/config/genesis.json`));
		await cli.run("show-node-id", "--home", `/net/${node}`);
		ids.push(cli.out.trim());
	}
	assert.equal(new Set(texts).size, 1);
	const genesis = parseGenesis(texts[0] ?? "");
	assert.match(genesis.chainId, /^chain-[0-9A-Za-z]{6}$/);
	assert.equal(genesis.initialHeight, 5);
	assert.deepEqual(
		genesis.validators.map(({ name, power }) => [name, power]),
		[
			["node0", 1n],
			["node1", 1n],
		],
	);
	const config = await configOf(cli, "/net/node2");
	assert.equal(config.p2p.persistentPeers, ids.map((id, index) => `${id}@node${index}:26656`).join(","));
	await cli.run("show-validator", "--home", "/net/node1");
	assert.ok(texts[0]?.includes((JSON.parse(cli.out) as { value: string }).value));
});

test("testnet again keeps the keys", async () => {
	const cli = new TestCli();
	await cli.run("testnet", "--v", "1", "--o", "/net");
	const key = await cli.read("/net/node0/config/priv_validator_key.json");
	await cli.run("testnet", "--v", "2", "--o", "/net");
	assert.equal(await cli.read("/net/node0/config/priv_validator_key.json"), key);
	assert.equal(parseGenesis(await cli.read("/net/node0/config/genesis.json")).validators.length, 2);
});

test("testnet starts from the config that it is given", async () => {
	const cli = new TestCli();
	await cli.write("/base.toml", '[consensus]\ntimeout_commit = "7s"\n[p2p]\npersistent_peers = "kept"\nseedz = 1\n');
	const flags = ["--config", "/base.toml", "--populate-persistent-peers=false", "--random-monikers", "--p2p_port", "7"];
	assert.equal(await cli.run("testnet", "--v", "1", "--o", "/net", "--node-dir-prefix", "val", ...flags), 0);
	const config = await configOf(cli, "/net/val0");
	assert.equal(config.consensus.timeoutCommit, 7_000);
	assert.equal(config.p2p.persistentPeers, "kept");
	assert.equal(config.p2p.addrBookStrict, false);
	assert.match(config.base.moniker, /^[0-9A-F]{16}$/);
	assert.match(cli.err, /^WARNING \/base\.toml:5: p2p\.seedz: is not a known key; did you mean p2p\.seeds\?\n$/);
});

test("wrong flags are named before anything is written", async () => {
	const cases: readonly (readonly [flags: readonly string[], message: RegExp])[] = [
		[["--hostname", "a"], /--hostname is given 1 times for 4 nodes/],
		[["--starting-ip-address", "::1"], /--starting-ip-address "::1" is not an IPv4 address/],
		[["--starting-ip-address", "1.2.3.256"], /is not an IPv4 address/],
		[["--v", "-1"], /option '--v <number>' argument '-1' is invalid. -1 is negative; write at least 0/],
		[["--p2p-port", "70000"], /70000 is too large; write at most 65535/],
		[["--config", "/none.toml"], /--config: there is no file \/none\.toml/],
		[["--config", "/absolute.toml"], /--config: db_dir is absolute, so that all nodes would share one file/],
		[["--config", "/broken.toml"], /\/broken\.toml:1: is not TOML/],
	];
	for (const [flags, message] of cases) {
		const cli = new TestCli();
		await cli.write("/absolute.toml", 'db_dir = "/data"');
		await cli.write("/broken.toml", "moniker = ");
		assert.equal(await cli.run("testnet", "--o", "/net", ...flags), 1, flags.join(" "));
		assert.match(cli.err, message);
		assert.deepEqual(await cli.world.disk.list("/net"), []);
	}
});

const OPTIONS: TestnetOptions = {
	v: 4,
	n: 0,
	o: "/net",
	nodeDirPrefix: "node",
	initialHeight: 0,
	populatePersistentPeers: true,
	hostnamePrefix: "node",
	hostnameSuffix: "",
	startingIpAddress: "",
	hostname: [],
	p2pPort: 26_656,
	randomMonikers: false,
};

const hosts = (options: Partial<TestnetOptions>) =>
	planTestnet({ ...OPTIONS, ...options }, DEFAULTS).map(({ host, moniker }) => [host, moniker]);

test("hosts and monikers come from the names, the addresses or the prefix, in this order", () => {
	const two = { v: 1, n: 1 };
	assert.deepEqual(hosts({ ...two, hostnamePrefix: "h", hostnameSuffix: ".xyz" }), [
		["h0.xyz", "h0.xyz"],
		["h1.xyz", "h1.xyz"],
	]);
	assert.deepEqual(hosts({ ...two, startingIpAddress: "192.168.1.255" }), [
		["192.168.1.255", null],
		["192.168.2.0", null],
	]);
	assert.deepEqual(hosts({ ...two, startingIpAddress: "1.2.3.4", hostname: ["a", "b"] }), [
		["a", "a"],
		["b", "b"],
	]);
	assert.deepEqual(hosts({ ...two, hostname: ["a", "b"], randomMonikers: true }), [
		["a", null],
		["b", null],
	]);
	assert.deepEqual(hosts({ v: 2, startingIpAddress: "255.255.255.255" })[1], ["0.0.0.0", null]);
});

test("addresses follow one another, octet by octet, as CometBFT counts them up", () => {
	const octet = fc.integer({ min: 0, max: 255 });
	fc.assert(
		fc.property(fc.tuple(octet, octet, octet, octet), fc.integer({ min: 1, max: 600 }), (start, count) => {
			const address = [...start];
			const expected: string[] = [];
			for (let index = 0; index < count; index++) {
				expected.push(address.join("."));
				for (let at = 3; at >= 0; at--) {
					address[at] = ((address[at] ?? 0) + 1) % 256;
					if (address[at] !== 0) break;
				}
			}
			assert.deepEqual(
				hosts({ v: count, startingIpAddress: start.join(".") }).map(([host]) => host),
				expected,
			);
		}),
		{ numRuns: 30 },
	);
});
