import assert from "node:assert/strict";
import { test } from "node:test";
import { CairnError, toHex } from "@cairn/kit";
import fc from "fast-check";
import {
	MAX_AUNTS,
	type MerkleProof,
	merkleProofs,
	merkleRoot,
	validateMerkleProof,
	verifyMerkleProof,
} from "./merkle.ts";
import { hex, readVectors } from "./test-vector.ts";

interface ProofVector {
	total: string;
	index: string;
	leaf_hash: string;
	aunts: string[];
}

interface HashVectors {
	merkle: { items: string[]; root: string; proofs: ProofVector[] }[];
	merkle_verify: {
		name: string;
		leaf: string;
		root: string;
		proof: ProofVector;
		validate_basic_error: string | null;
		verify_error: string | null;
	}[];
}

const vectors = readVectors<HashVectors>("hashes.json");

function proofOf(vector: ProofVector): MerkleProof {
	return {
		total: Number(vector.total),
		index: Number(vector.index),
		leafHash: hex(vector.leaf_hash),
		aunts: vector.aunts.map(hex),
	};
}

function accepts(check: () => void): boolean {
	try {
		check();
		return true;
	} catch (error) {
		assert.ok(error instanceof CairnError);
		return false;
	}
}

test("roots and proofs are CometBFT's", () => {
	assert.ok(vectors.merkle.length > 0);
	for (const { items, root, proofs } of vectors.merkle) {
		const leaves = items.map(hex);
		assert.equal(toHex(merkleRoot(leaves)), root);
		const made = merkleProofs(leaves);
		assert.equal(toHex(made.root), root);
		assert.equal(made.proofs.length, leaves.length);
		// Larger trees come with a choice of their proofs.
		assert.ok(proofs.length > 0 || leaves.length === 0);
		for (const proof of proofs) assert.deepEqual(made.proofs[Number(proof.index)], proofOf(proof));
	}
});

test("valid and broken proofs get CometBFT's verdicts", () => {
	assert.ok(vectors.merkle_verify.length > 0);
	for (const { name, leaf, root, proof, validate_basic_error, verify_error } of vectors.merkle_verify) {
		const candidate = proofOf(proof);
		assert.equal(
			accepts(() => validateMerkleProof(candidate)),
			validate_basic_error === null,
			`${name}: validate`,
		);
		assert.equal(
			accepts(() => verifyMerkleProof(hex(root), hex(leaf), candidate)),
			verify_error === null,
			`${name}: verify`,
		);
	}
});

test("too many aunts are refused", () => {
	const aunts = Array.from({ length: MAX_AUNTS + 1 }, () => new Uint8Array(32));
	assert.throws(() => validateMerkleProof({ total: 1, index: 0, leafHash: new Uint8Array(32), aunts }), /at most 100/);
});

test("an absurd total ends quickly", () => {
	const proof = { total: Number.MAX_SAFE_INTEGER, index: 1, leafHash: merkleProofs([hex("00")]).root, aunts: [] };
	assert.throws(() => verifyMerkleProof(new Uint8Array(32), hex("00"), proof), CairnError);
	assert.throws(() => verifyMerkleProof(new Uint8Array(32), hex("00"), { ...proof, total: Number.NaN }), CairnError);
});

test("every proof holds for its own leaf and for nothing else", () => {
	const leaves = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 40 });
	fc.assert(
		fc.property(leaves, fc.nat(), fc.uint8Array({ maxLength: 40 }), fc.nat(), (items, pick, other, flip) => {
			const { root, proofs } = merkleProofs(items);
			const index = pick % items.length;
			const leaf = items[index] as Uint8Array;
			const proof = proofs[index] as MerkleProof;
			verifyMerkleProof(root, leaf, proof);
			if (toHex(other) !== toHex(leaf)) assert.throws(() => verifyMerkleProof(root, other, proof), CairnError);
			const wrongRoot = root.slice();
			wrongRoot[flip % 32] = (wrongRoot[flip % 32] as number) ^ 1;
			assert.throws(() => verifyMerkleProof(wrongRoot, leaf, proof), CairnError);
			assert.throws(() => verifyMerkleProof(root, leaf, { ...proof, aunts: [...proof.aunts, root] }), CairnError);
			assert.throws(() => verifyMerkleProof(root, leaf, { ...proof, index: items.length }), CairnError);
		}),
	);
});
