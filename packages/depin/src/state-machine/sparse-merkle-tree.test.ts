import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type ProofOp, sha256 } from "@cairn/crypto";
import { CairnError, concatBytes, fromHex, toHex, utf8 } from "@cairn/kit";
import fc from "fast-check";
import { verifyStateProof } from "../proof.ts";
import { smtProofOp } from "./ics23.ts";
import {
	EMPTY_HASH,
	EMPTY_TREE,
	findLeaf,
	proveKey,
	type Tree,
	type TreeChange,
	treeLeaves,
	treeRoot,
	updateTree,
} from "./sparse-merkle-tree.ts";

const change = (key: string, value: string | undefined): TreeChange => ({
	key: utf8(key),
	value: value === undefined ? undefined : utf8(value),
});

/** The root by its definition, from all pairs at once: slow, and nothing like the tree's way. */
function rootByDefinition(pairs: ReadonlyMap<string, string>): Uint8Array {
	const leaves = [...pairs].map(([key, value]) => {
		const path = sha256(utf8(key));
		const bits = [...path].map((byte) => byte.toString(2).padStart(8, "0")).join("");
		return { bits, hash: sha256(concatBytes(Uint8Array.of(0), path, sha256(utf8(value)))) };
	});
	const under = (prefix: string): Uint8Array => {
		const inside = leaves.filter(({ bits }) => bits.startsWith(prefix));
		if (inside.length === 0) return EMPTY_HASH;
		if (inside.length === 1) return inside[0]?.hash ?? EMPTY_HASH;
		return sha256(concatBytes(Uint8Array.of(1), under(`${prefix}0`), under(`${prefix}1`)));
	};
	return under("");
}

const keys = fc.nat(40).map((n) => `key/${n}`);
const batches = fc.array(
	fc.array(fc.tuple(keys, fc.option(fc.string({ maxLength: 5 }), { nil: undefined })), { maxLength: 12 }),
	{
		maxLength: 8,
	},
);

function applyAll(all: readonly (readonly (readonly [string, string | undefined])[])[]): {
	tree: Tree;
	pairs: Map<string, string>;
} {
	let tree: Tree = EMPTY_TREE;
	const pairs = new Map<string, string>();
	for (const batch of all) {
		tree = updateTree(
			tree,
			batch.map(([key, value]) => change(key, value)),
		);
		for (const [key, value] of batch) {
			if (value === undefined) pairs.delete(key);
			else pairs.set(key, value);
		}
	}
	return { tree, pairs };
}

test("after any batches of changes the root is that of the definition, whatever the way there", () => {
	fc.assert(
		fc.property(batches, (all) => {
			const { tree, pairs } = applyAll(all);
			assert.equal(toHex(treeRoot(tree)), toHex(rootByDefinition(pairs)));
			assert.equal([...treeLeaves(tree)].length, pairs.size);
			for (let n = 0; n <= 40; n++) {
				const leaf = findLeaf(tree, utf8(`key/${n}`));
				assert.equal(leaf === undefined ? undefined : Buffer.from(leaf.value).toString(), pairs.get(`key/${n}`));
			}
		}),
		{ numRuns: 300 },
	);
});

test("every key is provable: what is there, and what is not", () => {
	fc.assert(
		fc.property(batches, (all) => {
			const { tree, pairs } = applyAll(all);
			if (pairs.size === 0) return;
			for (let n = 0; n <= 40; n++) {
				const key = utf8(`key/${n}`);
				const op = smtProofOp(key, proveKey(tree, key));
				const value = pairs.get(`key/${n}`);
				verifyStateProof([op], treeRoot(tree), key, value === undefined ? undefined : utf8(value));
				// The opposite claim never holds.
				const opposite = value === undefined ? utf8("") : undefined;
				assert.throws(() => verifyStateProof([op], treeRoot(tree), key, opposite), CairnError);
			}
		}),
		{ numRuns: 60 },
	);
});

test("an old version stays as it was", () => {
	const first = updateTree(EMPTY_TREE, [change("a", "1"), change("b", "2")]);
	const root = toHex(treeRoot(first));
	const second = updateTree(first, [change("a", "3"), change("b", undefined), change("c", "4")]);
	assert.notEqual(toHex(treeRoot(second)), root);
	assert.equal(toHex(treeRoot(first)), root);
	assert.deepEqual(findLeaf(first, utf8("a"))?.value, utf8("1"));
	assert.equal(findLeaf(second, utf8("b")), undefined);
});

const big = updateTree(
	EMPTY_TREE,
	Array.from({ length: 200 }, (_, n) => change(`big/${n}`, `value ${n}`)),
);

function accepts(op: ProofOp, key: Uint8Array, value: Uint8Array | undefined): boolean {
	try {
		verifyStateProof([op], treeRoot(big), key, value);
		return true;
	} catch (cause) {
		assert.ok(cause instanceof CairnError, String(cause));
		assert.equal(cause.blame, "peer");
		return false;
	}
}

test("a proof with any bit flipped, or for another key or value, proves nothing", () => {
	fc.assert(
		fc.property(fc.nat(199), fc.nat(100_000), fc.boolean(), (n, flip, absent) => {
			const key = utf8(absent ? `missing/${n}` : `big/${n}`);
			const value = absent ? undefined : utf8(`value ${n}`);
			const op = smtProofOp(key, proveKey(big, key));
			assert.ok(accepts(op, key, value));
			const data = op.data.slice();
			const at = flip % data.length;
			data[at] = (data[at] ?? 0) ^ (1 << (flip % 8));
			// The key that an absence proof repeats is not part of what it proves.
			const repeated = absent ? toHex(op.data).indexOf(toHex(key)) / 2 : Number.POSITIVE_INFINITY;
			const isRepeated = at >= repeated && at < repeated + key.length;
			if (!isRepeated) assert.ok(!accepts({ ...op, data }, key, value), `byte ${at}`);
			const other = utf8(`big/${(n + 1) % 200}`);
			assert.ok(!accepts({ ...op, key: other }, other, value));
			if (!absent) assert.ok(!accepts(op, key, utf8(`value ${n}!`)));
		}),
		{ numRuns: 400 },
	);
});

test("neighbours that are not next to each other prove no absence", () => {
	const leaves = [...treeLeaves(big)];
	const [left, middle, right] = [leaves[10], leaves[11], leaves[12]];
	assert.ok(left !== undefined && middle !== undefined && right !== undefined);
	const prove = (key: Uint8Array) => {
		const proof = proveKey(big, key);
		assert.ok(proof.kind === "existence");
		return proof.proof;
	};
	const around = { kind: "absence", left: prove(left.key), right: prove(right.key) } as const;
	assert.ok(!accepts(smtProofOp(middle.key, around), middle.key, undefined));
	assert.ok(!accepts(smtProofOp(middle.key, { ...around, left: undefined }), middle.key, undefined));
	assert.ok(!accepts(smtProofOp(middle.key, { ...around, right: undefined }), middle.key, undefined));
	assert.ok(
		!accepts(smtProofOp(middle.key, { kind: "absence", left: undefined, right: undefined }), middle.key, undefined),
	);
});

interface Fixture<Case> {
	readonly cases: readonly Case[];
}

function fixture<Case>(name: string): readonly Case[] {
	const path = join(import.meta.dirname, "..", "..", "fixtures", name);
	return (JSON.parse(readFileSync(path, "utf8")) as Fixture<Case>).cases;
}

test("the proofs of the ICS-23 repository for sparse Merkle trees hold, and with changes do not", () => {
	const cases = fixture<{ name: string; key: string; proof: string; root: string; value: string }>("ics23-smt.json");
	assert.equal(cases.length, 6);
	for (const { name, key, proof, root, value } of cases) {
		const op = { type: "ics23:smt", key: fromHex(key), data: fromHex(proof) };
		const claimed = value === "" ? undefined : fromHex(value);
		verifyStateProof([op], fromHex(root), op.key, claimed);
		assert.throws(() => verifyStateProof([op], sha256(fromHex(root)), op.key, claimed), CairnError, name);
	}
});

test("verdicts are those of the reference library in Go, and proofs of the same tree the same bytes", () => {
	interface Case {
		readonly n: number;
		readonly root: string;
		readonly key: string;
		readonly value: string | null;
		readonly proof: string;
		readonly tampered: boolean;
		readonly accepted: boolean;
	}
	const cases = fixture<Case>("ics23-verdicts.json");
	assert.ok(cases.some(({ accepted }) => accepted) && cases.some(({ accepted }) => !accepted));
	for (const { n, root, key, value, proof, tampered, accepted } of cases) {
		const all = Array.from({ length: n }, (_, i) => change(`k${n}/${i}`, `v${i}`));
		const tree = updateTree(EMPTY_TREE, all);
		assert.equal(toHex(treeRoot(tree)), root);
		const op = { type: "ics23:smt", key: fromHex(key), data: fromHex(proof) };
		if (!tampered) assert.equal(toHex(smtProofOp(op.key, proveKey(tree, op.key)).data), proof);
		let verdict = true;
		try {
			verifyStateProof([op], fromHex(root), op.key, value === null ? undefined : fromHex(value));
		} catch {
			verdict = false;
		}
		assert.equal(verdict, accepted, `n = ${n}`);
	}
});
