import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import type { Logger } from "@cairn/kit";
import fc from "fast-check";
import { LOG_LEVELS, type LogLevel, type LogLevels, parseLogLevels } from "./level.ts";
import { createLogger } from "./logger.ts";

function levelsOf(text: string): LogLevels {
	const levels = parseLogLevels(text);
	assert.ok("fallback" in levels, text);
	return levels;
}

// 2026-11-22T17:32:40.123456789Z
const WALL = 1_795_368_760_123_456_789n;

function captured(format: "plain" | "json", level: string, color = false): { logger: Logger; lines: string[] } {
	const lines: string[] = [];
	const write = (line: string) => void lines.push(line);
	return { logger: createLogger({ format, levels: levelsOf(level), color, wall: () => WALL, write }), lines };
}

/** The plain line without its time, which depends on the machine's zone. */
const withoutTime = (line: string | undefined) => line?.replace(/\[\d{4}-\d\d-\d\d\|\d\d:\d\d:\d\d\.123\]/, "[]");

test("a plain line has CometBFT's form", () => {
	const { logger, lines } = captured("plain", "info");
	const state = logger.child({ module: "state" });
	state.info("finalized block", { height: 5, num_txs_res: 0, block_app_hash: new Uint8Array([0xab, 0x01]) });
	logger.error("stopped");
	assert.equal(
		withoutTime(lines[0]),
		"I[] finalized block                              module=state height=5 num_txs_res=0 block_app_hash=AB01\n",
	);
	assert.equal(withoutTime(lines[1]), "E[] stopped                                      \n");
});

test("plain values are quoted where a reader could not tell them apart", () => {
	const { logger, lines } = captured("plain", "debug");
	logger.child({ module: "p2p" }).debug("x", {
		empty: "",
		spaced: "a b",
		equals: "a=b",
		quoted: 'say "x"',
		lines: "one\ntwo",
		bare: "tcp://1.2.3.4:5",
		none: null,
		absent: undefined,
		big: 12345678901234567890n,
		error: new Error("no route"),
		nested: { height: 1n, hash: new Uint8Array([1]) },
		list: [1, "a"],
		"odd name": true,
	});
	assert.equal(
		withoutTime(lines[0]),
		`D[] ${"x".padEnd(44)} module=p2p empty= spaced="a b" equals="a=b" quoted="say \\"x\\"" lines="one\\ntwo" bare=tcp://1.2.3.4:5 ` +
			`none=null big=12345678901234567890 error="no route" nested="{\\"height\\":\\"1\\",\\"hash\\":\\"01\\"}" list="[1,\\"a\\"]" oddname=true\n`,
	);
});

test("whatever is logged, a plain line is one line", () => {
	const { logger, lines } = captured("plain", "debug");
	fc.assert(
		fc.property(fc.string({ unit: "binary" }), fc.dictionary(fc.string(), fc.anything()), (message, fields) => {
			lines.length = 0;
			logger.info(message, fields);
			assert.equal(lines.length, 1);
			assert.equal(lines[0]?.indexOf("\n"), (lines[0]?.length ?? 0) - 1);
		}),
	);
});

test("colours mark debug, warn and error only", () => {
	const { logger, lines } = captured("plain", "debug", true);
	logger.debug("a");
	logger.info("b");
	logger.warn("c");
	logger.error("d");
	assert.deepEqual(
		lines.map((line) => line.charCodeAt(0) === 27 && line.slice(1, 5)),
		["[90m", false, "[33m", "[31m"],
	);
});

test("a JSON line has CometBFT's names and a UTC time to the nanosecond", () => {
	const { logger, lines } = captured("json", "info");
	logger.child({ module: "consensus" }).info("received proposal", {
		height: 7,
		power: 10n,
		hash: new Uint8Array([255]),
		err: new Error("bad"),
		level: "mine",
	});
	assert.equal(lines.length, 1);
	assert.ok(lines[0]?.endsWith("}\n"));
	assert.deepEqual(JSON.parse(lines[0] ?? ""), {
		level: "info",
		ts: "2026-11-22T17:32:40.123456789Z",
		module: "consensus",
		height: 7,
		power: "10",
		hash: "FF",
		err: "bad",
		level_: "mine",
		_msg: "received proposal",
	});
});

test("a child takes its module's level, other modules the level of *, and grandchildren keep it", () => {
	const { logger, lines } = captured("plain", "consensus:debug,p2p:none,*:error");
	const seen = (target: Logger): readonly string[] => {
		lines.length = 0;
		for (const level of ["debug", "info", "warn", "error"] as const) target[level](level);
		return lines.map((line) => line.charAt(0));
	};
	assert.deepEqual(seen(logger), ["E"]);
	assert.deepEqual(seen(logger.child({ module: "consensus" })), ["D", "I", "W", "E"]);
	assert.deepEqual(seen(logger.child({ module: "consensus" }).child({ peer: "x" })), ["D", "I", "W", "E"]);
	assert.deepEqual(seen(logger.child({ module: "consensus" }).child({ module: "mempool" })), ["E"]);
	assert.deepEqual(seen(logger.child({ module: "p2p" })), []);
});

test("without * the other modules log at info", () => {
	assert.deepEqual(levelsOf("consensus:debug"), { fallback: "info", modules: new Map([["consensus", "debug"]]) });
	assert.deepEqual(levelsOf("none"), { fallback: "none", modules: new Map() });
});

test("any list of pairs reads back, the last pair of a module counts", () => {
	const pair = fc.tuple(fc.constantFrom("consensus", "p2p", "state"), fc.constantFrom<LogLevel>(...LOG_LEVELS));
	fc.assert(
		fc.property(fc.array(pair, { minLength: 1 }), fc.constantFrom<LogLevel>(...LOG_LEVELS), (pairs, other) => {
			const text = [...pairs.map(([module, level]) => `${module}:${level}`), `*:${other}`].join(",");
			assert.deepEqual(levelsOf(text), { fallback: other, modules: new Map(pairs) });
		}),
	);
});

test("lines before a crash are not lost, also into a pipe", () => {
	const module = new URL("./logger.js", import.meta.url).href;
	const script = `
		import { createLogger, syncDestination } from ${JSON.stringify(module)};
		const levels = { fallback: "info", modules: new Map() };
		const logger = createLogger({ format: "plain", levels, wall: () => 0n, write: syncDestination(1) });
		for (let line = 0; line < 5000; line++) logger.info("line", { line, filler: "x".repeat(50) });
		process.kill(process.pid, "SIGKILL");`;
	const child = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
		encoding: "utf8",
		maxBuffer: 1 << 24,
	});
	assert.equal(child.signal, "SIGKILL");
	const lines = child.stdout.trimEnd().split("\n");
	assert.equal(lines.length, 5_000);
	assert.match(lines.at(-1) ?? "", /line=4999 filler=x{50}$/);
});
