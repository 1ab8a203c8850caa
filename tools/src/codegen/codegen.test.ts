import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readSchema } from "./schema.ts";
import { generate } from "./typescript.ts";

const root = join(import.meta.dirname, "..", "..", "..");
const folder = join(root, "packages", "types", "src", "proto", "generated");

test("the generated code in the repository is what the .proto files give", () => {
	const files = generate(readSchema(join(root, "proto")));
	assert.deepEqual(readdirSync(folder).sort(), [...files.keys()].sort());
	for (const [name, text] of files)
		assert.equal(readFileSync(join(folder, name), "utf8"), text, `${name}: run npm run codegen`);
});
