// `npm run codegen`: writes packages/types/src/proto/generated anew from proto/.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readSchema } from "./schema.ts";
import { generate } from "./typescript.ts";

const root = join(import.meta.dirname, "..", "..", "..");
const target = join(root, "packages", "types", "src", "proto", "generated");
rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
const files = generate(readSchema(join(root, "proto")));
for (const [name, text] of files) writeFileSync(join(target, name), text);
console.log(`wrote ${files.size} files to ${target}`);
