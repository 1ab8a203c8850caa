import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";

/** Root of the checkout, seen from the built tool. */
export const ROOT: string = join(import.meta.dirname, "..", "..", "..");

export interface SourceFile {
	/** Path from the root, with forward slashes. */
	readonly path: string;
	readonly lines: readonly string[];
	readonly text: string;
	/** Room the file belongs to: `types`, `node`, … or `tools`, `e2e`, `bench`. */
	readonly room: string;
	/** A test or something only tests use. */
	readonly test: boolean;
	readonly generated: boolean;
}

function walk(folder: string, found: string[]): void {
	for (const name of readdirSync(folder)) {
		if (name === "node_modules" || name === "dist" || name.startsWith(".")) continue;
		const path = join(folder, name);
		if (statSync(path).isDirectory()) walk(path, found);
		else if (path.endsWith(".ts") && !path.endsWith(".d.ts")) found.push(path);
	}
}

/** Every TypeScript source of the project. */
export function sourceFiles(root: string = ROOT): SourceFile[] {
	const found: string[] = [];
	for (const top of ["packages", "tools", "e2e", "bench"]) walk(join(root, top), found);
	return found.sort().map((absolute) => {
		const path = relative(root, absolute).replaceAll("\\", "/");
		const text = readFileSync(absolute, "utf8");
		const [top, second] = path.split("/");
		return {
			path,
			text,
			lines: text.split("\n"),
			room: top === "packages" ? (second ?? "") : (top ?? ""),
			test: /\.test\.ts$|\/testing\/|\/suites\/|\/(test|crash)-[a-z-]+\.ts$/.test(path),
			generated: path.includes("/generated/"),
		};
	});
}
