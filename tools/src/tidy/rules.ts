import type { SourceFile } from "./source.ts";

/** One breach of a house rule: `where` names file and line, `what` the rule. */
export interface Breach {
	readonly rule: string;
	readonly where: string;
	readonly what: string;
}

export const MAX_FUNCTION_LINES = 70;
export const MAX_FILE_LINES = 500;
/** Tests tell stories, which may be longer than what they are about. */
export const MAX_TEST_LINES = 800;
export const MAX_LINE = 120;
/** Nothing breaks comments automatically: a word may stand over. */
export const MAX_COMMENT_LINE = 130;

/** A room may import only rooms that stand before it here (and only by its name, never a path inside it). */
export const FLOORS: readonly (readonly string[])[] = [
	["kit"],
	["crypto", "world"],
	["types"],
	["consensus", "signer", "abci", "storage", "network"],
	["chain", "depin"],
	["gossip"],
	["rpc"],
	["node"],
	["tools", "e2e"],
	["bench"],
];

/** Rooms (or parts of them) without clock, randomness, I/O or async. */
const PURE: readonly RegExp[] = [
	/^packages\/types\/src\//,
	/^packages\/consensus\/src\//,
	/^packages\/depin\/src\/state-machine\//,
	/^packages\/chain\/src\/block-assembler\.ts$/,
	/^packages\/gossip\/src\/.*\/(plan|decide|peer-state)[^/]*\.ts$/,
];

const IMPURE: readonly (readonly [RegExp, string])[] = [
	[/from "node:/, "imports node:*"],
	[/\bnew Date\(|\bDate\.now\(/, "reads the clock"],
	[/\bperformance\./, "reads the clock"],
	[/\bMath\.random\(/, "uses randomness"],
	[/\bset(Timeout|Interval|Immediate)\(/, "sets a timer"],
	[/\basync\b(?! )|\basync (function|\(|[a-z#])|\bawait\b/, "is asynchronous"],
	[/\bPromise[.<(]/, "uses promises"],
	[/\bprocess\./, "uses process"],
	[/\bBuffer\b/, "uses Buffer"],
];

/** Clock, timers, sockets and files appear only behind `World`; these are the edges that may touch the machine. */
const EDGES: readonly RegExp[] = [
	/^packages\/world\//,
	/^packages\/rpc\/src\/server\//,
	/^packages\/abci\/src\/grpc\//,
	/^packages\/node\/src\/(cli|log|metrics|up|config|edge)\//,
	/^packages\/crypto\/src\/backend\//,
	/^(tools|e2e|bench)\//,
];

const MACHINE: readonly (readonly [RegExp, string])[] = [
	[/from "node:(fs|net|tls|dgram|http|https|http2|child_process|os|timers|dns)/, "touches the machine outside world"],
	[/\bDate\.now\(|\bnew Date\(\)/, "reads the clock outside world"],
	[/(?<![.\w])set(Timeout|Interval)\(/, "sets a timer outside world"],
	[/\bMath\.random\(/, "uses randomness outside world"],
];

const WORDS: readonly (readonly [RegExp, string])[] = [
	[/\b(TODO|FIXME|XXX|HACK)\b/, "leaves work for later: file an issue"],
	[/@ts-(ignore|nocheck|expect-error)/, "switches types off"],
];

const EVERYWHERE: readonly (readonly [RegExp, string])[] = [
	[/^\s*(export )?(const )?enum /, "declares an enum"],
	[/^\s*(export )?namespace /, "declares a namespace"],
	[/^export default /, "has a default export"],
	[/: any\b|<any>|\bas any\b/, "switches types off with any"],
	[/\b(it|test|describe)\.(only|skip|todo)\(/, "narrows or skips tests"],
];

function withoutComment(line: string): string {
	const trimmed = line.trimStart();
	if (trimmed.startsWith("*") || trimmed.startsWith("//") || trimmed.startsWith("/*")) return "";
	return line;
}

function matchLines(
	file: SourceFile,
	rules: readonly (readonly [RegExp, string])[],
	rule: string,
	code: boolean,
): Breach[] {
	const breaches: Breach[] = [];
	for (const [index, line] of file.lines.entries()) {
		const text = code ? withoutComment(line) : line;
		for (const [pattern, what] of rules) {
			if (pattern.test(text)) breaches.push({ rule, where: `${file.path}:${index + 1}`, what });
		}
	}
	return breaches;
}

export function forbiddenWords(file: SourceFile): Breach[] {
	if (file.path.startsWith("tools/src/tidy/")) return [];
	return [...matchLines(file, WORDS, "words", false), ...matchLines(file, EVERYWHERE, "words", true)];
}

export function purity(file: SourceFile): Breach[] {
	if (file.test || !PURE.some((pattern) => pattern.test(file.path))) return [];
	return matchLines(file, IMPURE, "purity", true);
}

export function edges(file: SourceFile): Breach[] {
	if (file.test || EDGES.some((pattern) => pattern.test(file.path))) return [];
	return matchLines(file, MACHINE, "edges", true);
}

export function sizes(file: SourceFile): Breach[] {
	if (file.generated) return [];
	const breaches: Breach[] = [];
	const most = file.test ? MAX_TEST_LINES : MAX_FILE_LINES;
	if (file.lines.length - 1 > most) {
		breaches.push({ rule: "file", where: file.path, what: `${file.lines.length - 1} lines, ${most} allowed` });
	}
	for (const [index, line] of file.lines.entries()) {
		// The formatter breaks code, but neither texts nor patterns.
		const width = line.replaceAll("\t", "  ").length;
		const allowed = withoutComment(line) === "" ? MAX_COMMENT_LINE : MAX_LINE;
		if (!file.test && width > allowed && !/["'`]|\/[a-z]/.test(line)) {
			breaches.push({ rule: "line", where: `${file.path}:${index + 1}`, what: `${width} columns, ${allowed} allowed` });
		}
	}
	return [...breaches, ...longFunctions(file)];
}

/** Words that may stand before the name of a function or method. */
const MODIFIERS = "(?:export )?(?:(?:static |async |override |readonly |private |get |set )*(?:function\\*? )?";
const FUNCTION_HEAD = new RegExp(`^(\\t*)${MODIFIERS}[#*\\w]+(?:<.*>)?\\(|(?:const|readonly) \\w+ = (?:async )?\\()`);
const NOT_FUNCTION =
	/^\t*(?:if|for|while|switch|return|throw|catch|await|new|super|test|describe|it|void|expect|assert\w*)\b/;

/** Functions in formatted source end at the first line of their own indentation that closes a brace. */
function longFunctions(file: SourceFile): Breach[] {
	if (file.test) return [];
	const breaches: Breach[] = [];
	for (const [start, line] of file.lines.entries()) {
		const head = FUNCTION_HEAD.exec(line);
		if (head === null || NOT_FUNCTION.test(line) || !/[{(]$/.test(line)) continue;
		const closing = `${head[1]}}`;
		const end = file.lines.findIndex((each, index) => index > start && each.startsWith(closing));
		if (end > start && end - start + 1 > MAX_FUNCTION_LINES) {
			const what = `${end - start + 1} lines, ${MAX_FUNCTION_LINES} allowed: ${line.trim().slice(0, 60)}`;
			breaches.push({ rule: "function", where: `${file.path}:${start + 1}`, what });
		}
	}
	return breaches;
}

/** Imports go downwards, by a room's one door. */
export function floors(file: SourceFile): Breach[] {
	const own = FLOORS.findIndex((rooms) => rooms.includes(file.room));
	const breaches: Breach[] = [];
	for (const [index, line] of file.lines.entries()) {
		const where = `${file.path}:${index + 1}`;
		const match = /(?:from|import\() ?"@cairn\/([\w-]+)(\/[^"]*)?"/.exec(line);
		if (match !== null) {
			const floor = FLOORS.findIndex((rooms) => rooms.includes(match[1] ?? ""));
			const door = match[2] ?? "";
			if (floor === -1) breaches.push({ rule: "floors", where, what: `imports the unknown room ${match[1]}` });
			else if (floor >= own) breaches.push({ rule: "floors", where, what: `${file.room} may not import ${match[1]}` });
			if (door !== "" && door !== "/proto")
				breaches.push({ rule: "floors", where, what: `enters ${match[1]} by ${door}` });
		}
		const relative = /from "((?:\.\.\/)+[^"]*)"/.exec(line)?.[1];
		if (relative !== undefined && leavesRoom(file.path, relative)) {
			breaches.push({ rule: "floors", where, what: `reaches into another room: ${relative}` });
		}
	}
	return breaches;
}

function leavesRoom(path: string, relative: string): boolean {
	const ups = relative.split("/").filter((part) => part === "..").length;
	const inside = path.startsWith("packages/") ? path.split("/").length - 4 : path.split("/").length - 3;
	return ups > inside;
}

/** Every file is reached: an index, an entry named in a package.json, a test, or imported by another file. */
export function deadFiles(files: readonly SourceFile[], entries: ReadonlySet<string>): Breach[] {
	const imported = new Set<string>();
	for (const file of files) {
		const folder = file.path.split("/").slice(0, -1);
		for (const match of file.text.matchAll(/(?:from|import|import\(|new URL\()\s*"(\.[^"]*)"/g)) {
			imported.add(resolve(folder, match[1] ?? "").replace(/\.js$/, ".ts"));
		}
	}
	return files
		.filter((file) => !file.path.endsWith(".test.ts") && !imported.has(file.path) && !entries.has(file.path))
		.map((file) => ({ rule: "dead", where: file.path, what: "no file imports it" }));
}

function resolve(folder: readonly string[], target: string): string {
	const path = [...folder];
	for (const part of target.split("/")) {
		if (part === "..") path.pop();
		else if (part !== ".") path.push(part);
	}
	return path.join("/");
}
