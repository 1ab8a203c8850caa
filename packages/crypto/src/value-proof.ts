import { bytesEqual, concatBytes, DecodeError, toUpperHex, ValidationError } from "@cairn/kit";
import { sha256 } from "./hash.ts";
import { type MerkleProof, merkleLeafHash, merkleProofRoot, validateMerkleProof } from "./merkle.ts";
import type { ProofOp, ProofOperator } from "./proof-operator.ts";

/** Type of the layer that proves one value of a tree of key-value pairs (crypto/merkle/proof_value.go). */
export const VALUE_PROOF_TYPE = "simple:v";

/** The leaf of a pair in such a tree: both length-prefixed, the value as its SHA-256. */
export function keyValueLeaf(key: Uint8Array, value: Uint8Array): Uint8Array {
	return concatBytes(uvarint(key.length), key, Uint8Array.of(32), sha256(value));
}

/** The layer that shows a pair to be a leaf of the tree that `proof` belongs to. */
export function encodeValueProof(key: Uint8Array, proof: MerkleProof): ProofOp {
	const fields: Uint8Array[] = [];
	if (proof.total !== 0) fields.push(Uint8Array.of(0x08), uvarint(proof.total));
	if (proof.index !== 0) fields.push(Uint8Array.of(0x10), uvarint(proof.index));
	if (proof.leafHash.length !== 0) fields.push(lengthDelimited(3, proof.leafHash));
	for (const aunt of proof.aunts) fields.push(lengthDelimited(4, aunt));
	const keyField = key.length === 0 ? [] : [lengthDelimited(1, key)];
	return { type: VALUE_PROOF_TYPE, key, data: concatBytes(...keyField, lengthDelimited(2, concatBytes(...fields))) };
}

/** Reads a `simple:v` layer. @throws DecodeError, ValidationError */
export function decodeValueProof(op: ProofOp): ProofOperator {
	if (op.type !== VALUE_PROOF_TYPE)
		throw new DecodeError(`expected a proof of type ${VALUE_PROOF_TYPE}`, { type: op.type });
	const proof = decodeProofField(op.data);
	validateMerkleProof(proof);
	return {
		key: op.key,
		run(values) {
			const value = values[0];
			if (value === undefined || values.length !== 1) {
				throw new ValidationError(`value proof: expected one value, got ${values.length}`);
			}
			const leafHash = merkleLeafHash(keyValueLeaf(op.key, value));
			if (!bytesEqual(leafHash, proof.leafHash)) {
				throw new ValidationError(
					`value proof: is for leaf ${toUpperHex(proof.leafHash)}, not ${toUpperHex(leafHash)}`,
				);
			}
			return [merkleProofRoot(proof)];
		},
	};
}

/** `ValueOp.proof` (field 2); its own `key` (field 1) is ignored, as in Go. */
function decodeProofField(data: Uint8Array): MerkleProof {
	const draft = { total: 0, index: 0, leafHash: new Uint8Array(0), aunts: [] as Uint8Array[] };
	let present = false;
	for (const field of readFields(data)) {
		if (field.number === 1) expectBytes(field);
		if (field.number !== 2) continue;
		present = true;
		// A message field that comes twice is merged.
		for (const inner of readFields(expectBytes(field))) {
			if (inner.number === 1) draft.total = expectInteger(inner);
			else if (inner.number === 2) draft.index = expectInteger(inner);
			else if (inner.number === 3) draft.leafHash = expectBytes(inner).slice();
			else if (inner.number === 4) draft.aunts.push(expectBytes(inner).slice());
		}
	}
	if (!present) throw new DecodeError("value proof holds no Merkle proof");
	return draft;
}

interface Field {
	readonly number: number;
	readonly value: bigint | Uint8Array | undefined;
}

function expectBytes(field: Field): Uint8Array {
	if (!(field.value instanceof Uint8Array))
		throw new DecodeError(`value proof: field ${field.number} has a wrong wire type`);
	return field.value;
}

function expectInteger(field: Field): number {
	if (typeof field.value !== "bigint")
		throw new DecodeError(`value proof: field ${field.number} has a wrong wire type`);
	const signed = BigInt.asIntN(64, field.value);
	if (signed > BigInt(Number.MAX_SAFE_INTEGER) || signed < -1n << 53n)
		throw new DecodeError("value proof: number out of range");
	return Number(signed);
}

/** Fields of a protobuf message in order; fixed-width ones (unknown to every reader here) come without a value. */
function readFields(bytes: Uint8Array): Field[] {
	const fields: Field[] = [];
	let offset = 0;
	const varint = (): bigint => {
		let value = 0n;
		for (let shift = 0n; shift < 70n; shift += 7n) {
			const byte = bytes[offset++];
			if (byte === undefined) throw new DecodeError("value proof: ends inside a number");
			value |= BigInt(byte & 127) << shift;
			if (byte < 128) return BigInt.asUintN(64, value);
		}
		throw new DecodeError("value proof: a number is too long");
	};
	const skip = (length: bigint): number => {
		const start = offset;
		if (length > BigInt(bytes.length - offset)) throw new DecodeError("value proof: ends inside a field");
		offset += Number(length);
		return start;
	};
	while (offset < bytes.length) {
		const tag = varint();
		const number = Number(tag >> 3n);
		if (number <= 0 || number > 0x1fffffff) throw new DecodeError("value proof: illegal field number");
		const wireType = Number(tag & 7n);
		if (wireType === 0) fields.push({ number, value: varint() });
		else if (wireType === 2) fields.push({ number, value: bytes.subarray(skip(varint()), offset) });
		else if (wireType === 1 || wireType === 5) {
			skip(wireType === 1 ? 8n : 4n);
			fields.push({ number, value: undefined });
		} else throw new DecodeError(`value proof: unsupported wire type ${wireType}`);
	}
	return fields;
}

function uvarint(value: number): Uint8Array {
	const bytes: number[] = [];
	let rest = value;
	while (rest >= 128) {
		bytes.push((rest % 128) | 128);
		rest = Math.floor(rest / 128);
	}
	bytes.push(rest);
	return Uint8Array.from(bytes);
}

function lengthDelimited(field: number, bytes: Uint8Array): Uint8Array {
	return concatBytes(Uint8Array.of((field << 3) | 2), uvarint(bytes.length), bytes);
}
