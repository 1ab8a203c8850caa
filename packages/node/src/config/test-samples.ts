import { readFileSync } from "node:fs";

/** What the real `cometbft init` and `testnet` wrote. For tests only. */
export interface Sample {
	readonly name: string;
	readonly files: Readonly<Record<string, string>>;
	readonly show_node_id?: unknown;
	readonly show_validator?: string;
	readonly gen_validator?: string;
}

const path = new URL("../../../../vectors/config-samples.json", import.meta.url);

export const SAMPLES: readonly Sample[] = (JSON.parse(readFileSync(path, "utf8")) as { samples: Sample[] }).samples;

/** One file of a sample. */
export function sampleFile(sample: string, file: string): string {
	const found = SAMPLES.find((candidate) => candidate.name === sample)?.files[file];
	if (found === undefined) throw new Error(`no ${file} in sample ${sample}`);
	return found;
}
