// `npm run vectors -- DIR [--json]`: checks every vector file below DIR with the product's own code.
import { existsSync } from "node:fs";
import { checkFolder, type FileReport } from "./run.ts";

function printText(reports: readonly FileReport[]): void {
	for (const { name, cases, passed, failed } of reports) console.log(`${name} ${cases} ${passed} ${failed}`);
	for (const { name, failures } of reports)
		for (const { case: label, why } of failures) console.log(`${name} ${label}: ${why}`);
}

const words = process.argv.slice(2);
const folders = words.filter((word) => !word.startsWith("--"));
const [folder] = folders;
const unknown = words.filter((word) => word.startsWith("--") && word !== "--json");
if (folder === undefined || folders.length > 1 || unknown.length > 0) {
	console.error("usage: npm run vectors -- DIR [--json]");
	process.exit(2);
}
if (!existsSync(folder)) {
	console.error(`${folder} does not exist`);
	process.exit(2);
}
const reports = await checkFolder(folder);
if (words.includes("--json")) console.log(JSON.stringify({ files: reports }));
else printText(reports);
if (reports.length === 0) console.error(`no vector file in ${folder}`);
process.exitCode = reports.length > 0 && reports.every(({ failed }) => failed === 0) ? 0 : 1;
