// The main job from end to end: `cairn up` with four processes and a fleet, stopped, continued, wounded and orphaned.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { CAIRN } from "./harness/programs.ts";
import { until } from "./harness/rpc.ts";

interface Report {
	readonly agree: boolean;
	readonly problems: readonly string[];
	readonly nodes: readonly {
		readonly moniker: string;
		readonly height: number;
		readonly block_ids: Readonly<Record<string, string>>;
		readonly app_hashes: Readonly<Record<string, string>>;
		readonly rounds_above_0: number;
		readonly cpu_seconds: number;
		readonly rss_mb: number;
	}[];
	readonly txs: {
		readonly sent: number;
		readonly committed: number;
		readonly refused: Readonly<Record<string, number>>;
	};
	readonly latency_ms: { readonly p50: number | null; readonly p99: number | null };
}

/** One run of `cairn up`. */
class Up {
	readonly #child: ChildProcess;
	readonly exited: Promise<number | null>;
	output = "";

	constructor(args: readonly string[]) {
		const [command = "", ...first] = CAIRN;
		this.#child = spawn(command, [...first, "up", ...args], { stdio: ["ignore", "pipe", "pipe"] });
		for (const stream of [this.#child.stdout, this.#child.stderr]) {
			stream?.setEncoding("utf8").on("data", (text: string) => {
				this.output += text;
			});
		}
		this.exited = new Promise((resolve) => {
			// Not at "exit": the last lines may come after it.
			this.#child.once("close", (code) => resolve(code));
		});
	}

	signal(signal: NodeJS.Signals): void {
		this.#child.kill(signal);
	}

	/** Waits until the output has a line of this form. */
	says(pattern: RegExp): Promise<RegExpExecArray> {
		return until(`${pattern} in the output`, 120_000, async () => {
			const found = pattern.exec(this.output);
			if (found === null && this.#child.exitCode !== null) throw new Error(`it has ended:\n${this.output}`);
			return found ?? undefined;
		});
	}
}

/** Process ids of the nodes in a home folder, by the name of the node; found by their command lines. */
async function nodesOf(home: string): Promise<ReadonlyMap<string, number>> {
	const found = new Map<string, number>();
	for (const name of await readdir("/proc")) {
		if (!/^\d+$/.test(name)) continue;
		const words = (await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "")).split("\0");
		const node = words[words.indexOf("--home") + 1] ?? "";
		if (words.includes("start") && node.startsWith(`${home}/`)) found.set(node.slice(home.length + 1), Number(name));
	}
	return found;
}

/** A folder of its own, and ports where most likely nobody listens; all processes in it are ended afterwards. */
function prepare(context: TestContext) {
	const folder = mkdtempSync(join(tmpdir(), "cairn-up-e2e-"));
	const home = join(folder, "net");
	const report = join(folder, "report.json");
	const flags = ["--home", home, "--no-tui", "--report", report];
	context.after(async () => {
		for (const pid of (await nodesOf(home)).values()) process.kill(pid, "SIGKILL");
		rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
	});
	const readReport = (): Report => JSON.parse(readFileSync(report, "utf8")) as Report;
	return { home, flags, report, readReport, base: ["--base-port", String(randomInt(20_000, 30_000))] };
}

/** Everything that a report of a run with four nodes must hold, whatever happened. */
function checkReport(report: Report): void {
	assert.equal(report.agree, true, report.problems.join("\n"));
	assert.deepEqual(
		report.nodes.map(({ moniker }) => moniker),
		["node0", "node1", "node2", "node3"],
	);
	const [first] = report.nodes;
	assert.ok(first);
	const heights = Object.keys(first.block_ids);
	for (const node of report.nodes) {
		assert.ok(node.height >= heights.length && node.cpu_seconds > 0 && node.rss_mb > 20, JSON.stringify(node.moniker));
		assert.deepEqual(node.block_ids, first.block_ids);
		assert.deepEqual(node.app_hashes, first.app_hashes);
	}
	for (const id of Object.values(first.block_ids)) assert.match(id, /^[0-9A-F]{64}$/);
	const { sent, committed, refused } = report.txs;
	const refusals = Object.values(refused).reduce((sum, count) => sum + count, 0);
	assert.equal(committed + refusals, sent);
	assert.ok(committed > sent / 2, JSON.stringify(report.txs));
	const { p50, p99 } = report.latency_ms;
	assert.ok(p50 !== null && p99 !== null && p50 > 0 && p50 <= p99);
}

const isLinux = existsSync("/proc/self/cmdline");

describe("cairn up", { skip: isLinux ? false : "it finds processes in /proc" }, () => {
	it("makes a network that agrees, and continues its chain, also through the death of a node", async (context) => {
		const { home, flags, base, readReport } = prepare(context);
		const first = new Up([...flags, ...base, "--duration", "15s"]);
		assert.equal(await first.exited, 0, first.output);
		assert.match(first.output, /^new chain chain-\w{6}, 4 validators, in /);
		assert.match(first.output, /node3 +RPC http:\/\/127\.0\.0\.1:\d+ +metrics http:\/\/127\.0\.0\.1:\d+\/metrics/);
		assert.match(first.output, /height \d+ {2}round \d+ {2}proposer node\d {2}peers 3\/3\/3\/3 {2}[\d.]+ tx\/s/);
		const before = readReport();
		checkReport(before);
		assert.deepEqual([...(await nodesOf(home)).keys()], []);

		const second = new Up([...flags, "--duration", "20s"]);
		await second.says(/accepted [1-9]/);
		const victim = (await nodesOf(home)).get("node2");
		assert.ok(victim);
		process.kill(victim, "SIGKILL");
		assert.equal(await second.exited, 0, second.output);
		assert.match(second.output, /^chain chain-\w{6}, 4 validators, in /);
		assert.match(second.output, /^!!! \S+ node2 ended by itself \(SIGKILL\); it starts again in 1 s$/m);
		assert.match(second.output, /^\S+ node2 was started again$/m);
		const after = readReport();
		checkReport(after);
		const [[old], [now]] = [before.nodes, after.nodes];
		assert.ok(old && now && now.height > old.height + 3, `${old?.height} ${now?.height}`);
		// The same chain: what was decided stays.
		for (const [height, id] of Object.entries(old.block_ids)) assert.equal(now.block_ids[height], id);
		assert.deepEqual([...(await nodesOf(home)).keys()], []);
	});

	it("stops in order by a signal, leaves no process behind when it is killed, and refuses a second run", async (context) => {
		const { home, flags, base, readReport } = prepare(context);
		const killed = new Up([...flags, ...base]);
		await killed.says(/accepted [1-9]/);
		const rival = new Up(flags);
		assert.equal(await rival.exited, 1);
		assert.match(rival.output, /^ERROR up-running: .* is in use by another cairn up \(process \d+\); stop it/m);
		assert.equal((await nodesOf(home)).size, 4);
		killed.signal("SIGKILL");
		await killed.exited;

		const next = new Up(flags);
		await next.says(/accepted [1-9]/);
		assert.equal((await nodesOf(home)).size, 4);
		next.signal("SIGINT");
		assert.equal(await next.exited, 0, next.output);
		checkReport(readReport());
		assert.deepEqual([...(await nodesOf(home)).keys()], []);
	});

	it("ends with the other processes' ports named, without touching them", async (context) => {
		const one = prepare(context);
		const running = new Up([...one.flags, ...one.base, "--validators", "1", "--devices", "1"]);
		await running.says(/accepted [1-9]/);
		const other = prepare(context);
		const refused = new Up([...other.flags, ...one.base, "--validators", "1"]);
		assert.equal(await refused.exited, 1);
		assert.match(refused.output, /^ERROR port-in-use: in use already: .*node0's peers.*--base-port$/m);
		running.signal("SIGTERM");
		assert.equal(await running.exited, 0, running.output);
	});
});
