import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { messageOf } from "@cairn/kit";
import { type Failure, Tally } from "./checker.ts";
import { CHECKERS } from "./kinds/index.ts";

/** What came of one file. */
export interface FileReport {
	/** Path within the folder that was checked. */
	readonly name: string;
	/** The file's kind, or empty where it has none. */
	readonly kind: string;
	readonly cases: number;
	readonly passed: number;
	readonly failed: number;
	readonly failures: readonly Failure[];
}

/** Files of this folder say no kind; the folder does. */
const LIGHT_MBT = "light-mbt";

/** Paths of all JSON files in and below a folder (or the one file given), sorted. */
export function vectorFiles(path: string): string[] {
	if (statSync(path).isFile()) return [path];
	return readdirSync(path, { withFileTypes: true })
		.flatMap((entry) => {
			const inner = join(path, entry.name);
			if (entry.isDirectory()) return vectorFiles(inner);
			return entry.name.endsWith(".json") ? [inner] : [];
		})
		.sort();
}

function kindOf(path: string, content: unknown): string {
	const { kind } = (content ?? {}) as { kind?: unknown };
	if (typeof kind === "string") return kind;
	return basename(dirname(path)) === LIGHT_MBT ? LIGHT_MBT : "";
}

/** Checks one file. A file that cannot be read, is of an unknown kind or holds no case counts as one failed case. */
export async function checkFile(path: string, name: string): Promise<FileReport> {
	const tally = new Tally();
	let kind = "";
	try {
		const content: unknown = JSON.parse(readFileSync(path, "utf8"));
		kind = kindOf(path, content);
		const checker = CHECKERS[kind];
		if (checker === undefined)
			throw new Error(kind === "" ? "file without kind" : `unknown kind ${JSON.stringify(kind)}`);
		await checker({ path, content }, tally);
		if (tally.cases === 0) throw new Error("file without cases");
	} catch (cause) {
		tally.cases++;
		tally.failures.push({ case: "file", why: messageOf(cause).slice(0, 500) });
	}
	const failed = tally.failures.length;
	return { name, kind, cases: tally.cases, passed: tally.cases - failed, failed, failures: tally.failures };
}

/** Checks every vector file in and below a folder, one after the other. */
export async function checkFolder(folder: string): Promise<FileReport[]> {
	const reports: FileReport[] = [];
	for (const path of vectorFiles(folder)) {
		const name = path === folder ? basename(path) : relative(folder, path);
		reports.push(await checkFile(path, name));
	}
	return reports;
}
