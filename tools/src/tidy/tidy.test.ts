import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Breach, deadFiles, edges, floors, forbiddenWords, purity, sizes } from "./rules.ts";
import { ROOT, type SourceFile, sourceFiles } from "./source.ts";

const files = sourceFiles();

/** Known breaches, by rule and file: `{ "file": { "packages/x/src/y.ts": 1 } }`. The list may only shrink. */
const baseline = JSON.parse(readFileSync(join(ROOT, "tools", "tidy-baseline.json"), "utf8")) as Record<
	string,
	Record<string, number>
>;

function check(breaches: readonly Breach[]): void {
	const counts = new Map<string, Breach[]>();
	for (const breach of breaches) {
		const path = breach.where.split(":")[0] ?? "";
		const key = `${breach.rule} ${path}`;
		counts.set(key, [...(counts.get(key) ?? []), breach]);
	}
	const fresh: string[] = [];
	for (const [key, found] of counts) {
		const [rule = "", path = ""] = key.split(" ");
		const allowed = baseline[rule]?.[path] ?? 0;
		if (found.length > allowed) fresh.push(...found.map((each) => `${each.where}: ${each.what}`));
	}
	assert.deepEqual(fresh, []);
}

const rule = (name: string, apply: (file: SourceFile) => Breach[]): void => {
	test(name, () => check(files.flatMap(apply)));
};

test("there is source to check", () => assert.ok(files.length > 100));
rule("imports go downwards, through one door a room", floors);
rule("pure rooms have no clock, randomness, I/O or async", purity);
rule("only the edges touch the machine", edges);
rule("files, functions and lines stay within their budgets", sizes);
rule("no enum, any, default export, skipped test or work left for later", forbiddenWords);
test("no file is dead", () => {
	const entries = new Set(
		files.map((file) => file.path).filter((path) => /\/(index|main|node)\.ts$|^bench\/src\/[a-z-]+\.ts$/.test(path)),
	);
	for (const each of baseline["entries"] === undefined ? [] : Object.keys(baseline["entries"])) entries.add(each);
	check(deadFiles(files, entries));
});

test("the rules catch planted breaches", () => {
	const planted: SourceFile = {
		path: "packages/types/src/planted.ts",
		text: "",
		lines: ['import { x } from "@cairn/node";', "const now = Date.now();", "enum E { A }", "await x;"],
		room: "types",
		test: false,
		generated: false,
	};
	assert.equal(floors(planted).length, 1);
	assert.ok(purity(planted).length >= 2);
	assert.equal(forbiddenWords(planted).length, 1);
	assert.equal(edges(planted).length, 1);
	const long = { ...planted, lines: ["function f(): void {", ...Array<string>(80).fill("\tg();"), "}", ""] };
	assert.equal(sizes(long).length, 1);
});
