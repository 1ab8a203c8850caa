import { join, resolve } from "node:path";
import { type Environment, lookup } from "./environment.ts";

/** The home folder and where it was chosen. */
export interface Home {
	/** Absolute. */
	readonly path: string;
	/** `--home`, the variable, or `default`. */
	readonly chosenBy: string;
}

/**
 * Chooses the home folder: `--home`, `CAIRN_HOME`, `CMTHOME` / `CMT_HOME`, the old `TMHOME`, then `.cairn` in the
 * user's folder.
 */
export function chooseHome(flag: string | undefined, environment: Environment, userFolder: string): Home {
	if (flag !== undefined) return { path: resolve(flag), chosenBy: "--home" };
	const found = lookup(environment, "HOME");
	if (found !== undefined) return { path: resolve(found.value), chosenBy: found.variable };
	const old = environment.TMHOME;
	if (old !== undefined && old !== "") return { path: resolve(old), chosenBy: "TMHOME" };
	return { path: join(userFolder, ".cairn"), chosenBy: "default" };
}
