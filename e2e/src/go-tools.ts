import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/** Where a program that `go install` made may be: PATH, GOBIN, GOPATH/bin, ~/go/bin. Null where it is not. */
export function findGoTool(name: string): string | null {
	const folders = (process.env.PATH ?? "").split(delimiter);
	if (process.env.GOBIN !== undefined) folders.push(process.env.GOBIN);
	for (const path of (process.env.GOPATH ?? "").split(delimiter)) if (path !== "") folders.push(join(path, "bin"));
	folders.push(join(homedir(), "go", "bin"));
	for (const folder of folders) {
		const path = join(folder, name);
		try {
			accessSync(path, constants.X_OK);
			return path;
		} catch {
			// Not here: look on.
		}
	}
	return null;
}

/**
 * The program, or undefined after saying loudly that the suite is skipped. In CI a missing program is a failure: a suite
 * that silently never runs proves nothing.
 */
export function goToolOrSkip(name: string, install: string): string | undefined {
	const path = findGoTool(name);
	if (path !== null) return path;
	const text = `${name} was not found on PATH, in GOBIN or in ~/go/bin; install it with: go install ${install}`;
	if (process.env.CI === "true") throw new Error(text);
	console.error(`\n*** SKIPPED *** ${text}\n`);
	return undefined;
}
