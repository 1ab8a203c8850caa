import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { TestContext } from "node:test";

/** Root of the checkout, seen from the built suite. */
export const ROOT: string = join(import.meta.dirname, "..", "..", "..");

export const CAIRN: readonly string[] = [process.execPath, join(ROOT, "packages", "node", "bin", "cairn.js")];

/** How to get the peer that these suites are about. */
export const COMETBFT_INSTALL = "go install github.com/cometbft/cometbft/cmd/cometbft@v0.40.0";

/** Path of a program on PATH or among Go's installed ones; null where there is none. */
export function findProgram(name: string): string | null {
	const folders = [
		...(process.env["PATH"] ?? "").split(delimiter),
		process.env["GOBIN"] ?? "",
		join(homedir(), "go", "bin"),
	];
	for (const folder of folders) {
		const path = join(folder, name);
		if (folder !== "" && existsSync(path)) return path;
	}
	return null;
}

/** The program, or null after saying loudly that the suite is skipped; in CI a missing program fails the suite. */
export function requireProgram(context: TestContext, name: string, install: string): string | null {
	const path = findProgram(name);
	if (path !== null) return path;
	const text = `SKIPPED: ${name} is not installed (${install})`;
	if (process.env["CI"] === "true") throw new Error(text);
	console.error(`\n!!! ${text}\n`);
	context.skip(text);
	return null;
}
