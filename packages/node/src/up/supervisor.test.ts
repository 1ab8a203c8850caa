import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { CairnError } from "@cairn/kit";
import { realWorld } from "@cairn/world";
import { NodeProcess, type NodeProcessSpec, nodeEnvironment } from "./node-process.ts";
import { restartDelay } from "./restart-policy.ts";
import { type Crash, Supervisor } from "./supervisor.ts";

const folder = mkdtempSync(join(tmpdir(), "cairn-up-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Stands for a node: says that it is up, stops by SIGTERM or when its parent lets go, unless told otherwise. */
const FAKE_NODE = join(folder, "fake-node.mjs");
writeFileSync(
	FAKE_NODE,
	`
	const [behaviour] = process.argv.slice(2);
	console.log("begins", behaviour);
	if (behaviour === "crash") {
		console.log("ERROR listen: the port is in use");
		process.exit(3);
	}
	process.on("SIGTERM", () => {
		console.log("asked to stop");
		if (behaviour !== "stubborn") process.exit(0);
	});
	process.on("disconnect", () => {
		console.log("orphaned");
		process.exit(0);
	});
	process.on("message", () => process.send({ cpuSeconds: 1, rssBytes: 2 }));
	setInterval(() => {}, 1_000);
	console.log("up");
	`,
);

const world = realWorld();
let specs = 0;

function spec(behaviour: string): NodeProcessSpec {
	const name = `fake${specs++}`;
	return { name, script: [FAKE_NODE, behaviour], logFile: join(folder, `${name}.log`) };
}

/** Waits until the log holds a text. Bounded. */
async function logged(from: NodeProcessSpec, text: string): Promise<void> {
	const end = world.clock.mono() + 20_000;
	const log = () => (existsSync(from.logFile) ? readFileSync(from.logFile, "utf8") : "");
	while (!log().includes(text)) {
		assert.ok(world.clock.mono() < end, `${text} in ${log()}`);
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
}

function supervise(all: readonly NodeProcessSpec[]) {
	const crashes: Crash[] = [];
	const waiting: (() => void)[] = [];
	const restarted: string[] = [];
	const wake = (): void => {
		for (const resolve of waiting.splice(0)) resolve();
	};
	const supervisor = new Supervisor(all, {
		...world,
		events: {
			crashed: (crash) => {
				crashes.push(crash);
				wake();
			},
			restarted: (name) => {
				restarted.push(name);
				wake();
			},
		},
	});
	const change = (): Promise<void> => new Promise((resolve) => waiting.push(resolve));
	return { supervisor, crashes, restarted, change };
}

test("processes run until they are stopped in order, with their output in their logs", async () => {
	const all = [spec("calm"), spec("calm")];
	const { supervisor, crashes } = supervise(all);
	await supervisor.startAll();
	assert.deepEqual(supervisor.states(), ["running", "running"]);
	for (const each of all) await logged(each, "up");
	assert.deepEqual(await supervisor.stopAll(20_000), []);
	assert.deepEqual(supervisor.states(), ["stopped", "stopped"]);
	for (const each of all) assert.equal(readFileSync(each.logFile, "utf8"), "begins calm\nup\nasked to stop\n");
	assert.deepEqual(crashes, []);
});

test("what does not stop within the grace period is killed, and named", async () => {
	const stubborn = spec("stubborn");
	const { supervisor, crashes } = supervise([spec("calm"), stubborn]);
	await supervisor.startAll();
	await logged(stubborn, "up");
	assert.deepEqual(await supervisor.stopAll(300), [stubborn.name]);
	assert.equal(supervisor.process(1)?.running, false);
	assert.deepEqual(crashes, []);
});

test("a process that was killed is told of with the end of its log, and started again", async () => {
	const victim = spec("calm");
	const { supervisor, crashes, restarted, change } = supervise([victim]);
	await supervisor.startAll();
	await logged(victim, "up");
	const first = supervisor.process(0);
	const crashed = change();
	process.kill(first?.pid ?? 0, "SIGKILL");
	await crashed;
	const [{ name, end, restartInMs } = assert.fail("no crash")] = crashes;
	assert.deepEqual(
		{ name, end, restartInMs },
		{
			name: victim.name,
			end: { code: null, signal: "SIGKILL", tail: ["begins calm", "up"] },
			restartInMs: 1_000,
		},
	);
	assert.deepEqual(supervisor.states(), ["restarting"]);
	await change();
	assert.deepEqual(restarted, [victim.name]);
	assert.notEqual(supervisor.process(0)?.pid, first?.pid);
	assert.deepEqual(await supervisor.stopAll(20_000), []);
});

test("a stop while a process waits for its restart cancels the restart", async () => {
	const { supervisor, crashes, restarted, change } = supervise([spec("crash")]);
	const crashed = change();
	await supervisor.startAll();
	await crashed;
	assert.deepEqual(crashes[0]?.end, {
		code: 3,
		signal: null,
		tail: ["begins crash", "ERROR listen: the port is in use"],
	});
	await supervisor.stopAll(20_000);
	assert.deepEqual(supervisor.states(), ["stopped"]);
	assert.deepEqual(restarted, []);
});

test("restarts come later and later, and end", () => {
	const delays: (number | null)[] = [];
	const restarts: number[] = [];
	for (let now = 0; now < 60_000; now += 10_000) {
		delays.push(restartDelay(restarts, now));
		restarts.push(now);
	}
	assert.deepEqual(delays, [1_000, 2_000, 4_000, 8_000, 16_000, null]);
	assert.equal(restartDelay(restarts, 2_000_000), 1_000);
});

test("a process stops by itself when its parent lets go, as when the parent dies", async () => {
	const each = spec("calm");
	const parent = join(folder, "parent.mjs");
	const moduleUrl = new URL("./node-process.js", import.meta.url).href;
	writeFileSync(
		parent,
		`
		import { NodeProcess } from ${JSON.stringify(moduleUrl)};
		await NodeProcess.start(${JSON.stringify(each)});
		setInterval(() => {}, 1_000);
		`,
	);
	const outer = await NodeProcess.start({ name: "parent", script: [parent], logFile: join(folder, "parent.log") });
	await logged(each, "up");
	outer.signal("SIGKILL");
	await outer.ended;
	await logged(each, "orphaned");
});

test("processor time and memory of a process are known", async () => {
	const calm = spec("calm");
	const each = await NodeProcess.start(calm);
	await logged(calm, "up");
	const usage = await each.usage();
	assert.ok(usage !== null && usage.cpuSeconds >= 0 && usage.rssBytes > 1e6, JSON.stringify(usage));
	each.signal("SIGKILL");
	assert.equal((await each.ended).signal, "SIGKILL");
	assert.deepEqual(await each.usage(), usage);
});

test("a log that cannot be written is named", async () => {
	const logFile = join(folder, "none", "x.log");
	await assert.rejects(NodeProcess.start({ ...spec("calm"), logFile }), (error: unknown) => {
		assert.ok(error instanceof CairnError);
		assert.equal(error.code, "up-log");
		assert.match(error.message, /cannot write .*x\.log: ENOENT.*; check the folder/);
		return true;
	});
});

test("nodes do not see the configuration in the environment", () => {
	assert.deepEqual(
		nodeEnvironment({
			PATH: "/bin",
			CAIRN_HOME: "/x",
			CMTHOME: "/y",
			CMT_P2P_LADDR: "z",
			TMHOME: "/t",
			CAIRN_FAIL_POINT: "a",
		}),
		{ PATH: "/bin", CAIRN_FAIL_POINT: "a", CAIRN_SUPERVISED: "1" },
	);
});
