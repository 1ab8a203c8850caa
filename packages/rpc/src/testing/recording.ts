// Reads recordings of real networks; holds no tests itself.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromHex } from "@cairn/kit";
import {
	type Block,
	type Commit,
	decodeBlock,
	decodeCommit,
	decodeExtendedCommit,
	type ExtendedCommit,
	PartSet,
} from "@cairn/types";
import { readDelimited } from "@cairn/types/proto";

/** One request to the real node, and its answer. */
export interface RecordedCall {
	readonly label: string;
	readonly http_method: string;
	readonly path: string;
	readonly request_body: string | null;
	readonly status: number;
	readonly content_type: string | null;
	readonly cache_control: string | null;
	readonly body: string;
}

/** One WebSocket message. */
export interface RecordedFrame {
	readonly dir: "client" | "server";
	readonly text: string;
}

export interface RecordedBlock {
	readonly block: Block;
	readonly parts: PartSet;
	readonly seenCommit: Commit;
	readonly extendedCommit: ExtendedCommit | null;
}

/** A network that CometBFT ran, as its node 0 saw it. */
export interface Recording {
	/** The genesis file. */
	readonly genesis: string;
	readonly blocks: readonly RecordedBlock[];
	readonly calls: readonly RecordedCall[];
	readonly frames: readonly RecordedFrame[];
}

interface HeightVector {
	readonly seen_commit: string;
	readonly extended_commit?: string | null;
}

/** @param folder of the vector files `chain-<name>.json`, `<name>-rpc.json` and so on */
export function readRecording(folder: string, name: string): Recording {
	const read = <T>(file: string): T => JSON.parse(readFileSync(join(folder, file), "utf8")) as T;
	const { genesis_json: genesis, heights } = read<{ genesis_json: string; heights: HeightVector[] }>(
		`chain-${name}.json`,
	);
	const stream = new Uint8Array(readFileSync(join(folder, `chain-${name}.blocks.bin`)));
	const blocks: RecordedBlock[] = [];
	let at = 0;
	for (const vector of heights) {
		const found = readDelimited(stream, at, stream.length);
		if (found === undefined) throw new Error(`chain-${name} ends early`);
		at = found.next;
		blocks.push(recordedBlock(found.message.slice(), vector));
	}
	const { calls } = read<{ calls: RecordedCall[] }>(`${name}-rpc.json`);
	const { frames } = read<{ frames: RecordedFrame[] }>(`${name}-ws.json`);
	return { genesis, blocks, calls, frames };
}

function recordedBlock(bytes: Uint8Array, { seen_commit, extended_commit }: HeightVector): RecordedBlock {
	const isExtended = extended_commit !== undefined && extended_commit !== null && extended_commit !== "";
	return {
		block: decodeBlock(bytes),
		parts: PartSet.fromBytes(bytes),
		seenCommit: decodeCommit(fromHex(seen_commit)),
		extendedCommit: isExtended ? decodeExtendedCommit(fromHex(extended_commit)) : null,
	};
}
