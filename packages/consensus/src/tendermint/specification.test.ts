import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const specification = readFileSync(new URL("../../../../docs/spec/tendermint.md", import.meta.url), "utf8");
const sources = new URL("../../src/tendermint/", import.meta.url);

/** Line numbers of the pseudo-code, in the order of the document. */
function linesOfDocument(): number[] {
	const [, block] = /## The lines\n+```\n([\s\S]*?)```/.exec(specification) ?? [];
	assert.ok(block !== undefined, "the document has its pseudo-code");
	return [...block.matchAll(/^T(\d+) /gm)].map((match) => Number(match[1]));
}

/** Lines that the code says it takes. */
function marksOfCode(): Set<number> {
	const marks = new Set<number>();
	for (const name of readdirSync(sources)) {
		if (!name.endsWith(".ts") || name.endsWith(".test.ts")) continue;
		const text = readFileSync(new URL(name, sources), "utf8");
		for (const match of text.matchAll(/\.mark\("T(\d+)"\)/g)) marks.add(Number(match[1]));
	}
	return marks;
}

test("the document's lines are numbered without a gap", () => {
	const lines = linesOfDocument();
	assert.ok(lines.length > 50);
	assert.deepEqual(
		lines,
		lines.map((_, index) => index + 1),
	);
});

test("every line of the document is marked in the code, and every mark is a line of the document", () => {
	const marks = [...marksOfCode()].sort((a, b) => a - b);
	assert.deepEqual(marks, linesOfDocument());
});

test("every line that the text of the document names exists", () => {
	const lines = new Set(linesOfDocument());
	const named = [...specification.matchAll(/\bT(\d+)\b/g)].map((match) => Number(match[1]));
	assert.deepEqual(
		named.filter((line) => !lines.has(line)),
		[],
	);
});
