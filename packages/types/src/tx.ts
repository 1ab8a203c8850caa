import { type MerkleProof, merkleProofs, merkleRoot, sha256, verifyMerkleProof } from "@cairn/crypto";
import { bytesEqual, invariant, ValidationError } from "@cairn/kit";
import { latin1 } from "./latin1.ts";
import { proofFromProto, proofToProto } from "./part.ts";
import { type types as pb, uvarintLength } from "./proto/index.ts";

/** SHA-256 of a transaction. To remember it for each array would cost more than to compute it three times. */
export function txHash(tx: Uint8Array): Uint8Array {
	return sha256(tx);
}

const hashesOfLists = new WeakMap<readonly Uint8Array[], readonly Uint8Array[]>();

/** The hash of each transaction, computed once per list: those of a block, which must not change. */
export function txHashes(txs: readonly Uint8Array[]): readonly Uint8Array[] {
	let hashes = hashesOfLists.get(txs);
	if (hashes === undefined) {
		hashes = txs.map(txHash);
		hashesOfLists.set(txs, hashes);
	}
	return hashes;
}

declare const txKeyBrand: unique symbol;
/** The hash of a transaction as a text, one character per byte, for maps and sets. */
export type TxKey = string & { readonly [txKeyBrand]: true };

export function txKey(tx: Uint8Array): TxKey {
	return txKeyOfHash(txHash(tx));
}

/** As `txKey`, for a hash of 32 bytes. */
export function txKeyOfHash(hash: Uint8Array): TxKey {
	return latin1(hash) as TxKey;
}

const listHashes = new WeakMap<readonly Uint8Array[], Uint8Array>();

/** Merkle root over the hashes of transactions (`DataHash` of a header). */
export function txsHash(txs: readonly Uint8Array[]): Uint8Array {
	let hash = listHashes.get(txs);
	if (hash === undefined) {
		hash = merkleRoot(txHashes(txs));
		listHashes.set(txs, hash);
	}
	return hash;
}

/** Bytes that the transactions take in a block: each with tag and length (`ComputeProtoSizeForTxs`). */
export function txsSize(txs: readonly Uint8Array[]): number {
	let size = 0;
	for (const { length } of txs) size += 1 + uvarintLength(length) + length;
	return size;
}

/** @throws ValidationError when the transactions take more room than that (`Txs.Validate`) */
export function validateTxsSize(txs: readonly Uint8Array[], maxBytes: number): void {
	const size = txsSize(txs);
	if (size > maxBytes) throw new ValidationError("transactions exceed their room in the block", { size, maxBytes });
}

/** That a transaction is in a block whose header names `rootHash` as its data hash. */
export interface TxProof {
	readonly rootHash: Uint8Array;
	readonly data: Uint8Array;
	readonly proof: MerkleProof;
}

export function txProof(txs: readonly Uint8Array[], index: number): TxProof {
	const data = txs[index];
	const { root, proofs } = merkleProofs(txHashes(txs));
	const proof = proofs[index];
	invariant(data !== undefined && proof !== undefined, "no such transaction", { index, count: txs.length });
	return { rootHash: root, data, proof };
}

/** @throws ValidationError unless the proof shows its transaction under `dataHash` */
export function validateTxProof(proof: TxProof, dataHash: Uint8Array): void {
	if (!bytesEqual(proof.rootHash, dataHash)) throw new ValidationError("proof matches a different data hash");
	if (proof.proof.index < 0) throw new ValidationError("proof index cannot be negative");
	if (proof.proof.total <= 0) throw new ValidationError("proof total must be positive");
	verifyMerkleProof(proof.rootHash, txHash(proof.data), proof.proof);
}

export function txProofToProto({ rootHash, data, proof }: TxProof): pb.TxProof {
	return { rootHash, data, proof: proofToProto(proof) };
}

/** @throws DecodeError, ValidationError */
export function txProofFromProto({ rootHash, data, proof }: pb.TxProof): TxProof {
	if (proof === null) throw new ValidationError("transaction proof is missing");
	return { rootHash, data, proof: proofFromProto(proof) };
}
