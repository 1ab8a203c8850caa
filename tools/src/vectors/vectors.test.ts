import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { NOT_BUILT } from "./kinds/index.ts";
import { checkFolder, type FileReport, vectorFiles } from "./run.ts";

const root = join(import.meta.dirname, "..", "..", "..");
const vectors = join(root, "vectors");

test("every vector file of the real node comes out, save those whose code is not built", async () => {
	const reports = await checkFolder(vectors);
	assert.equal(reports.length, vectorFiles(vectors).length);
	const built = reports.filter(({ kind }) => !NOT_BUILT.includes(kind));
	assert.ok(built.length >= 20);
	for (const { name, failures } of built) {
		const real = failures.filter(({ why }) => !why.endsWith("not built yet"));
		assert.deepEqual(real, [], name);
	}
	for (const { kind, failures } of reports.filter((report) => !built.includes(report)))
		assert.deepEqual(failures, [{ case: "file", why: "not built yet" }], kind);
});

/** Checks a folder with just these files. */
async function checkFiles(files: Readonly<Record<string, string>>): Promise<FileReport[]> {
	const folder = mkdtempSync(join(tmpdir(), "cairn-vectors-"));
	try {
		for (const [name, text] of Object.entries(files)) {
			mkdirSync(join(folder, name, ".."), { recursive: true });
			writeFileSync(join(folder, name), text);
		}
		return await checkFolder(folder);
	} finally {
		rmSync(folder, { recursive: true });
	}
}

test("a file whose expected values are wrong fails, naming the case", async () => {
	const text = readFileSync(join(vectors, "limits.json"), "utf8");
	const [report] = await checkFiles({
		"deep/limits.json": text.replace('"MaxHeaderBytes":626', '"MaxHeaderBytes":627'),
	});
	assert.equal(report?.name, join("deep", "limits.json"));
	assert.equal(report?.failed, 1);
	assert.equal(report?.failures[0]?.case, "constants MaxHeaderBytes");
	assert.equal(report?.passed, report.cases - 1);
});

test("unknown kinds, missing kinds, broken files and empty files each count as failed", async () => {
	const reports = await checkFiles({
		"a.json": '{"kind": "alchemy", "cases": []}',
		"b.json": '{"cases": []}',
		"c.json": "{",
		"d.json": '{"kind": "proto", "cases": []}',
		"e.json": '{"kind": "proto"}',
		"f.json": "null",
		"light-mbt/g.json": '{"description": "x"}',
		"README.md": "no vectors",
	});
	assert.deepEqual(
		reports.map(({ name, kind, cases, failed }) => [name, kind, cases, failed]),
		[
			["a.json", "alchemy", 1, 1],
			["b.json", "", 1, 1],
			["c.json", "", 1, 1],
			["d.json", "proto", 1, 1],
			["e.json", "proto", 1, 1],
			["f.json", "", 1, 1],
			[join("light-mbt", "g.json"), "light-mbt", 1, 1],
		],
	);
});

test("the command prints a line a file and the failures, or JSON, and tells by its exit code", () => {
	const main = join(root, "tools", "dist", "vectors", "main.js");
	const run = (...words: string[]) => spawnSync(process.execPath, [main, ...words], { encoding: "utf8" });
	const good = run(join(vectors, "limits.json"));
	assert.match(good.stdout, /^limits\.json \d+ \d+ 0\n$/);
	assert.equal(good.status, 0);
	const json = run(join(vectors, "limits.json"), "--json");
	assert.equal(json.status, 0);
	const { files } = JSON.parse(json.stdout) as { files: FileReport[] };
	assert.deepEqual(
		files.map(({ name, kind, failed }) => ({ name, kind, failed })),
		[{ name: "limits.json", kind: "limits", failed: 0 }],
	);
	const bad = run(join(vectors, "lp2p.json"));
	assert.equal(bad.stdout, "lp2p.json 1 0 1\nlp2p.json file: not built yet\n");
	assert.equal(bad.status, 1);
	assert.equal(run().status, 2);
	assert.equal(run(join(vectors, "absent")).status, 2);
	assert.equal(run(vectors, "--jsn").status, 2);
});
