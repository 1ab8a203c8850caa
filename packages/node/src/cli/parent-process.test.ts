import assert from "node:assert/strict";
import { fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { SUPERVISED_VARIABLE, USAGE_QUESTION } from "./parent-process.ts";

const folder = mkdtempSync(join(tmpdir(), "cairn-parent-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A process that follows its parent and ends with code 7 once that is gone; without one it ends with 0 by itself. */
const CHILD = join(folder, "child.mjs");
const moduleUrl = new URL("./parent-process.js", import.meta.url).href;
writeFileSync(
	CHILD,
	`
	import { followParent } from ${JSON.stringify(moduleUrl)};
	followParent(() => process.exit(7));
	process.send?.("follows");
	`,
);

test("a child tells its parent what it uses, and is told when the parent lets go", async (context) => {
	const child = fork(CHILD);
	context.after(() => child.kill("SIGKILL"));
	assert.equal((await once(child, "message"))[0], "follows");
	child.send("something else");
	child.send(USAGE_QUESTION);
	const [usage] = (await once(child, "message")) as [{ cpuSeconds: number; rssBytes: number }];
	assert.ok(usage.cpuSeconds > 0 && usage.cpuSeconds < 60, JSON.stringify(usage));
	assert.ok(usage.rssBytes > 1e6, JSON.stringify(usage));
	const exited = once(child, "exit");
	child.disconnect();
	assert.deepEqual(await exited, [7, null]);
});

test("a process without a parent to follow runs on; one whose parent is gone already is told at once", () => {
	const alone = spawnSync(process.execPath, [CHILD], { env: {} });
	assert.equal(alone.status, 0, String(alone.stderr));
	const orphan = spawnSync(process.execPath, [CHILD], { env: { [SUPERVISED_VARIABLE]: "1" } });
	assert.equal(orphan.status, 7, String(orphan.stderr));
});
