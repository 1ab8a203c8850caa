import { publicKeyOf, publicKeyToJson } from "@cairn/crypto";
import { fromUtf8, utf8 } from "@cairn/kit";
import { nodeKeyToJson, parseNodeKey } from "@cairn/network";
import { renderConfig, resolveConfig } from "@cairn/node";
import { EMPTY_GUARD, formatKeyFile, formatStateFile, parseKeyFile, parseStateFile } from "@cairn/signer";
import { COMETBFT_VERSION, genesisToJson, parseGenesis } from "@cairn/types";
import { type Checker, fail } from "../checker.ts";
import { same } from "../expectation.ts";

interface Sample {
	readonly name: string;
	/** Text by path; below a folder for each node where there are several. */
	readonly files: Readonly<Record<string, string>>;
	readonly show_node_id?: string | Readonly<Record<string, string>>;
	readonly show_validator?: string;
	readonly gen_validator?: string;
	readonly version?: string;
}

/** What init and testnet choose for the node at hand. */
const CHOSEN: ReadonlySet<string> = new Set([
	"moniker",
	"p2p.persistent_peers",
	"p2p.addr_book_strict",
	"p2p.allow_duplicate_ip",
]);

/** Values of a config.toml, all of which must be known. */
function configValues(path: string, text: string): ReadonlyMap<string, unknown> {
	const sources = {
		home: "/home",
		file: { path, text },
		environment: {},
		flags: new Map<string, string>(),
		hostname: "host",
	};
	const { values, warnings } = resolveConfig(sources);
	same("warnings", warnings, []);
	return values;
}

function checkConfig(path: string, text: string): void {
	const values = configValues(path, text);
	const defaults = configValues(path, "");
	const changed = [...values].filter(([key, value]) => JSON.stringify(defaults.get(key)) !== JSON.stringify(value));
	const unexpected = changed.map(([key]) => key).filter((key) => !CHOSEN.has(key));
	same("keys that differ from our defaults", unexpected, []);
	const again = configValues(path, renderConfig(values as Parameters<typeof renderConfig>[0]));
	same("values written and read again", [...again], [...values]);
}

/** The real init writes the initial height 0, which reading completes to 1. */
function genesisWritten(text: string): string {
	const doc = parseGenesis(text);
	const { initial_height: written }: { readonly initial_height: string } = JSON.parse(text);
	same("initial_height", doc.initialHeight, Math.max(1, Number(written)));
	return genesisToJson({ ...doc, initialHeight: Number(written) });
}

/** What we write of a file of the real node after reading it. */
function writtenBack(path: string, text: string): string {
	switch (path.split("/").at(-1)) {
		case "genesis.json":
			return genesisWritten(text);
		case "node_key.json":
			return nodeKeyToJson(parseNodeKey(text, path));
		case "priv_validator_key.json":
			return fromUtf8(formatKeyFile(parseKeyFile(utf8(text), path)));
		case "priv_validator_state.json":
			return fromUtf8(formatStateFile(parseStateFile(utf8(text), path)));
		default:
			fail("unknown file");
	}
}

function checkFile(path: string, text: string): void {
	if (path.endsWith("config.toml")) checkConfig(path, text);
	else same("written back", writtenBack(path, text), text);
}

function fileOf(sample: Sample, path: string): string {
	return sample.files[path] ?? fail(`no file ${path}`);
}

function checkOutputs(sample: Sample): void {
	const ids = typeof sample.show_node_id === "string" ? { "": sample.show_node_id } : (sample.show_node_id ?? {});
	for (const [folder, id] of Object.entries(ids)) {
		const path = `${folder === "" ? "" : `${folder}/`}config/node_key.json`;
		same(`show_node_id ${folder}`, parseNodeKey(fileOf(sample, path), path).id, id);
	}
	if (sample.show_validator !== undefined) {
		const path = "config/priv_validator_key.json";
		const key = publicKeyOf(parseKeyFile(utf8(fileOf(sample, path)), path));
		same("show_validator", JSON.stringify(publicKeyToJson(key)), sample.show_validator);
	}
	if (sample.gen_validator !== undefined) {
		const { Key: content }: { readonly Key: unknown } = JSON.parse(sample.gen_validator);
		const key = parseKeyFile(utf8(JSON.stringify(content)), "gen_validator");
		const parse = (bytes: Uint8Array): unknown => JSON.parse(fromUtf8(bytes));
		const ours = { Key: parse(formatKeyFile(key)), LastSignState: parse(formatStateFile(EMPTY_GUARD)) };
		same("gen_validator", `${JSON.stringify(ours)}\n`, sample.gen_validator);
	}
	if (sample.version !== undefined) same("version", COMETBFT_VERSION, sample.version);
}

export const checkConfigSamples: Checker = async (file, tally) => {
	const { samples } = file.content as { samples: readonly Sample[] };
	for (const sample of samples) {
		for (const [path, text] of Object.entries(sample.files))
			await tally.check(`${sample.name}: ${path}`, () => checkFile(path, text));
		await tally.check(`${sample.name}: output of commands`, () => checkOutputs(sample));
	}
};
