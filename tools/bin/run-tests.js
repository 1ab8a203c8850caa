// Runs every built unit test (`*.test.js` under a `dist`) with Node's own test runner.
// Arguments narrow the run: `npm test -- packages/types` or `npm test -- vote-set`.
import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";

const root = join(import.meta.dirname, "..", "..");
const wanted = process.argv.slice(2);

function testsUnder(folder) {
	const found = [];
	for (const name of readdirSync(folder)) {
		if (name === "node_modules" || name.startsWith(".")) continue;
		const path = join(folder, name);
		if (statSync(path).isDirectory()) found.push(...testsUnder(path));
		else if (name.endsWith(".test.js") && path.includes("/dist/")) found.push(path);
	}
	return found;
}

const all = [...testsUnder(join(root, "packages")), ...testsUnder(join(root, "tools"))]
	.map((path) => relative(root, path))
	.filter((path) => wanted.length === 0 || wanted.some((part) => path.includes(part)))
	.sort();
if (all.length === 0) {
	console.error(`no test matches ${wanted.join(" ")}`);
	process.exit(1);
}
const result = spawnSync(process.execPath, ["--test", "--test-concurrency=2", ...all], { cwd: root, stdio: "inherit" });
process.exit(result.status ?? 1);
