// A script that was written for `cometbft` is run with `cairn` in its place: `cometbft` on its PATH is Cairn.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { before, describe, it, type TestContext } from "node:test";
import { promisify } from "node:util";
import { freePorts } from "./harness/ports.ts";
import { CAIRN, COMETBFT, findProgram, requireProgram } from "./harness/programs.ts";
import { jsonShape, shapeOf } from "./harness/shape.ts";

const run = promisify(execFile);

function temporaryFolder(context: TestContext): string {
	const folder = mkdtempSync(join(tmpdir(), "cairn-commands-"));
	context.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
	return folder;
}

/** A folder for PATH in which `cometbft` is Cairn. */
function cairnAsCometbft(folder: string): string {
	const path = join(folder, "cometbft");
	const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
	writeFileSync(path, `#!/bin/sh\nexec ${CAIRN.map(quote).join(" ")} "$@"\n`);
	chmodSync(path, 0o755);
	return folder;
}

interface Ran {
	readonly code: number;
	readonly out: string;
	readonly err: string;
}

/** Runs a shell script with this folder first on PATH. */
async function shell(script: string, bin: string, environment: Readonly<Record<string, string>>): Promise<Ran> {
	const path = `${bin}${delimiter}${process.env.PATH ?? ""}`;
	try {
		const env = { ...process.env, PATH: path, ...environment };
		const { stdout, stderr } = await run("/bin/sh", ["-c", script], { env, timeout: 60_000 });
		return { code: 0, out: stdout, err: stderr };
	} catch (cause) {
		const { code, stdout, stderr } = cause as { code?: number; stdout?: string; stderr?: string };
		if (typeof code !== "number") throw cause;
		return { code, out: stdout ?? "", err: stderr ?? "" };
	}
}

/** Every file under a folder with its permissions. */
function tree(folder: string): string[] {
	return readdirSync(folder, { recursive: true, encoding: "utf8" })
		.filter((name) => statSync(join(folder, name)).isFile())
		.map((name) => `${(statSync(join(folder, name)).mode & 0o777).toString(8)} ${name}`)
		.sort();
}

/** Both programs, or null where one is missing. */
async function bothRun(
	context: TestContext,
	script: string,
): Promise<{ readonly go: Ran; readonly cairn: Ran; homes: Homes } | null> {
	if (requireProgram(context, COMETBFT) === null) return null;
	const folder = temporaryFolder(context);
	const homes: Homes = { go: join(folder, "go"), cairn: join(folder, "cairn") };
	const go = await shell(script, dirname(findProgram("cometbft") ?? ""), { HOME_FOLDER: homes.go });
	const cairn = await shell(script, cairnAsCometbft(folder), { HOME_FOLDER: homes.cairn });
	return { go, cairn, homes };
}

interface Homes {
	readonly go: string;
	readonly cairn: string;
}

async function requireSameShape(context: TestContext, script: string): Promise<Homes | null> {
	const both = await bothRun(context, script);
	if (both === null) return null;
	const { go, cairn, homes } = both;
	assert.equal(cairn.code, go.code, `exit codes differ\n${go.err}\n${cairn.err}`);
	assert.equal(shapeOf(cairn.out, [[homes.cairn, "<home>"]]), shapeOf(go.out, [[homes.go, "<home>"]]));
	assert.equal(cairn.err === "", go.err === "", `one complains: ${go.err} / ${cairn.err}`);
	return homes;
}

function readJson(...path: readonly string[]): unknown {
	return JSON.parse(readFileSync(join(...path), "utf8")) as unknown;
}

const FILES = [
	"config/genesis.json",
	"config/node_key.json",
	"config/priv_validator_key.json",
	"data/priv_validator_state.json",
] as const;

function requireSameFiles(go: string, cairn: string): void {
	assert.deepEqual(tree(cairn), tree(go));
	for (const file of FILES) {
		assert.deepEqual(jsonShape(readJson(cairn, file)), jsonShape(readJson(go, file)), file);
		const lines = (home: string): number => readFileSync(join(home, file), "utf8").split("\n").length;
		assert.equal(lines(cairn), lines(go), `${file} is laid out differently`);
	}
}

/** What every script does with the answers of these commands: takes them as they are. */
const READING = [
	'cometbft show-node-id --home "$HOME_FOLDER"',
	'cometbft show_node_id --home "$HOME_FOLDER"',
	'cometbft show-node-id --libp2p --home "$HOME_FOLDER"',
	'cometbft show-validator --home "$HOME_FOLDER"',
	'cometbft show_validator --home "$HOME_FOLDER"',
	'cometbft --home "$HOME_FOLDER" show-node-id',
	'CMTHOME="$HOME_FOLDER" cometbft show-node-id',
] as const;

describe("a script for cometbft, run with cairn in its place", { timeout: 120_000 }, () => {
	before(() => {
		delete process.env.CMTHOME;
	});

	it("init makes the same files, and leaves what is there", async (context) => {
		const homes = await requireSameShape(
			context,
			'cometbft init --home "$HOME_FOLDER" && cometbft init --home "$HOME_FOLDER"',
		);
		if (homes !== null) requireSameFiles(homes.go, homes.cairn);
	});

	it("show-node-id and show-validator say the same of the same home, whoever made it", async (context) => {
		const go = requireProgram(context, COMETBFT);
		if (go === null) return;
		const folder = temporaryFolder(context);
		const programs = [dirname(go), cairnAsCometbft(folder)] as const;
		for (const [index, maker] of programs.entries()) {
			const environment = { HOME_FOLDER: join(folder, `home${index}`) };
			await shell('cometbft init --home "$HOME_FOLDER"', maker, environment);
			const [first, second] = await Promise.all(programs.map((bin) => shell(READING.join(" && "), bin, environment)));
			assert.equal(first?.code, 0, first?.err);
			assert.deepEqual(second, first);
		}
	});

	it("keys are made and printed alike", async (context) => {
		const script = `
			mkdir -p "$HOME_FOLDER/config"
			cometbft gen-node-key --home "$HOME_FOLDER"
			cometbft gen-validator --home "$HOME_FOLDER"
			cometbft gen_validator --home "$HOME_FOLDER"
			cometbft gen-node-key --home "$HOME_FOLDER" 2>/dev/null || echo "refused: $?"`;
		const homes = await requireSameShape(context, script);
		if (homes === null) return;
		const [go, cairn] = [homes.go, homes.cairn].map((home) => jsonShape(readJson(home, "config/node_key.json")));
		assert.deepEqual(cairn, go);
	});

	it("a node key that one made is the other's, to the byte of its id", async (context) => {
		const both = await bothRun(context, 'mkdir -p "$HOME_FOLDER/config"; cometbft gen-node-key --home "$HOME_FOLDER"');
		if (both === null) return;
		const { go, cairn, homes } = both;
		const [command = "", ...first] = CAIRN;
		const { stdout } = await run(command, [...first, "show-node-id", "--home", homes.go]);
		assert.equal(stdout.trim(), go.out.trim());
		const asGo = await run(findProgram("cometbft") ?? "", ["show-node-id", "--home", homes.cairn]);
		assert.equal(asGo.stdout.trim(), cairn.out.trim());
	});

	it("testnet makes the same folders, keys and peers", async (context) => {
		const script = `
			cometbft testnet --v 3 --n 1 --o "$HOME_FOLDER" --node-dir-prefix machine \\
				--hostname-prefix host --p2p-port 4000 --initial-height 7 | tail -n 1`;
		const homes = await requireSameShape(context, script);
		if (homes === null) return;
		for (const name of ["machine0", "machine1", "machine2", "machine3"]) {
			requireSameFiles(join(homes.go, name), join(homes.cairn, name));
			const peersOf = (home: string): string => {
				const config = readFileSync(join(home, name, "config", "config.toml"), "utf8");
				return shapeOf(/^persistent_peers = .*$/m.exec(config)?.[0] ?? "");
			};
			assert.equal(peersOf(homes.cairn), peersOf(homes.go));
			assert.match(peersOf(homes.cairn), /host0:4000.*host1:4000/);
		}
		const validatorsOf = (home: string): unknown => readJson(home, "machine0", "config", "genesis.json");
		const [go, cairn] = [validatorsOf(homes.go), validatorsOf(homes.cairn)] as {
			validators: unknown[];
			initial_height: string;
		}[];
		assert.equal(cairn?.validators.length, go?.validators.length);
		assert.equal(cairn?.initial_height, "7");
		assert.equal(go?.initial_height, "7");
	});

	it("resets remove and keep the same files", async (context) => {
		const script = `
			fill() {
				mkdir -p "$HOME_FOLDER/data/blockstore.db" "$HOME_FOLDER/data/state.db" "$HOME_FOLDER/data/cs.wal"
				mkdir -p "$HOME_FOLDER/data/tx_index.db" "$HOME_FOLDER/data/evidence.db" "$HOME_FOLDER/data/kvstore.db"
				echo x > "$HOME_FOLDER/data/cs.wal/wal"
				echo '{"height":"12","round":3,"step":2}' > "$HOME_FOLDER/data/priv_validator_state.json"
				echo '{}' > "$HOME_FOLDER/config/addrbook.json"
			}
			show() {
				echo "-- $1"
				(cd "$HOME_FOLDER" && find config data | sort)
				cat "$HOME_FOLDER/data/priv_validator_state.json"; echo
			}
			cometbft init --home "$HOME_FOLDER" > /dev/null
			fill; cometbft reset-state --home "$HOME_FOLDER"; show reset-state
			fill; cometbft unsafe-reset-priv-validator --home "$HOME_FOLDER"; show priv-validator
			fill; cometbft unsafe-reset-all --keep-addr-book --home "$HOME_FOLDER"; show keep
			fill; cometbft unsafe_reset_all --home "$HOME_FOLDER"; show all`;
		await requireSameShape(context, script);
	});

	it("version prints one version, and JSON that names the protocols when asked", async (context) => {
		const both = await bothRun(context, "cometbft version; cometbft version --verbose");
		if (both === null) return;
		for (const { code, out } of [both.go, both.cairn]) {
			assert.equal(code, 0);
			const [version = "", ...json] = out.split("\n");
			assert.match(version, /^\d+\.\d+\.\d+$/);
			const { cometbft, abci, block_protocol, p2p_protocol } = JSON.parse(json.join("\n")) as Record<string, unknown>;
			assert.deepEqual([cometbft, abci, block_protocol, p2p_protocol], ["0.39.0", "2.0.0", 11, 8]);
		}
	});

	it("mistakes end with the same exit code and say something", async (context) => {
		for (const command of [
			"nonsense",
			"init --nonsense",
			"start --home /nonexistent/folder",
			"show-validator --home /nonexistent",
		]) {
			const both = await bothRun(context, `cometbft ${command}`);
			if (both === null) return;
			assert.equal(both.cairn.code, both.go.code, `${command}: ${both.go.err} / ${both.cairn.err}`);
			assert.notEqual(both.cairn.err, "", command);
		}
	});

	it("start runs a node that a script waits for, asks, and stops", async (context) => {
		const [p2p, rpc] = await freePorts(2);
		const script = `
			set -eu
			cometbft init --home "$HOME_FOLDER" > /dev/null
			id=$(cometbft show-node-id --home "$HOME_FOLDER")
			cometbft start --home "$HOME_FOLDER" --proxy_app=kvstore --moniker operated --log_level error \\
				--p2p.laddr tcp://127.0.0.1:${p2p} --rpc.laddr tcp://127.0.0.1:${rpc} \\
				--consensus.create_empty_blocks=false --p2p.pex=false > "$HOME_FOLDER/log" 2>&1 &
			pid=$!
			trap 'kill -9 $pid 2> /dev/null || true' EXIT
			tries=0
			until curl -sf "http://127.0.0.1:${rpc}/health" > /dev/null; do
				tries=$((tries + 1)); [ $tries -lt 300 ] || { cat "$HOME_FOLDER/log"; exit 9; }
				sleep 0.1
			done
			curl -s "http://127.0.0.1:${rpc}/status" | grep -q "\\"id\\":\\"$id\\"" && echo "the id is that of show-node-id"
			curl -s "http://127.0.0.1:${rpc}/status" | grep -o '"moniker":"[^"]*"'
			curl -s "http://127.0.0.1:${rpc}/broadcast_tx_commit?tx=\\"name=satoshi\\"" | grep -o '"code":0' | head -n 1
			curl -s "http://127.0.0.1:${rpc}/abci_query?data=\\"name\\"" | grep -o '"value":"[^"]*"'
			kill -TERM $pid
			code=0; wait $pid || code=$?
			echo "ended with $code"
			ls "$HOME_FOLDER/data"`;
		const homes = await requireSameShape(context, script);
		if (homes === null) return;
		const { signbytes } = readJson(homes.cairn, "data", "priv_validator_state.json") as { signbytes?: string };
		assert.match(signbytes ?? "", /^[0-9A-F]+$/);
	});
});
