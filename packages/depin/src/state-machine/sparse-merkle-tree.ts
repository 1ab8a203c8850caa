import { sha256 } from "@cairn/crypto";
import { bytesEqual, compareBytes, concatBytes } from "@cairn/kit";

const HASH_SIZE = 32;
const LEAF_PREFIX = 0;
const INNER_PREFIX = 1;

/** Hash of a subtree without leaves, and of the empty tree. */
export const EMPTY_HASH: Uint8Array = new Uint8Array(HASH_SIZE);

/** A key with its value. */
export interface Leaf {
	readonly kind: "leaf";
	readonly hash: Uint8Array;
	/** SHA-256 of the key: the path to this leaf. */
	readonly path: Uint8Array;
	readonly key: Uint8Array;
	readonly value: Uint8Array;
}

interface Inner {
	readonly kind: "inner";
	readonly hash: Uint8Array;
	readonly left: Node;
	readonly right: Node;
}

type Node = Leaf | Inner | undefined;

/** One version of the tree. Never changed: an update makes a new one that shares what stayed the same. */
export type Tree = Node;

export const EMPTY_TREE: Tree = undefined;

/** A value to set; undefined removes the key. */
export interface TreeChange {
	readonly key: Uint8Array;
	readonly value: Uint8Array | undefined;
}

interface PlannedChange {
	readonly path: Uint8Array;
	readonly leaf: Leaf | undefined;
}

/**
 * A compact sparse Merkle tree over SHA-256 of the keys, as the ICS-23 specification `SmtSpec` has it: a subtree with one
 * leaf is that leaf, leaf = H(0 ‖ H(key) ‖ H(value)), inner = H(1 ‖ left ‖ right), empty = 32 zero bytes. The root
 * depends on the contents alone, not on their history. A block of k changes costs about k·log2(n/k) hashes above the
 * changed leaves.
 */
export function treeRoot(tree: Tree): Uint8Array {
	return tree === undefined ? EMPTY_HASH : tree.hash;
}

const leafBytes = new Uint8Array(1 + 2 * HASH_SIZE);
const innerBytes = new Uint8Array(1 + 2 * HASH_SIZE);
leafBytes[0] = LEAF_PREFIX;
innerBytes[0] = INNER_PREFIX;

function makeLeaf(path: Uint8Array, key: Uint8Array, value: Uint8Array): Leaf {
	leafBytes.set(path, 1);
	leafBytes.set(sha256(value), 1 + HASH_SIZE);
	return { kind: "leaf", hash: sha256(leafBytes), path, key, value };
}

/** Joins two subtrees; one leaf alone moves up. */
function join(left: Node, right: Node): Node {
	if (left === undefined && right?.kind !== "inner") return right;
	if (right === undefined && left?.kind !== "inner") return left;
	innerBytes.set(treeRoot(left), 1);
	innerBytes.set(treeRoot(right), 1 + HASH_SIZE);
	return { kind: "inner", hash: sha256(innerBytes), left, right };
}

function bitAt(path: Uint8Array, depth: number): number {
	return ((path[depth >> 3] as number) >> (7 - (depth & 7))) & 1;
}

/** First index in [from, to) whose path has a one at this depth; they are sorted and equal above it. */
function splitAt(changes: readonly PlannedChange[], from: number, to: number, depth: number): number {
	let low = from;
	let high = to;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (bitAt((changes[middle] as PlannedChange).path, depth) === 1) high = middle;
		else low = middle + 1;
	}
	return low;
}

/** The tree with all changes made; of two changes to one key the later counts. */
export function updateTree(tree: Tree, changes: readonly TreeChange[]): Tree {
	const planned = changes.map(({ key, value }): PlannedChange => {
		const path = sha256(key);
		return { path, leaf: value === undefined ? undefined : makeLeaf(path, key, value) };
	});
	planned.sort((a, b) => compareBytes(a.path, b.path));
	const last = planned.filter((change, i) => {
		const next = planned[i + 1];
		return next === undefined || !bytesEqual(change.path, next.path);
	});
	return apply(tree, last, 0, last.length, 0);
}

function apply(node: Node, changes: readonly PlannedChange[], from: number, to: number, depth: number): Node {
	if (from === to) return node;
	if (node?.kind === "inner") {
		const split = splitAt(changes, from, to, depth);
		const left = apply(node.left, changes, from, split, depth + 1);
		const right = apply(node.right, changes, split, to, depth + 1);
		return left === node.left && right === node.right ? node : join(left, right);
	}
	const leaves: Leaf[] = [];
	let kept = node;
	for (let i = from; i < to; i++) {
		const { path, leaf } = changes[i] as PlannedChange;
		const order = kept === undefined ? 1 : compareBytes(kept.path, path);
		if (kept !== undefined && order < 0) leaves.push(kept);
		if (order <= 0) kept = undefined;
		if (leaf !== undefined) leaves.push(leaf);
	}
	if (kept !== undefined) leaves.push(kept);
	return build(leaves, 0, leaves.length, depth);
}

function build(leaves: readonly Leaf[], from: number, to: number, depth: number): Node {
	if (from === to) return undefined;
	if (to - from === 1) return leaves[from];
	let split = from;
	while (split < to && bitAt((leaves[split] as Leaf).path, depth) === 0) split++;
	return join(build(leaves, from, split, depth + 1), build(leaves, split, to, depth + 1));
}

/** The leaf of a key. */
export function findLeaf(tree: Tree, key: Uint8Array): Leaf | undefined {
	const path = sha256(key);
	let node = tree;
	for (let depth = 0; node?.kind === "inner"; depth++) node = bitAt(path, depth) === 0 ? node.left : node.right;
	return node !== undefined && bytesEqual(node.path, path) ? node : undefined;
}

/** Every leaf, in the order of their paths. */
export function* treeLeaves(tree: Tree): Generator<Leaf> {
	if (tree === undefined) return;
	if (tree.kind === "leaf") {
		yield tree;
		return;
	}
	yield* treeLeaves(tree.left);
	yield* treeLeaves(tree.right);
}

/** One step of a proof: the hash goes between prefix and suffix. */
export interface ProofStep {
	readonly prefix: Uint8Array;
	readonly suffix: Uint8Array;
}

/** That a leaf is in the tree: its key, its value, and the steps from it up to the root. */
export interface LeafProof {
	readonly key: Uint8Array;
	readonly value: Uint8Array;
	readonly steps: readonly ProofStep[];
}

/** What the tree holds for a key: its leaf, or the two nearest leaves that show that it has none. */
export type TreeProof =
	| { readonly kind: "existence"; readonly proof: LeafProof }
	| { readonly kind: "absence"; readonly left: LeafProof | undefined; readonly right: LeafProof | undefined };

/** Proves what the tree holds for a key. An empty tree proves nothing: both neighbours are missing. */
export function proveKey(tree: Tree, key: Uint8Array): TreeProof {
	const path = sha256(key);
	const way = descend(tree, path);
	const end = way.end;
	if (end !== undefined && bytesEqual(end.path, path)) return { kind: "existence", proof: leafProof(end, way.taken) };
	const isBefore = end !== undefined && compareBytes(end.path, path) < 0;
	const isAfter = end !== undefined && !isBefore;
	return {
		kind: "absence",
		left: isBefore ? leafProof(end, way.taken) : neighbour(way.taken, 0),
		right: isAfter ? leafProof(end, way.taken) : neighbour(way.taken, 1),
	};
}

interface Turn {
	readonly node: Inner;
	readonly side: number;
}

function descend(tree: Tree, path: Uint8Array): { end: Leaf | undefined; taken: Turn[] } {
	const taken: Turn[] = [];
	let node = tree;
	while (node?.kind === "inner") {
		const side = bitAt(path, taken.length);
		taken.push({ node, side });
		node = side === 0 ? node.left : node.right;
	}
	return { end: node, taken };
}

/** The nearest leaf to the left (0) or right (1) of where the turns lead. */
function neighbour(taken: readonly Turn[], wanted: number): LeafProof | undefined {
	for (let i = taken.length - 1; i >= 0; i--) {
		const { node, side } = taken[i] as Turn;
		const other = wanted === 0 ? node.left : node.right;
		if (side === wanted || other === undefined) continue;
		const turns = [...taken.slice(0, i), { node, side: wanted }];
		let at: Node = other;
		while (at?.kind === "inner") {
			const inward: number = (wanted === 0 ? at.right : at.left) === undefined ? wanted : 1 - wanted;
			turns.push({ node: at, side: inward });
			at = inward === 0 ? at.left : at.right;
		}
		if (at !== undefined) return leafProof(at, turns);
	}
	return undefined;
}

function leafProof(leaf: Leaf, taken: readonly Turn[]): LeafProof {
	const steps = taken.map(({ node, side }): ProofStep => {
		if (side === 0) return { prefix: Uint8Array.of(INNER_PREFIX), suffix: treeRoot(node.right) };
		return { prefix: concatBytes(Uint8Array.of(INNER_PREFIX), treeRoot(node.left)), suffix: new Uint8Array(0) };
	});
	return { key: leaf.key, value: leaf.value, steps: steps.reverse() };
}
