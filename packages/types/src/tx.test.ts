import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256, verifyMerkleProof } from "@cairn/crypto";
import fc from "fast-check";
import {
	lastResultsHash,
	resultProof,
	txHash,
	txHashes,
	txKey,
	txKeyOfHash,
	txProof,
	txsHash,
	txsSize,
	validateTxProof,
	validateTxsSize,
} from "./index.ts";
import { types as pb } from "./proto/index.ts";
import { deterministicResultBytes } from "./results.ts";
import { errorOf } from "./support.test.ts";

const txs = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 20 });

test("hash and key of a transaction stand for its bytes; those of a list are computed once", () => {
	const tx = Uint8Array.of(1, 2, 3);
	const list = [tx, Uint8Array.of(4)];
	assert.equal(txHashes(list), txHashes(list));
	assert.deepEqual(txHashes(list), list.map(txHash));
	assert.deepEqual(txHash(tx), sha256(tx));
	assert.equal(txKey(tx), txKeyOfHash(sha256(Uint8Array.of(1, 2, 3))));
	assert.notEqual(txKey(tx), txKey(Uint8Array.of(1, 2)));
	assert.equal(txKey(tx).length, 32);
});

test("the size of transactions is that of their message, and bounds it", () => {
	fc.assert(
		fc.property(txs, (list) => {
			const size = pb.Data.encode({ txs: list }).length;
			assert.equal(txsSize(list), size);
			validateTxsSize(list, size);
			assert.ok(errorOf(() => validateTxsSize(list, size - 1)));
		}),
	);
});

test("every transaction has a proof, which holds under the hash of all", () => {
	fc.assert(
		fc.property(txs, fc.nat(), (list, n) => {
			const proof = txProof(list, n % list.length);
			validateTxProof(proof, txsHash(list));
			const moved = { ...proof, proof: { ...proof.proof, index: list.length } };
			assert.ok(errorOf(() => validateTxProof(moved, txsHash(list))));
		}),
	);
	assert.throws(() => txProof([], 0));
});

test("every result has a proof under the hash of results", () => {
	const results = [1, 2, 3].map((code) => ({ code, data: Uint8Array.of(code), gasWanted: 1n, gasUsed: 0n }));
	for (const [i, result] of results.entries()) {
		verifyMerkleProof(lastResultsHash(results), deterministicResultBytes(result), resultProof(results, i));
	}
	assert.throws(() => resultProof(results, 3));
});
