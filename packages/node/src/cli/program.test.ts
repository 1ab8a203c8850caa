import assert from "node:assert/strict";
import { test } from "node:test";
import { TestCli } from "./test-context.ts";

test("typing errors are one line with what was meant", async () => {
	const cases: readonly (readonly [args: string, line: string])[] = [
		["strat", 'ERROR usage: unknown command "strat"; did you mean start?'],
		["unsafe-rest-all", 'ERROR usage: unknown command "unsafe-rest-all"; did you mean unsafe-reset-all?'],
		["frobnicate", 'ERROR usage: unknown command "frobnicate"; cairn --help lists all commands'],
		["config chek", 'ERROR usage: unknown command "chek"; did you mean check?'],
		["config", "ERROR usage: cairn config needs a command; cairn config --help lists all commands"],
		["start --homee x", "ERROR usage: unknown flag --homee of cairn start; did you mean --home?"],
		["start --mempool.siz=5", "ERROR usage: unknown flag --mempool.siz of cairn start; did you mean --mempool.size?"],
		["init --zzzzzzzzzz", "ERROR usage: unknown flag --zzzzzzzzzz of cairn init; cairn init --help lists all flags"],
		[
			"start --p2p.pex false",
			"ERROR usage: cairn start takes flags only, there is a surplus argument; " +
				"flags that are true or false take their value after =, as in --p2p.pex=false",
		],
		["start --moniker", "ERROR usage: option '--moniker <name>' argument missing"],
		["show-node-id --home=", "ERROR usage: --home is empty; give a folder, or leave it out for the default"],
		[
			"start --p2p.pex=maybe",
			'ERROR config: flag --p2p.pex: "maybe" is neither true nor false; write true or false, without quotes',
		],
	];
	for (const [args, line] of cases) {
		const cli = new TestCli();
		assert.equal(await cli.run(...args.split(" ")), 1, args);
		assert.equal(cli.err, `${line}\n`);
		assert.equal(cli.out, "");
	}
});

test("without a command, and with --help, the help is printed", async () => {
	const cli = new TestCli();
	assert.equal(await cli.run(), 0);
	assert.match(cli.out, /^Usage: cairn \[options\] \[command\]/);
	for (const name of [
		"init",
		"testnet",
		"start|node",
		"show-node-id|show_node_id",
		"unsafe-reset-all|unsafe_reset_all",
		"version",
	]) {
		assert.ok(cli.out.includes(`\n  ${name} `), name);
	}
	assert.equal(await cli.run("start", "--help"), 0);
	assert.match(cli.out, /--p2p\.persistent_peers/);
	assert.doesNotMatch(cli.out, /--mempool\.recheck_timeout/);
	assert.equal(cli.err, "");
});

/** Flags of `cometbft start --help` and `testnet --help`, v0.40.0. */
const COMETBFT_FLAGS = {
	start:
		"abci consensus.create_empty_blocks consensus.create_empty_blocks_interval consensus.double_sign_check_height " +
		"db_backend db_dir genesis_hash moniker p2p.external-address p2p.laddr p2p.persistent_peers p2p.pex p2p.private_peer_ids " +
		"p2p.seed_mode p2p.seeds p2p.unconditional_peer_ids priv_validator_laddr proxy_app rpc.grpc_laddr rpc.laddr " +
		"rpc.pprof_laddr rpc.unsafe home log_level trace",
	testnet:
		"config hostname hostname-prefix hostname-suffix initial-height n node-dir-prefix o p2p-port " +
		"populate-persistent-peers random-monikers starting-ip-address v home log_level trace",
};

test("every flag of CometBFT's commands is in the help", async () => {
	for (const [command, flags] of Object.entries(COMETBFT_FLAGS)) {
		const cli = new TestCli();
		await cli.run(command, "--help");
		for (const flag of flags.split(" ")) assert.ok(cli.out.includes(`  --${flag} `), `${command} --${flag}`);
	}
});

test("version is one word; -v and --verbose tell protocols", async () => {
	const cli = new TestCli();
	assert.equal(await cli.run("version"), 0);
	assert.match(cli.out, /^\d+\.\d+\.\d+\n$/);
	const version = cli.out.trim();
	for (const flag of ["-v", "--verbose"]) {
		assert.equal(await cli.run("version", flag), 0);
		const { node, ...rest } = JSON.parse(cli.out) as Record<string, unknown>;
		assert.equal(node, process.version);
		assert.deepEqual(rest, { cairn: version, cometbft: "0.39.0", abci: "2.0.0", block_protocol: 11, p2p_protocol: 8 });
	}
	assert.equal(await cli.run("--version"), 0);
	assert.equal(cli.out, `${version}\n`);
});

test("a file that is not TOML is named with its line by every command, and nothing happens", async () => {
	const cli = new TestCli();
	await cli.write("/h/config/config.toml", "# one\n[p2p\n");
	for (const command of ["init", "start", "show-node-id", "gen-node-key", "unsafe-reset-all", "config show"]) {
		assert.equal(await cli.run(...command.split(" "), "--home", "/h"), 1, command);
		assert.match(cli.err, /^ERROR config: \/h\/config\/config\.toml:2: is not TOML: .*\n$/);
	}
	assert.deepEqual(await cli.world.disk.list("/h"), ["config"]);
	assert.deepEqual(await cli.world.disk.list("/h/config"), ["config.toml"]);
});

test("config.toml in the home folder itself counts, as for CometBFT", async () => {
	const cli = new TestCli();
	await cli.write("/h/config.toml", 'moniker = "outer"');
	await cli.write("/h/config/config.toml", 'moniker = "inner"');
	assert.equal(await cli.run("config", "show", "--home", "/h"), 0);
	assert.match(cli.out, /^moniker = "outer" {2}# \/h\/config\.toml:1$/m);
	assert.match(cli.out, /^p2p\.pex = true {2}# default$/m);
});
