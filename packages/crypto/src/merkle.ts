import { bytesEqual, concatBytes, toUpperHex, ValidationError } from "@cairn/kit";
import { SHA256_SIZE, sha256 } from "./hash.ts";

/** More aunts than any tree can need (2^100 leaves): longer proofs are refused. crypto/merkle/proof.go */
export const MAX_AUNTS = 100;

/**
 * That one leaf is in a tree of `total` leaves (RFC 6962, as crypto/merkle/proof.go). On the wire `total` and `index`
 * are int64; decoders refuse what is not a safe integer.
 */
export interface MerkleProof {
	readonly total: number;
	readonly index: number;
	readonly leafHash: Uint8Array;
	/** Siblings from the leaf up to a child of the root. */
	readonly aunts: readonly Uint8Array[];
}

const LEAF_PREFIX = Uint8Array.of(0);

/** SHA-256(0x00 ‖ leaf): what a proof calls `leafHash`. */
export function merkleLeafHash(leaf: Uint8Array): Uint8Array {
	return sha256(concatBytes(LEAF_PREFIX, leaf));
}

/** 0x01 and the two halves of the hash being made; synchronous use only. */
const innerNode = new Uint8Array(1 + 2 * SHA256_SIZE);
innerNode[0] = 1;

function innerHash(left: Uint8Array, right: Uint8Array): Uint8Array {
	// Proofs from outside are checked for these sizes; Go would hash whatever comes, to no one's use.
	if (left.length !== SHA256_SIZE || right.length !== SHA256_SIZE) {
		throw new ValidationError("Merkle proof: a hash has a wrong size");
	}
	innerNode.set(left, 1);
	innerNode.set(right, 1 + SHA256_SIZE);
	return sha256(innerNode);
}

/** Hashes neighbours in pairs; a node without a neighbour moves up as it is. */
function parents(level: readonly Uint8Array[]): Uint8Array[] {
	const above: Uint8Array[] = [];
	for (let i = 0; i < level.length; i += 2) {
		const left = level[i] as Uint8Array;
		const right = level[i + 1];
		above.push(right === undefined ? left : innerHash(left, right));
	}
	return above;
}

/** Root of the RFC 6962 tree over the leaves in this order; SHA-256 of nothing where there are none. */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
	if (leaves.length === 0) return sha256(new Uint8Array(0));
	let level: Uint8Array[] = leaves.map(merkleLeafHash);
	while (level.length > 1) level = parents(level);
	return level[0] as Uint8Array;
}

/** Root and the proof of every leaf, in the order of the leaves. */
export function merkleProofs(leaves: readonly Uint8Array[]): { root: Uint8Array; proofs: MerkleProof[] } {
	if (leaves.length === 0) return { root: merkleRoot(leaves), proofs: [] };
	const levels: Uint8Array[][] = [leaves.map(merkleLeafHash)];
	let top = levels[0] as Uint8Array[];
	while (top.length > 1) {
		top = parents(top);
		levels.push(top);
	}
	const proofs = leaves.map((_, index) => {
		const aunts: Uint8Array[] = [];
		let position = index;
		for (const level of levels) {
			const sibling = level[position % 2 === 0 ? position + 1 : position - 1];
			if (sibling !== undefined) aunts.push(sibling);
			position = Math.floor(position / 2);
		}
		return { total: leaves.length, index, leafHash: levels[0]?.[index] as Uint8Array, aunts };
	});
	return { root: top[0] as Uint8Array, proofs };
}

/** Structure and bounds, as Go's `Proof.ValidateBasic`. @throws ValidationError */
export function validateMerkleProof(proof: MerkleProof): void {
	if (!Number.isSafeInteger(proof.total) || proof.total < 0) throw new ValidationError("Merkle proof: negative total");
	if (!Number.isSafeInteger(proof.index) || proof.index < 0) throw new ValidationError("Merkle proof: negative index");
	if (proof.leafHash.length !== SHA256_SIZE) {
		throw new ValidationError(`Merkle proof: leaf hash of ${proof.leafHash.length} bytes, expected ${SHA256_SIZE}`);
	}
	if (proof.aunts.length > MAX_AUNTS) {
		throw new ValidationError(`Merkle proof: ${proof.aunts.length} aunts, at most ${MAX_AUNTS}`);
	}
	for (const [i, aunt] of proof.aunts.entries()) {
		if (aunt.length !== SHA256_SIZE) {
			throw new ValidationError(`Merkle proof: aunt ${i} of ${aunt.length} bytes, expected ${SHA256_SIZE}`);
		}
	}
}

/**
 * The root that a proof leads to from its own leaf hash. @throws ValidationError if index, total and aunts do not
 * fit.
 */
export function merkleProofRoot(proof: MerkleProof): Uint8Array {
	const { total, index, aunts } = proof;
	if (!Number.isSafeInteger(total) || !Number.isSafeInteger(index) || index < 0 || index >= total) {
		throw new ValidationError(`Merkle proof: invalid index ${index} or total ${total}`);
	}
	let hash = proof.leafHash;
	let used = 0;
	let position = index;
	for (let width = total; width > 1; width = Math.ceil(width / 2)) {
		const isRight = position % 2 === 1;
		if (isRight || position + 1 < width) {
			const aunt = aunts[used++];
			if (aunt === undefined) throw new ValidationError("Merkle proof: an aunt is missing");
			hash = isRight ? innerHash(aunt, hash) : innerHash(hash, aunt);
		}
		position = Math.floor(position / 2);
	}
	if (used !== aunts.length) throw new ValidationError("Merkle proof: too many aunts");
	return hash;
}

/**
 * Returns if the proof shows `leaf` to be under `root`; check `index` and `total` yourself where they matter.
 * @throws ValidationError
 */
export function verifyMerkleProof(root: Uint8Array, leaf: Uint8Array, proof: MerkleProof): void {
	const leafHash = merkleLeafHash(leaf);
	if (!bytesEqual(leafHash, proof.leafHash)) {
		throw new ValidationError(`Merkle proof: is for leaf ${toUpperHex(proof.leafHash)}, not ${toUpperHex(leafHash)}`);
	}
	const computed = merkleProofRoot(proof);
	if (!bytesEqual(computed, root)) {
		throw new ValidationError(`Merkle proof: leads to ${toUpperHex(computed)}, not to ${toUpperHex(root)}`);
	}
}
