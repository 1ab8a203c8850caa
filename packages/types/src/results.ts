import { type MerkleProof, merkleProofs, merkleRoot } from "@cairn/crypto";
import { invariant } from "@cairn/kit";
import { abci } from "./proto/index.ts";

/** The part of a transaction's result that all nodes must agree on. */
export type DeterministicResult = Pick<abci.ExecTxResult, "code" | "data" | "gasWanted" | "gasUsed">;

/** What the hash of results covers of one result: no log, info, events or codespace. */
export function deterministicResultBytes({ code, data, gasWanted, gasUsed }: DeterministicResult): Uint8Array {
	return abci.ExecTxResult.encode(abci.ExecTxResult.create({ code, data, gasWanted, gasUsed }));
}

const encodedLists = new WeakMap<readonly abci.ExecTxResult[], readonly Uint8Array[]>();

/** Each result as its message, encoded once per list: those of a block, which must not change. */
export function encodedTxResults(txResults: readonly abci.ExecTxResult[]): readonly Uint8Array[] {
	let encoded = encodedLists.get(txResults);
	if (encoded === undefined) {
		encoded = txResults.map((result) => abci.ExecTxResult.encode(result));
		encodedLists.set(txResults, encoded);
	}
	return encoded;
}

/** Merkle root over the results of a block's transactions (`LastResultsHash` of the next header). */
export function lastResultsHash(txResults: readonly DeterministicResult[]): Uint8Array {
	return merkleRoot(txResults.map(deterministicResultBytes));
}

/** That the result at `index` is under `lastResultsHash`. */
export function resultProof(txResults: readonly DeterministicResult[], index: number): MerkleProof {
	const proof = merkleProofs(txResults.map(deterministicResultBytes)).proofs[index];
	invariant(proof !== undefined, "no such result", { index, count: txResults.length });
	return proof;
}
