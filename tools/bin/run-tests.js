// Runs built tests (`*.test.js` under a `dist`) with Node's own test runner: unit tests, or with `--e2e` as first argument
// the suites with real processes, one after the other. Arguments narrow the run: `npm test -- packages/types`,
// `npm test -- vote-set`, `npm run e2e -- takeover`.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";

const root = join(import.meta.dirname, "..", "..");
const isE2e = process.argv[2] === "--e2e";
const wanted = process.argv.slice(isE2e ? 3 : 2);
const folders = isE2e ? ["e2e"] : ["packages", "tools"];

function testsUnder(folder) {
	const found = [];
	for (const name of readdirSync(folder)) {
		if (name === "node_modules" || name.startsWith(".")) continue;
		const path = join(folder, name);
		if (statSync(path).isDirectory()) found.push(...testsUnder(path));
		else if (name.endsWith(".test.js") && path.includes("/dist/") && hasSource(path)) found.push(path);
	}
	return found;
}

/** False for what was built from a test that was removed or renamed since. */
function hasSource(path) {
	return existsSync(path.replace("/dist/", "/src/").replace(/\.js$/, ".ts"));
}

const all = folders
	.flatMap((folder) => testsUnder(join(root, folder)))
	.map((path) => relative(root, path))
	.filter((path) => wanted.length === 0 || wanted.some((part) => path.includes(part)))
	.sort();
if (all.length === 0) {
	console.error(`no test matches ${wanted.join(" ")}`);
	process.exit(1);
}
const options = isE2e ? ["--test-concurrency=1", "--test-reporter=spec"] : ["--test-concurrency=2"];
const result = spawnSync(process.execPath, ["--test", ...options, ...all], { cwd: root, stdio: "inherit" });
process.exit(result.status ?? 1);
