import { join } from "node:path";
import { CairnError, type Disk, messageOf } from "@cairn/kit";
import type { Environment } from "./environment.ts";
import { configFileOf } from "./paths.ts";
import { type ConfigFile, type ResolvedConfig, resolveConfig } from "./resolve.ts";

export interface LoadOptions {
	readonly home: string;
	readonly environment: Environment;
	readonly flags: ReadonlyMap<string, string>;
	readonly hostname: string;
}

/**
 * The file that a home folder's configuration is read from; CometBFT also looks for config.toml in the home folder
 * itself, first.
 */
export async function readConfigFile(disk: Disk, home: string): Promise<ConfigFile | undefined> {
	for (const path of [join(home, "config.toml"), configFileOf(home)]) {
		const text = await readText(disk, path);
		if (text !== undefined) return { path, text };
	}
	return undefined;
}

/**
 * Reads the configuration of a home folder; without a file all is default. @throws ConfigError, CairnError
 * `file-unreadable`
 */
export async function loadConfig(disk: Disk, options: LoadOptions): Promise<ResolvedConfig> {
	const file = await readConfigFile(disk, options.home);
	return resolveConfig(file === undefined ? options : { ...options, file });
}

/** A whole file as text, or undefined where there is none. @throws CairnError `file-unreadable` */
export async function readText(disk: Disk, path: string): Promise<string | undefined> {
	let bytes: Uint8Array | undefined;
	try {
		bytes = await disk.read(path);
	} catch (error) {
		throw new CairnError(
			"file-unreadable",
			"operator",
			`cannot read ${path}: ${messageOf(error)}; check its owner and mode`,
			{
				path,
			},
		);
	}
	if (bytes === undefined) return undefined;
	try {
		return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
	} catch {
		throw new CairnError("file-unreadable", "operator", `${path} is not UTF-8 text; restore it or write it anew`, {
			path,
		});
	}
}
