import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const CAIRN = fileURLToPath(new URL("../../bin/cairn.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "cairn-cli-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** The real process, with nothing of CometBFT's or ours in its environment. */
function cairn(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
	const { status, stdout, stderr } = spawnSync(process.execPath, [CAIRN, ...args], {
		encoding: "utf8",
		env: { HOME: folder, PATH: process.env.PATH, ...environment },
	});
	return { status, stdout, stderr };
}

test("the program makes a home in the user's folder, keeps secrets to the user, and shows what it made", () => {
	const made = cairn(["init"]);
	assert.equal(made.status, 0, made.stderr);
	assert.match(made.stdout, /Generated genesis file/);
	const mode = (file: string) => (statSync(join(folder, ".cairn", file)).mode & 0o777).toString(8);
	assert.equal(mode("config/priv_validator_key.json"), "600");
	assert.equal(mode("config/node_key.json"), "600");
	assert.equal(mode("data/priv_validator_state.json"), "600");
	assert.equal(mode("config/genesis.json"), "644");
	assert.equal(mode("config/config.toml"), "644");
	assert.match(cairn(["show-node-id"]).stdout, /^[0-9a-f]{40}\n$/);
	assert.match(
		cairn(["show-validator"], { CMTHOME: join(folder, ".cairn") }).stdout,
		/^\{"type":"tendermint\/PubKeyEd25519",/,
	);
	assert.deepEqual(cairn(["config", "check"]), {
		status: 0,
		stdout: `${join(folder, ".cairn", "config", "config.toml")}: no errors\n`,
		stderr: "",
	});
});

test("a failure is one line on standard error and exit code 1", () => {
	const missing = join(folder, "none");
	const { status, stdout, stderr } = cairn(["show-node-id"], { CAIRN_HOME: missing });
	assert.equal(status, 1);
	assert.equal(stdout, "");
	assert.match(stderr, /^ERROR node-key: there is no node key .*none.*; run cairn init --home .*\n$/);
	assert.equal(cairn(["inti"]).stderr, 'ERROR usage: unknown command "inti"; did you mean init?\n');
});

test("testnet and a reset work on real folders", () => {
	const net = join(folder, "net");
	assert.equal(cairn(["testnet", "--v", "2", "--o", net]).status, 0);
	const home = join(net, "node1");
	const reset = cairn(["unsafe-reset-all", "--home", home]);
	assert.equal(reset.status, 0, reset.stderr);
	assert.match(reset.stdout, /Reset private validator file to genesis state/);
	assert.match(cairn(["show-node-id", "--home", home]).stdout, /^[0-9a-f]{40}\n$/);
});
