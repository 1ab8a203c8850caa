import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { CairnError, InvariantError } from "@cairn/kit";
import { settle } from "@cairn/world";
import type { Config } from "../config/schema.ts";
import type { RunningNode, StartNodeOptions, StopReason } from "../running-node.ts";
import { TestCli } from "./test-context.ts";

/** A node that does nothing, but notes how it was started and stops when the test lets it. */
class FakeNode implements RunningNode {
	readonly addresses = { rpc: "127.0.0.1:26657", p2p: "0.0.0.0:26656", metrics: null, grpc: null };
	readonly stopped: Promise<StopReason>;
	stops = 0;
	/** `timeout_commit` of each configuration that was read again, in milliseconds. */
	readonly tuned: number[] = [];
	#end: (reason: StopReason) => void = () => {};

	constructor() {
		this.stopped = new Promise((resolve) => {
			this.#end = resolve;
		});
	}

	async stop(): Promise<void> {
		this.stops++;
	}

	tune(config: Config): void {
		this.tuned.push(config.consensus.timeoutCommit);
	}

	end(reason: StopReason): void {
		this.#end(reason);
	}
}

interface Started {
	readonly cli: TestCli;
	readonly node: FakeNode;
	/** What the node was started with. */
	readonly options: Promise<StartNodeOptions>;
	start(...args: readonly string[]): Promise<number>;
}

async function prepared(): Promise<Started> {
	const cli = new TestCli();
	await cli.run("init", "--chain-id", "chain-a");
	const node = new FakeNode();
	const options = new Promise<StartNodeOptions>((resolve) => {
		cli.startNode = async (given) => {
			resolve(given);
			return node;
		};
	});
	return { cli, node, options, start: (...args) => cli.run("start", ...args) };
}

test("flags reach the node: CometBFT's, in both spellings, and every other key", async () => {
	const { node, options, start } = await prepared();
	const done = start(
		...["--proxy_app", "kvstore", "--p2p.laddr=tcp://127.0.0.1:1", "--p2p.external_address", "1.2.3.4:5"],
		...[
			"--p2p.pex=false",
			"--rpc.unsafe",
			"--consensus.create-empty-blocks=F",
			"--consensus.create_empty_blocks_interval",
			"3s",
		],
		...[
			"--moniker",
			"--trace",
			"--mempool.keep_invalid_txs_in_cache",
			"--cairn.stop_timeout",
			"1m",
			"--log-level",
			"p2p:debug,*:error",
		],
	);
	const { config, home, world } = await options;
	assert.equal(home, "/user/.cairn");
	assert.equal(config.base.proxyApp, "kvstore");
	assert.equal(config.p2p.laddr, "tcp://127.0.0.1:1");
	assert.equal(config.p2p.externalAddress, "1.2.3.4:5");
	assert.equal(config.p2p.pex, false);
	assert.equal(config.rpc.unsafe, true);
	assert.equal(config.consensus.createEmptyBlocks, false);
	assert.equal(config.consensus.createEmptyBlocksInterval, 3_000);
	assert.equal(config.base.moniker, "--trace");
	assert.equal(config.mempool.keepInvalidTxsInCache, true);
	assert.equal(config.cairn.stopTimeout, 60_000);
	assert.equal(config.base.logLevel, "p2p:debug,*:error");
	assert.ok(world.disk);
	node.end({ reason: "done" });
	assert.equal(await done, 0);
});

test("node and run are start", async () => {
	for (const name of ["node", "run"]) {
		const { cli, node } = await prepared();
		node.end({ reason: "done" });
		assert.equal(await cli.run(name), 0);
		assert.match(
			cli.out,
			/Started node +module=main rpc=127\.0\.0\.1:26657 p2p=0\.0\.0\.0:26656 metrics=null grpc=null\n/,
		);
	}
});

test("the first signal stops the node in order", async () => {
	for (const signal of ["SIGINT", "SIGTERM"] as const) {
		const { cli, node, options, start } = await prepared();
		const done = start();
		await options;
		await settle();
		cli.signal(signal);
		assert.equal(node.stops, 1);
		node.end({ reason: "stopped" });
		assert.equal(await done, 0);
		assert.deepEqual(cli.exits, []);
		assert.equal(cli.isListening, false);
		assert.equal(cli.world.time.nextDue, undefined);
	}
});

test("SIGHUP brings other timeouts into force; a mistake in the file changes nothing", async () => {
	const { cli, node, options, start } = await prepared();
	const code = start();
	const { config } = await options;
	await settle();
	const file = config.paths.configFile;
	const text = await cli.read(file);
	await cli.write(file, text.replace('timeout_commit = "1s"', 'timeout_commit = "250ms"'));
	cli.reload();
	await settle();
	assert.deepEqual(node.tuned, [250]);
	await cli.write(file, text.replace('timeout_commit = "1s"', 'timeout_commit = "soon"'));
	cli.reload();
	await settle();
	assert.deepEqual(node.tuned, [250]);
	node.end({ reason: "test" });
	assert.equal(await code, 0);
});

test("a node whose supervisor is gone stops in order", async () => {
	const { cli, node, options, start } = await prepared();
	const done = start("--cairn.stop_timeout", "5s");
	await options;
	await settle();
	cli.loseParent();
	cli.loseParent();
	assert.equal(node.stops, 1);
	assert.equal(cli.world.time.nextDue, 5_000);
	assert.match(cli.out, /stopping: the process that supervised this one is gone/);
	node.end({ reason: "stopped" });
	assert.equal(await done, 0);
	assert.deepEqual(cli.exits, []);
});

test("the second signal ends the process at once", async () => {
	const { cli, node, options, start } = await prepared();
	const done = start();
	await options;
	await settle();
	cli.signal("SIGINT");
	cli.signal("SIGTERM");
	assert.deepEqual(cli.exits, [130]);
	assert.equal(node.stops, 1);
	node.end({ reason: "stopped" });
	await done;
});

test("a stop that takes longer than cairn.stop_timeout ends the process", async () => {
	const { cli, node, options, start } = await prepared();
	const done = start("--cairn.stop_timeout", "5s");
	await options;
	await settle();
	cli.signal("SIGTERM");
	assert.equal(cli.world.time.nextDue, 5_000);
	await cli.world.time.advance(5_000);
	assert.deepEqual(cli.exits, [130]);
	node.end({ reason: "stopped" });
	await done;
});

test("a signal while the node is starting stops it once it is up", async () => {
	const { cli, node, start } = await prepared();
	let up = (): void => {};
	const started = new Promise<void>((resolve) => {
		up = resolve;
	});
	const asked = new Promise<void>((resolve) => {
		cli.startNode = async () => {
			resolve();
			await started;
			return node;
		};
	});
	const done = start();
	await asked;
	cli.signal("SIGINT");
	assert.equal(node.stops, 0);
	up();
	await settle();
	assert.equal(node.stops, 1);
	node.end({ reason: "stopped" });
	assert.equal(await done, 0);
});

test("a node that stops by an error says so, in one line, and by its exit code", async () => {
	const operator = await prepared();
	const full = new CairnError("disk-full", "operator", "no space left on /data; free some");
	operator.node.end({ reason: "storage", error: full });
	assert.equal(await operator.start(), 1);
	assert.equal(operator.cli.err, "ERROR disk-full: no space left on /data; free some\n");
	assert.match(
		operator.cli.out,
		/E\[.*\] node stopped by an error .*reason=storage err="no space left on \/data; free some"\n/,
	);

	const bug = await prepared();
	bug.node.end({ reason: "consensus", error: new InvariantError("a lock without a block") });
	assert.equal(await bug.start(), 70);
	assert.match(bug.cli.err, /^ERROR invariant: a lock without a block; this is a bug of cairn; run again with --trace/);
});

test("a node that cannot start is one line; --trace adds the stacks", async () => {
	const { cli, start } = await prepared();
	cli.startNode = async () => {
		const cause = new Error("EADDRINUSE");
		throw new CairnError("listen", "operator", "cannot listen on 0.0.0.0:26656; free the port", {}, cause);
	};
	assert.equal(await start(), 1);
	assert.equal(cli.err, "ERROR listen: cannot listen on 0.0.0.0:26656; free the port\n");
	assert.equal(await start("--trace"), 1);
	assert.match(cli.err, /^ERROR listen: .*\nCairnError: cannot listen[\s\S]*caused by Error: EADDRINUSE\n/);
	cli.environment = { CMT_TRACE: "true" };
	assert.equal(await start(), 1);
	assert.match(cli.err, /caused by Error: EADDRINUSE/);
});

test("start needs the genesis file, and the right one", async () => {
	const { cli, node, start } = await prepared();
	const hash = createHash("sha256")
		.update(await cli.read("/user/.cairn/config/genesis.json"))
		.digest("hex");
	node.end({ reason: "done" });
	assert.equal(await start("--genesis_hash", hash), 0);
	assert.equal(await start("--genesis-hash", "abcd"), 1);
	assert.match(
		cli.err,
		/^ERROR genesis-hash: --genesis_hash=ABCD does not match .*genesis\.json, which has [0-9A-F]{64}; /,
	);
	assert.equal(await start("--genesis_hash", "xyz"), 1);
	assert.match(cli.err, /^ERROR usage: --genesis_hash "xyz" is not hex/);
	assert.equal(await start("--home", "/empty"), 1);
	assert.match(
		cli.err,
		/^ERROR no-genesis: there is no genesis file \/empty\/config\/genesis\.json; .*cairn init --home \/empty\n$/,
	);
});

test("start refuses what only a start can judge, other commands work all the same", async () => {
	const { cli, start } = await prepared();
	cli.environment = { CAIRN_P2P_SEEDS: "here:26656", CMT_DB_BACKEND: "rocksdb" };
	assert.equal(await start(), 1);
	assert.match(
		cli.err,
		/^ERROR config: environment variable CAIRN_P2P_SEEDS: malformed peer address "here:26656": .*\nERROR config: environment variable CMT_DB_BACKEND: "rocksdb" databases cannot be read; .*\n$/,
	);
	assert.equal(await cli.run("show-node-id"), 0);
	assert.equal(await cli.run("config", "check"), 1);
});

test("warnings of start are log lines, those of other commands stand beside their result", async () => {
	const { cli, node, start } = await prepared();
	const path = "/user/.cairn/config/config.toml";
	await cli.write(path, `monicker = "x"\nlog_format = "json"\n`);
	node.end({ reason: "done" });
	assert.equal(await start(), 0);
	const first = JSON.parse(cli.out.split("\n")[0] ?? "") as Record<string, unknown>;
	assert.equal(first.level, "warn");
	assert.equal(first._msg, `${path}:1: monicker: is not a known key; did you mean moniker?`);
	assert.equal(cli.err, "");
	assert.equal(await cli.run("show-node-id"), 0);
	assert.match(cli.out, /^[0-9a-f]{40}\n$/);
	assert.match(cli.err, /^WARNING .*monicker/);
	assert.equal(await cli.run("config", "check"), 1);
	assert.equal(cli.err, `ERROR config: ${path}:1: monicker: is not a known key; did you mean moniker?\n`);
});
