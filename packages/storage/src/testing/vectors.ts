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

const vectors = new URL("../../../../vectors/", import.meta.url);

export function readVector(name: string): Uint8Array {
	return new Uint8Array(readFileSync(new URL(name, vectors)));
}

// biome-ignore lint/suspicious/noExplicitAny: the shape of a vector file is what its tests say
export function loadVector(name: string): any {
	return JSON.parse(readFileSync(new URL(name, vectors), "utf8"));
}

export interface ChainBlock {
	readonly block: Block;
	/** The block as the chain's proposer encoded it. */
	readonly bytes: Uint8Array;
	readonly parts: PartSet;
	readonly seenCommit: Commit;
	readonly extendedCommit: ExtendedCommit | null;
	// biome-ignore lint/suspicious/noExplicitAny: the shape of a vector file is what its tests say
	readonly vector: any;
}

/** The blocks of a recorded chain with what a node had stored of them. */
export function loadChain(name: string): ChainBlock[] {
	const stream = readVector(`chain/${name}.blocks.bin`);
	const { heights } = loadVector(`chain/${name}.json`);
	const blocks: ChainBlock[] = [];
	let at = 0;
	for (const vector of heights) {
		const found = readDelimited(stream, at, stream.length);
		if (found === undefined) throw new Error(`${name} ends early`);
		at = found.next;
		const bytes = found.message.slice();
		blocks.push({
			block: decodeBlock(bytes),
			bytes,
			parts: PartSet.fromBytes(bytes),
			seenCommit: decodeCommit(fromHex(vector.seen_commit)),
			extendedCommit: vector.extended_commit ? decodeExtendedCommit(fromHex(vector.extended_commit)) : null,
			vector,
		});
	}
	return blocks;
}
