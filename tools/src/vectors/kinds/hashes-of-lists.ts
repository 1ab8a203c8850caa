import { type MerkleProof, merkleProofs, merkleRoot, validateMerkleProof, verifyMerkleProof } from "@cairn/crypto";
import {
	deterministicResultBytes,
	lastResultsHash,
	txHash,
	txProof,
	txProofFromProto,
	txProofToProto,
	txsHash,
	txsSize,
	validateTxProof,
} from "@cairn/types";
import { type abci, fromProtoJson, type Json, types } from "@cairn/types/proto";
import { hex, same, sameBytes, sameError, sameInteger } from "../expectation.ts";

export interface JsonProof {
	readonly total: string;
	readonly index: string;
	readonly leaf_hash: string;
	readonly aunts: readonly string[];
}

export function proofOf({ total, index, leaf_hash: leafHash, aunts }: JsonProof): MerkleProof {
	return { total: Number(total), index: Number(index), leafHash: hex(leafHash), aunts: aunts.map(hex) };
}

export interface MerkleCase {
	readonly items: readonly string[];
	readonly root: string;
	readonly root_HashFromByteSlices: string;
	/** Of some items only, where there are many. */
	readonly proofs: readonly JsonProof[];
}

export function checkMerkle(each: MerkleCase): void {
	const items = each.items.map(hex);
	sameBytes("root_HashFromByteSlices", merkleRoot(items), each.root_HashFromByteSlices);
	const { root, proofs } = merkleProofs(items);
	sameBytes("root", root, each.root);
	for (const proof of each.proofs.map(proofOf)) same(`proof ${proof.index}`, proofs[proof.index], proof);
	for (const [index, proof] of proofs.entries()) verifyMerkleProof(root, items[index] as Uint8Array, proof);
}

export interface MerkleProofCase {
	readonly root: string;
	readonly leaf: string;
	readonly proof: JsonProof;
	readonly validate_basic_error: string | null;
	readonly verify_error: string | null;
}

export function checkMerkleProof(each: MerkleProofCase): void {
	const proof = proofOf(each.proof);
	sameError("validate_basic_error", each.validate_basic_error, () => validateMerkleProof(proof));
	sameError("verify_error", each.verify_error, () => verifyMerkleProof(hex(each.root), hex(each.leaf), proof));
}

export interface DataCase {
	readonly txs: readonly string[];
	readonly tx_hashes: readonly string[];
	readonly hash: string;
	readonly proto: string;
	readonly proto_size_for_txs: string;
}

export function checkData(each: DataCase): void {
	const txs = each.txs.map(hex);
	same("tx_hashes", txs.map(txHash), each.tx_hashes.map(hex));
	sameBytes("hash", txsHash(txs), each.hash);
	sameBytes("proto", types.Data.encode({ txs }), each.proto);
	sameInteger("proto_size_for_txs", txsSize(txs), each.proto_size_for_txs);
}

export interface TxProofCase {
	readonly i: number;
	readonly txs: readonly string[];
	readonly json: Json;
	readonly proto: string;
	readonly validate_error: string | null;
}

export function checkTxProof(each: TxProofCase): void {
	const txs = each.txs.map(hex);
	const proof = txProof(txs, each.i);
	sameBytes("proto", types.TxProof.encode(txProofToProto(proof)), each.proto);
	const fromJson = fromProtoJson("tendermint.types.TxProof", each.json) as types.TxProof;
	sameBytes("json", types.TxProof.encode(fromJson), each.proto);
	const decoded = txProofFromProto(types.TxProof.decode(hex(each.proto)));
	sameError("validate_error", each.validate_error, () => validateTxProof(decoded, txsHash(txs)));
}

export interface ResultsCase {
	readonly tx_results: readonly JsonResult[];
	readonly deterministic_leaves: readonly string[];
	readonly last_results_hash: string;
	readonly sm_TxResultsHash: string;
}

interface JsonResult {
	readonly code: number;
	readonly data: string;
	readonly log: string;
	readonly info: string;
	readonly gas_wanted: string;
	readonly gas_used: string;
	readonly events: readonly Json[];
	readonly codespace: string;
}

function resultOf(json: JsonResult): abci.ExecTxResult {
	return {
		code: json.code,
		data: hex(json.data),
		log: json.log,
		info: json.info,
		gasWanted: BigInt(json.gas_wanted),
		gasUsed: BigInt(json.gas_used),
		events: json.events.map((event) => fromProtoJson("tendermint.abci.Event", event) as abci.Event),
		codespace: json.codespace,
	};
}

export function checkResults(each: ResultsCase): void {
	const results = each.tx_results.map(resultOf);
	same("deterministic_leaves", results.map(deterministicResultBytes), each.deterministic_leaves.map(hex));
	sameBytes("last_results_hash", lastResultsHash(results), each.last_results_hash);
	sameBytes("sm_TxResultsHash", lastResultsHash(results), each.sm_TxResultsHash);
}
