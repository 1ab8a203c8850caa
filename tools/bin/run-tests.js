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
function run(files, concurrency) {
	const options = ["--test", `--test-concurrency=${concurrency}`, "--test-reporter=spec"];
	return spawnSync(process.execPath, [...options, ...files], { cwd: root, stdio: "inherit" }).status === 0;
}

/**
 * Suites with real processes, one after the other. Machines that run them are shared: a suite that fails gets one more
 * chance, loudly, so that a stall of the machine is told from a fault that stays.
 */
function runSuites(files) {
	const failed = [];
	for (const file of files) {
		console.log(`\n== ${file}`);
		if (run([file], 1)) continue;
		console.log(`\n!!! ${file} FAILED ONCE; running it again`);
		if (!run([file], 1)) failed.push(file);
	}
	for (const file of failed) console.log(`FAILED: ${file}`);
	console.log(`\n${files.length - failed.length} passed, ${failed.length} failed`);
	return failed.length === 0;
}

process.exit((isE2e ? runSuites(all) : run(all, 2)) ? 0 : 1);
