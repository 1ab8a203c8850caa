import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

const HERE = import.meta.dirname;
const PACKAGES = join(HERE, "..", "..", "..");

/** What a bundler for browsers would load from `entry` on: our files, and foreign packages by name. */
function browserImports(entry: string): { files: Set<string>; foreign: Set<string> } {
	const files = new Set<string>();
	const foreign = new Set<string>();
	const visit = (file: string): void => {
		if (files.has(file)) return;
		files.add(file);
		for (const [, specifier = ""] of readFileSync(file, "utf8").matchAll(/(?:from|import)\s*\(?"([^"]+)"/g)) {
			const room = /^@cairn\/(\w+)$/.exec(specifier)?.[1];
			if (specifier.startsWith(".")) visit(join(dirname(file), specifier));
			else if (room !== undefined) visit(join(PACKAGES, room, "dist", "index.js"));
			else if (specifier === "#backend") visit(join(PACKAGES, "crypto", "dist", "backend", "portable.js"));
			else foreign.add(specifier);
		}
	};
	visit(entry);
	return { files, foreign };
}

test("the device's side needs nothing of Node.js, and of our rooms only crypto and kit", () => {
	const { files, foreign } = browserImports(join(HERE, "index.js"));
	assert.ok(files.size > 20 && foreign.size > 0);
	for (const name of foreign) assert.match(name, /^@noble\//);
	const rooms = new Set([...files].map((file) => file.slice(PACKAGES.length).split(/[\\/]/)[1]));
	assert.deepEqual([...rooms].sort(), ["crypto", "depin", "kit"]);
	for (const file of files) assert.doesNotMatch(readFileSync(file, "utf8"), /\b(process\.|Buffer\.|require\()/, file);
});
