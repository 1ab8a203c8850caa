import assert from "node:assert/strict";
import { test } from "node:test";
import { parseGenesis } from "@cairn/types";
import { SAMPLES, sampleFile } from "../config/test-samples.ts";
import { TestCli } from "./test-context.ts";

const HOME = "/user/.cairn";
const FILES = [
	"config/config.toml",
	"config/genesis.json",
	"config/node_key.json",
	"config/priv_validator_key.json",
	"data/priv_validator_state.json",
] as const;

async function filesOf(cli: TestCli, home = HOME): Promise<Readonly<Record<string, string>>> {
	const found: Record<string, string> = {};
	for (const file of FILES) found[file] = await cli.read(`${home}/${file}`);
	return found;
}

/** Texts of keys, names and times taken out: what is left is the form of a file. */
function form(text: string): string {
	return text
		.replace(/"value": ?"[^"]*"/g, '"value":"…"')
		.replace(/"address": ?"[0-9A-F]{40}"/g, '"address":"…"')
		.replace(/"genesis_time": "[^"]*Z"/, '"genesis_time":"…"')
		.replace(/"chain_id": "(test-chain|chain)-[0-9A-Za-z]{6}"/, '"chain_id":"$1-…"');
}

test("init writes what the real one writes, but for keys, names and comments", async () => {
	const cli = new TestCli();
	assert.equal(await cli.run("init"), 0);
	const files = await filesOf(cli);
	for (const file of FILES) {
		if (file !== "config/config.toml") assert.equal(form(files[file] ?? ""), form(sampleFile("init", file)), file);
	}
	assert.equal(parseGenesis(files["config/genesis.json"] ?? "").validators[0]?.power, 10n);
	assert.match(files["config/config.toml"] ?? "", /^moniker = "machine"$/m);
	assert.match(
		cli.out,
		/I\[.*\] Generated private validator +module=main keyFile=\/user\/\.cairn\/config\/priv_validator_key\.json/,
	);
	assert.equal(cli.err, "");
});

test("init again changes nothing", async () => {
	const cli = new TestCli();
	await cli.run("init");
	const before = await filesOf(cli);
	assert.equal(await cli.run("init", "--chain-id", "other", "--moniker", "other"), 0);
	assert.deepEqual(await filesOf(cli), before);
	assert.match(cli.out, /Found private validator.*\n.*Found node key.*\n.*Found genesis file/);
});

test("init takes the names and the type of key that it is given", async () => {
	const cli = new TestCli();
	assert.equal(
		await cli.run("init", "--key-type", "ml_dsa_65", "--chain-id", "sea-1", "--moniker", "buoy", "--home", "/h"),
		0,
	);
	const genesis = parseGenesis(await cli.read("/h/config/genesis.json"));
	assert.equal(genesis.chainId, "sea-1");
	assert.equal(genesis.validators[0]?.publicKey.type, "ml_dsa_65");
	assert.deepEqual(genesis.consensusParams.validator.pubKeyTypes, ["ml_dsa_65"]);
	assert.match(await cli.read("/h/config/config.toml"), /^moniker = "buoy"$/m);
});

test("init refuses what would make a chain that cannot start, and names it", async () => {
	const cli = new TestCli();
	assert.equal(await cli.run("init", "--key-type", "ed25591"), 1);
	assert.equal(cli.err, 'ERROR usage: --key-type "ed25591" is not known; did you mean ed25519?\n');
	assert.equal(await cli.run("init", "--chain-id", "x".repeat(51)), 1);
	assert.match(cli.err, /^ERROR invalid: genesis: chain_id is too long/);
});

test("the real node's files are shown as the real node shows them", async () => {
	const init = SAMPLES.find((sample) => sample.name === "init");
	const cli = new TestCli();
	for (const [file, text] of Object.entries(init?.files ?? {})) await cli.write(`/real/${file}`, text);
	assert.equal(await cli.run("show-node-id", "--home", "/real"), 0);
	assert.equal(cli.out, `${String(init?.show_node_id)}\n`);
	assert.equal(await cli.run("--home", "/real", "show_validator"), 0);
	assert.equal(cli.out.trim(), init?.show_validator?.trim());
	cli.environment = { CMTHOME: "/real" };
	assert.equal(await cli.run("config", "check"), 0);
	assert.equal(cli.out, "/real/config/config.toml: no errors\n");
});

test("gen-validator prints a key in the real one's form and writes nothing", async () => {
	const cli = new TestCli();
	assert.equal(await cli.run("gen_validator"), 0);
	const real = SAMPLES.find((sample) => sample.name === "init")?.gen_validator ?? "";
	assert.equal(form(cli.out.trim()), form(real.trim()));
	assert.deepEqual(await cli.world.disk.list("/user"), []);
});

test("gen-node-key makes a key once", async () => {
	const cli = new TestCli();
	assert.equal(await cli.run("gen-node-key"), 0);
	const id = cli.out;
	assert.match(id, /^[0-9a-f]{40}\n$/);
	assert.equal(await cli.run("show-node-id"), 0);
	assert.equal(cli.out, id);
	assert.equal(await cli.run("gen_node_key"), 1);
	assert.match(cli.err, /^ERROR node-key: node key at \/user\/\.cairn\/config\/node_key\.json already exists; /);
	assert.equal(cli.out, "");
});

test("what a home lacks is named, with the command that makes it", async () => {
	const cli = new TestCli();
	assert.equal(await cli.run("show-node-id"), 1);
	assert.match(
		cli.err,
		/^ERROR node-key: there is no node key \/user\/\.cairn\/config\/node_key\.json; run cairn init --home \/user\/\.cairn/,
	);
	assert.equal(await cli.run("show-validator"), 1);
	assert.match(cli.err, /^ERROR signer-key-file: private validator file .* does not exist; run cairn init/);
	assert.equal(cli.out, "");
});

/** A home with data, an address book and a validator that has signed. */
async function livedIn(): Promise<TestCli> {
	const cli = new TestCli();
	await cli.run("init");
	for (const name of ["blockstore.db", "state.db", "evidence.db", "tx_index.db", "kvstore.db"]) {
		await cli.write(`${HOME}/data/${name}/000001.log`, "x");
	}
	for (const name of ["wal", "wal.000", "wal.001"]) await cli.write(`${HOME}/data/cs.wal/${name}`, "x");
	await cli.write(`${HOME}/config/addrbook.json`, "{}");
	await cli.write(`${HOME}/data/priv_validator_state.json`, '{"height": "7", "round": 1, "step": 3}');
	return cli;
}

const EMPTY_STATE = '{\n  "height": "0",\n  "round": 0,\n  "step": 0\n}';

test("unsafe-reset-all removes data and address book, keeps keys, forgets what was signed", async () => {
	const cli = await livedIn();
	const before = await filesOf(cli);
	assert.equal(await cli.run("unsafe_reset_all"), 0);
	assert.deepEqual(await cli.world.disk.list(`${HOME}/data`), ["priv_validator_state.json"]);
	assert.equal(await cli.exists(`${HOME}/config/addrbook.json`), false);
	assert.deepEqual(await filesOf(cli), { ...before, "data/priv_validator_state.json": EMPTY_STATE });
	assert.match(
		cli.out,
		/Removed existing address book.*\n.*Removed all blockchain history.*\n.*Reset private validator file/,
	);
});

test("unsafe-reset-all --keep-addr-book keeps the address book", async () => {
	const cli = await livedIn();
	assert.equal(await cli.run("unsafe-reset-all", "--keep_addr_book"), 0);
	assert.equal(await cli.exists(`${HOME}/config/addrbook.json`), true);
	assert.match(cli.out, /The address book remains intact/);
});

test("unsafe-reset-all makes a key where there is none", async () => {
	const cli = await livedIn();
	await cli.world.disk.remove(`${HOME}/config/priv_validator_key.json`);
	assert.equal(await cli.run("unsafe-reset-all"), 0);
	assert.match(cli.out, /Generated private validator file/);
	assert.equal(await cli.run("show-validator"), 0);
});

test("unsafe-reset-all touches nothing when the key file is broken or the data folder holds the home", async () => {
	const broken = await livedIn();
	await broken.write(`${HOME}/config/priv_validator_key.json`, "{");
	assert.equal(await broken.run("unsafe-reset-all"), 1);
	assert.match(broken.err, /^ERROR signer-key-file: /);
	assert.equal((await broken.world.disk.list(`${HOME}/data`)).length, 7);

	const shared = await livedIn();
	shared.environment = { CAIRN_DB_DIR: "." };
	assert.equal(await shared.run("unsafe-reset-all"), 1);
	assert.match(
		shared.err,
		/^ERROR reset: refused: \/user\/\.cairn is inside \/user\/\.cairn, which would be removed; /,
	);
	assert.equal(await shared.exists(`${HOME}/config/genesis.json`), true);
});

test("reset-state removes chain data and the log, keeps the application's data and the validator's state", async () => {
	const cli = await livedIn();
	const before = await filesOf(cli);
	assert.equal(await cli.run("reset-state"), 0);
	assert.deepEqual(await cli.world.disk.list(`${HOME}/data`), ["kvstore.db", "priv_validator_state.json"]);
	assert.deepEqual(await filesOf(cli), before);
	assert.equal(await cli.exists(`${HOME}/config/addrbook.json`), true);
});

test("reset-state finds a log that is elsewhere, and only the log", async () => {
	const cli = await livedIn();
	for (const name of ["log", "log.000", "log.txt", "logbook"]) await cli.write(`${HOME}/own/${name}`, "x");
	cli.environment = { CMT_CONSENSUS_WAL_FILE: "own/log" };
	assert.equal(await cli.run("reset_state"), 0);
	assert.deepEqual(await cli.world.disk.list(`${HOME}/own`), ["log.txt", "logbook"]);
});

test("unsafe-reset-priv-validator only forgets what was signed", async () => {
	const cli = await livedIn();
	const before = await filesOf(cli);
	assert.equal(await cli.run("unsafe_reset_priv_validator"), 0);
	assert.deepEqual(await filesOf(cli), { ...before, "data/priv_validator_state.json": EMPTY_STATE });
	assert.equal((await cli.world.disk.list(`${HOME}/data`)).length, 7);
});
