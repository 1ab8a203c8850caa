import assert from "node:assert/strict";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { logTail, rotateLog } from "./log-tail.ts";
import { parseUsage } from "./process-usage.ts";

const folder = mkdtempSync(join(tmpdir(), "cairn-log-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("the tail of a log is its last lines, of this run only", async () => {
	const path = join(folder, "a.log");
	assert.deepEqual(await logTail(path, 3), []);
	writeFileSync(path, "one\ntwo\n");
	assert.deepEqual(await logTail(path, 3), ["one", "two"]);
	const start = readFileSync(path).length;
	assert.deepEqual(await logTail(path, 3, start), []);
	appendFileSync(path, "three\nfour\n");
	assert.deepEqual(await logTail(path, 3, start), ["three", "four"]);
	assert.deepEqual(await logTail(path, 1), ["four"]);
	writeFileSync(path, `${"x".repeat(1_000_000)}\nlast\n`);
	assert.equal((await logTail(path, 1))[0], "last");
});

test("a long log is put aside, a short one goes on", async () => {
	const path = join(folder, "b.log");
	assert.equal(await rotateLog(path, 10), 0);
	writeFileSync(path, "0123456789");
	assert.equal(await rotateLog(path, 10), 10);
	appendFileSync(path, "!");
	assert.equal(await rotateLog(path, 10), 0);
	assert.equal(existsSync(path), false);
	assert.equal(readFileSync(`${path}.1`, "utf8"), "0123456789!");
});

test("usage of a process is read whatever its name is", () => {
	const stat = "12 (a) S 1 (b) R 1 12 12 0 -1 4194560 900 0 0 0 250 50 0 0 20 0 11 0 5 1000 200 18446744073709551615";
	assert.deepEqual(parseUsage(stat, "Name:\tnode\nVmRSS:\t   2048 kB\nThreads:\t1\n"), {
		cpuSeconds: 3,
		rssBytes: 2_097_152,
	});
	assert.equal(parseUsage(stat, "Name:\tzombie\n"), null);
	assert.equal(parseUsage("", "VmRSS:\t 1 kB\n"), null);
});
