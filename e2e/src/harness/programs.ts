import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { TestContext } from "node:test";

/** Root of the checkout, seen from the built suite. */
export const ROOT: string = join(import.meta.dirname, "..", "..", "..");

export const CAIRN: readonly string[] = [process.execPath, join(ROOT, "packages", "node", "bin", "cairn.js")];

/** A program of others that suites need, and how to get it. */
export interface ForeignProgram {
	readonly name: string;
	readonly install: string;
}

export const COMETBFT: ForeignProgram = {
	name: "cometbft",
	install: "go install github.com/cometbft/cometbft/cmd/cometbft@v0.40.0",
};
export const ABCI_CLI: ForeignProgram = {
	name: "abci-cli",
	install: "go install github.com/cometbft/cometbft/abci/cmd/abci-cli@v0.40.0",
};

/** Path of a program on PATH or where `go install` puts it: GOBIN, GOPATH/bin, ~/go/bin. Null where it is not. */
export function findProgram(name: string): string | null {
	const { PATH = "", GOBIN = "", GOPATH = "" } = process.env;
	const folders = [...PATH.split(delimiter), GOBIN];
	for (const path of GOPATH.split(delimiter)) if (path !== "") folders.push(join(path, "bin"));
	folders.push(join(homedir(), "go", "bin"));
	for (const folder of folders) {
		const path = join(folder, name);
		if (folder !== "" && isExecutable(path)) return path;
	}
	return null;
}

function isExecutable(path: string): boolean {
	try {
		accessSync(path, constants.X_OK);
		return true;
	} catch {
		return false;
	}
}

/**
 * The program, or null after saying loudly that a suite is skipped. In CI a missing program is a failure: a suite that
 * silently never runs proves nothing.
 */
export function programOrNull({ name, install }: ForeignProgram): string | null {
	const path = findProgram(name);
	if (path !== null) return path;
	const text = `${name} was not found on PATH, in GOBIN or in ~/go/bin; install it with: ${install}`;
	if (process.env.CI === "true") throw new Error(text);
	console.error(`\n*** SKIPPED *** ${text}\n`);
	return null;
}

/** As `programOrNull`, and marks the test as skipped. */
export function requireProgram(context: TestContext, program: ForeignProgram): string | null {
	const path = programOrNull(program);
	if (path === null) context.skip(`${program.name} is not installed`);
	return path;
}
