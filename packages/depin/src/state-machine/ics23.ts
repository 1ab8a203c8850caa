import { type ProofOp, type ProofOperator, sha256 } from "@cairn/crypto";
import { bytesEqual, compareBytes, concatBytes, DecodeError, ValidationError } from "@cairn/kit";
import { ProtoFields, ProtoMessage } from "./proto-fields.ts";
import { EMPTY_HASH, type LeafProof, type ProofStep, type TreeProof } from "./sparse-merkle-tree.ts";

/** Type of a proof layer of a sparse Merkle tree, as Cosmos names it. */
export const SMT_PROOF_TYPE = "ics23:smt";

const HASH_SIZE = 32;
const SHA256 = 1;
const MAX_DEPTH = 256;
const INNER_PREFIX = Uint8Array.of(1);

/** LeafOp of ICS-23's SmtSpec: SHA-256 for leaf, key and value; no length prefix; prefix 0x00. */
const LEAF_OP = new ProtoMessage()
	.integer(1, SHA256)
	.integer(2, SHA256)
	.integer(3, SHA256)
	.bytes(5, Uint8Array.of(0))
	.finish();

function encodeExistence({ key, value, steps }: LeafProof): Uint8Array {
	const message = new ProtoMessage().bytes(1, key).bytes(2, value).bytes(3, LEAF_OP);
	for (const { prefix, suffix } of steps) {
		const step = new ProtoMessage().integer(1, SHA256).bytes(2, prefix);
		message.bytes(4, (suffix.length === 0 ? step : step.bytes(3, suffix)).finish());
	}
	return message.finish();
}

/** A `cosmos.ics23.v1.CommitmentProof`. */
export function encodeCommitmentProof(key: Uint8Array, proof: TreeProof): Uint8Array {
	if (proof.kind === "existence") return new ProtoMessage().bytes(1, encodeExistence(proof.proof)).finish();
	const absence = new ProtoMessage().bytes(1, key);
	if (proof.left !== undefined) absence.bytes(2, encodeExistence(proof.left));
	if (proof.right !== undefined) absence.bytes(3, encodeExistence(proof.right));
	return new ProtoMessage().bytes(2, absence.finish()).finish();
}

/** The layer that goes into the answer of a query. */
export function smtProofOp(key: Uint8Array, proof: TreeProof): ProofOp {
	return { type: SMT_PROOF_TYPE, key, data: encodeCommitmentProof(key, proof) };
}

/** Reads a `cosmos.ics23.v1.CommitmentProof` with an ExistenceProof or a NonExistenceProof. @throws DecodeError */
export function decodeCommitmentProof(data: Uint8Array): { key: Uint8Array; proof: TreeProof } {
	const fields = new ProtoFields(data);
	const existence = fields.optionalBytes(1);
	const absence = fields.optionalBytes(2);
	fields.end();
	if (existence !== undefined && absence === undefined) {
		const proof = decodeExistence(existence);
		return { key: proof.key, proof: { kind: "existence", proof } };
	}
	if (absence === undefined || existence !== undefined) throw new DecodeError("ICS-23: neither existence nor absence");
	const inner = new ProtoFields(absence);
	const key = inner.bytes(1);
	const [left, right] = [inner.optionalBytes(2), inner.optionalBytes(3)];
	inner.end();
	return {
		key,
		proof: {
			kind: "absence",
			left: left === undefined ? undefined : decodeExistence(left),
			right: right === undefined ? undefined : decodeExistence(right),
		},
	};
}

function decodeExistence(data: Uint8Array): LeafProof {
	const fields = new ProtoFields(data);
	const key = fields.bytes(1);
	const value = fields.bytes(2);
	if (!bytesEqual(fields.bytes(3), LEAF_OP)) throw new DecodeError("ICS-23: the leaf is not one of SmtSpec");
	const steps = fields.repeatedBytes(4, MAX_DEPTH).map(decodeStep);
	fields.end();
	return { key, value, steps };
}

/** A step that hides no more than one sibling: 0x01 and it on one side. */
function decodeStep(data: Uint8Array): ProofStep {
	const fields = new ProtoFields(data);
	if (fields.integer(1) !== SHA256) throw new DecodeError("ICS-23: a step with another hash");
	const prefix = fields.bytes(2);
	const suffix = fields.optionalBytes(3) ?? new Uint8Array(0);
	fields.end();
	const isLeft = prefix.length === 1 && suffix.length === HASH_SIZE;
	const isRight = prefix.length === 1 + HASH_SIZE && suffix.length === 0;
	if (prefix[0] !== 1 || !(isLeft || isRight)) throw new DecodeError("ICS-23: a step that is not one of SmtSpec");
	return { prefix, suffix };
}

function leafRoot({ key, value, steps }: LeafProof): Uint8Array {
	let hash = sha256(concatBytes(Uint8Array.of(0), sha256(key), sha256(value)));
	for (const { prefix, suffix } of steps) hash = sha256(concatBytes(prefix, hash, suffix));
	return hash;
}

function isLeftStep({ prefix }: ProofStep): boolean {
	return prefix.length === 1;
}

/** Whether a leaf has nothing beside it on this side, all the way up: it is outermost there. */
function isOutermost(steps: readonly ProofStep[], side: "left" | "right"): boolean {
	return steps.every((step) => {
		if (isLeftStep(step) === (side === "left")) return true;
		const sibling = side === "left" ? step.prefix.subarray(INNER_PREFIX.length) : step.suffix;
		return bytesEqual(sibling, EMPTY_HASH);
	});
}

/** Whether no leaf lies between the two: they part at one node, each being innermost of its side below it. */
function areNeighbours(left: readonly ProofStep[], right: readonly ProofStep[]): boolean {
	let [i, k] = [left.length - 1, right.length - 1];
	const same = (a: ProofStep | undefined, b: ProofStep | undefined): boolean =>
		a !== undefined && b !== undefined && bytesEqual(a.prefix, b.prefix) && bytesEqual(a.suffix, b.suffix);
	while (same(left[i], right[k])) {
		i -= 1;
		k -= 1;
	}
	const [leftTop, rightTop] = [left[i], right[k]];
	if (leftTop === undefined || rightTop === undefined || !isLeftStep(leftTop) || isLeftStep(rightTop)) return false;
	return isOutermost(left.slice(0, i), "right") && isOutermost(right.slice(0, k), "left");
}

function rootOfAbsence(key: Uint8Array, proof: Extract<TreeProof, { kind: "absence" }>): Uint8Array {
	const { left, right } = proof;
	const path = sha256(key);
	if (left !== undefined && compareBytes(sha256(left.key), path) >= 0)
		throw new ValidationError("ICS-23: left is not left");
	if (right !== undefined && compareBytes(sha256(right.key), path) <= 0) {
		throw new ValidationError("ICS-23: right is not right");
	}
	const roots = [left, right].filter((each) => each !== undefined).map(leafRoot);
	const root = roots[0];
	if (root === undefined) throw new ValidationError("ICS-23: an absence proof without neighbours");
	if (roots[1] !== undefined && !bytesEqual(roots[1], root))
		throw new ValidationError("ICS-23: neighbours of two trees");
	const holds =
		left === undefined
			? isOutermost(right?.steps ?? [], "left")
			: right === undefined
				? isOutermost(left.steps, "right")
				: areNeighbours(left.steps, right.steps);
	if (!holds) throw new ValidationError("ICS-23: there may be a leaf between the neighbours");
	return root;
}

/** Reads an `ics23:smt` layer, for crypto's `ProofRuntime`. @throws DecodeError */
export function decodeSmtProof(op: ProofOp): ProofOperator {
	if (op.type !== SMT_PROOF_TYPE)
		throw new DecodeError(`expected a proof of type ${SMT_PROOF_TYPE}`, { type: op.type });
	const { key: named, proof } = decodeCommitmentProof(op.data);
	// Of an absence the neighbours decide; the key that it names itself counts for nothing, as in the reference library.
	if (proof.kind === "existence" && !bytesEqual(named, op.key))
		throw new DecodeError("ICS-23: the proof is for another key");
	const { key } = op;
	return {
		key,
		run(values) {
			const value = values[0];
			if (proof.kind === "absence") {
				if (values.length !== 0) throw new ValidationError("ICS-23: a value, and a proof that there is none");
				return [rootOfAbsence(key, proof)];
			}
			if (value === undefined || values.length !== 1) throw new ValidationError("ICS-23: expected one value");
			if (!bytesEqual(value, proof.proof.value)) throw new ValidationError("ICS-23: the proof is for another value");
			return [leafRoot(proof.proof)];
		},
	};
}
