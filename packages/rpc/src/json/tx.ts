import type { MerkleProof } from "@cairn/crypto";
import type { TxProof } from "@cairn/types";
import type { abci } from "@cairn/types/proto";
import { jsonTxResult } from "./abci.ts";
import { type Json, jsonBase64, jsonBytes, jsonHex, jsonInt64, jsonList } from "./text.ts";

/** One transaction with its place and result. @param proof null leaves it out */
export function jsonIndexedTx(hash: Uint8Array, tx: abci.TxResult, proof: TxProof | null): Json {
	return (
		`{"hash":${jsonHex(hash)},"height":${jsonInt64(tx.height)},"index":${tx.index},` +
		`"tx_result":${jsonTxResult(tx.result)},"tx":${jsonBytes(tx.tx)}` +
		`${proof === null ? "" : `,"proof":${jsonTxProof(proof)}`}}`
	);
}

function jsonTxProof({ rootHash, data, proof }: TxProof): Json {
	return `{"root_hash":${jsonHex(rootHash)},"data":${jsonBytes(data)},"proof":${jsonMerkleProof(proof)}}`;
}

function jsonMerkleProof({ total, index, leafHash, aunts }: MerkleProof): Json {
	return (
		`{"total":${jsonInt64(total)},"index":${jsonInt64(index)},"leaf_hash":${jsonBytes(leafHash)},` +
		`"aunts":${jsonList(aunts, jsonBase64)}}`
	);
}
