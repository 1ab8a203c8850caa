// Shared by the tests of this package; holds no tests itself.
import { readFileSync } from "node:fs";
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

const folder = new URL("../../../../vectors/chain/", import.meta.url);

export type ChainName = "single" | "four" | "short";
export const CHAIN_NAMES: readonly ChainName[] = ["single", "four", "short"];

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

interface HeightVector {
	readonly seen_commit: string;
	readonly extended_commit?: string | null;
}

function readJson<T>(name: string): T {
	return JSON.parse(readFileSync(new URL(name, folder), "utf8")) as T;
}

export function recordedCalls(name: ChainName): readonly RecordedCall[] {
	return readJson<{ readonly calls: readonly RecordedCall[] }>(`${name}-rpc.json`).calls;
}

export function recordedFrames(name: ChainName): readonly RecordedFrame[] {
	return readJson<{ readonly frames: readonly RecordedFrame[] }>(`${name}-ws.json`).frames;
}

/** Genesis and blocks of a chain that CometBFT ran. */
export function recordedChain(name: ChainName): {
	readonly genesis: string;
	readonly blocks: readonly RecordedBlock[];
} {
	const chain = readJson<{ readonly genesis_json: string; readonly heights: readonly HeightVector[] }>(
		`chain-${name}.json`,
	);
	const stream = new Uint8Array(readFileSync(new URL(`chain-${name}.blocks.bin`, folder)));
	const blocks: RecordedBlock[] = [];
	let at = 0;
	for (const vector of chain.heights) {
		const found = readDelimited(stream, at, stream.length);
		if (found === undefined) throw new Error(`chain-${name} ends early`);
		at = found.next;
		const bytes = found.message.slice();
		const extended = vector.extended_commit ?? "";
		blocks.push({
			block: decodeBlock(bytes),
			parts: PartSet.fromBytes(bytes),
			seenCommit: decodeCommit(fromHex(vector.seen_commit)),
			extendedCommit: extended === "" ? null : decodeExtendedCommit(fromHex(extended)),
		});
	}
	return { genesis: chain.genesis_json, blocks };
}
