#!/usr/bin/env node
// The committed shim behind the `cairn` command: npm links a bin only when its target exists at install time.
import { existsSync } from "node:fs";

const built = new URL("../dist/cli/main.js", import.meta.url);
if (!existsSync(built)) {
	console.error("cairn is not built yet: run `npm run build` in the project root first.");
	process.exit(1);
}
await import(built.href);
