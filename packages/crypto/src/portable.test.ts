import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ed25519 } from "@noble/curves/ed25519.js";
import { backend as portable } from "./backend/portable.ts";
import { hex, readVectors } from "./test-vector.ts";

const HERE = dirname(fileURLToPath(import.meta.url));
const KIT = join(HERE, "../../kit/dist/index.js");

/** What a bundler for browsers would load from `entry` on, our own packages only; foreign packages by name. */
function browserImports(entry: string): { files: Set<string>; foreign: Set<string> } {
	const files = new Set<string>();
	const foreign = new Set<string>();
	const visit = (file: string): void => {
		if (files.has(file)) return;
		files.add(file);
		for (const [, specifier = ""] of readFileSync(file, "utf8").matchAll(/(?:from|import)\s*\(?"([^"]+)"/g)) {
			if (specifier.startsWith(".")) visit(join(dirname(file), specifier));
			else if (specifier === "#backend") visit(join(HERE, "backend/portable.js"));
			else if (specifier === "@cairn/kit") visit(KIT);
			else foreign.add(specifier);
		}
	};
	visit(entry);
	return { files, foreign };
}

test("in a browser the package needs nothing of Node.js and no native code", () => {
	const { files, foreign } = browserImports(join(HERE, "index.js"));
	assert.ok(files.size > 10 && [...files].every((file) => existsSync(file)));
	assert.ok(files.has(join(HERE, "backend/portable.js")) && !files.has(join(HERE, "backend/node.js")));
	assert.ok(foreign.size > 0);
	for (const name of foreign) assert.match(name, /^@noble\//);
});

test("package.json sends browsers to the portable backend and Node.js to the native one", () => {
	const { imports } = JSON.parse(readFileSync(join(HERE, "../package.json"), "utf8")) as {
		imports: Record<string, Record<string, string>>;
	};
	assert.deepEqual(imports["#backend"], { node: "./dist/backend/node.js", default: "./dist/backend/portable.js" });
});

test("the portable check alone decides ZIP-215 as CometBFT does", () => {
	type Vector = { pub_key: string; msg: string; sig: string; valid: boolean; name: string };
	const { cases } = readVectors<{ cases: Vector[] }>("ed25519-zip215.json");
	for (const { pub_key, msg, sig, valid, name } of cases.filter((vector) => vector.sig.length === 128)) {
		const message = hex(msg);
		assert.equal(portable.ed25519AcceptsFast(hex(pub_key), message, hex(sig)), false);
		let verdict = false;
		try {
			verdict = ed25519.verify(hex(sig), message, hex(pub_key), { zip215: true });
		} catch {
			verdict = false;
		}
		assert.equal(verdict, valid, name);
	}
});
