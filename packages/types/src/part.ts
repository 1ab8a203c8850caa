import { type MerkleProof, validateMerkleProof } from "@cairn/crypto";
import { ValidationError } from "@cairn/kit";
import { safeInteger } from "./integer.ts";
import { BLOCK_PART_SIZE_BYTES } from "./limits.ts";
import type { Part } from "./model.ts";
import { type crypto as cryptoPb, types as pb } from "./proto/index.ts";

export function proofToProto(proof: MerkleProof): cryptoPb.Proof {
	return { ...proof, total: BigInt(proof.total), index: BigInt(proof.index) };
}

/** @throws DecodeError, ValidationError */
export function proofFromProto(proto: cryptoPb.Proof): MerkleProof {
	const proof: MerkleProof = {
		total: safeInteger(proto.total, "total of a proof"),
		index: safeInteger(proto.index, "index of a proof"),
		leafHash: proto.leafHash,
		aunts: proto.aunts,
	};
	validateMerkleProof(proof);
	return proof;
}

export function partToProto(part: Part): pb.Part {
	return { index: part.index, bytes: part.bytes, proof: proofToProto(part.proof) };
}

/** Checks as `validatePart`. The result keeps views of the bytes decoded. @throws DecodeError, ValidationError */
export function partFromProto(proto: pb.Part): Part {
	const part: Part = { index: proto.index, bytes: proto.bytes, proof: proofFromProto(proto.proof) };
	validatePart(part);
	return part;
}

export function encodePart(part: Part): Uint8Array {
	return pb.Part.encode(partToProto(part));
}

/** @throws DecodeError, ValidationError */
export function decodePart(bytes: Uint8Array): Part {
	return partFromProto(pb.Part.decode(bytes));
}

/**
 * Sizes, index and shape of the proof (`Part.ValidateBasic`); every part but the last must be full.
 * @throws ValidationError
 */
export function validatePart(part: Part): void {
	if (part.bytes.length > BLOCK_PART_SIZE_BYTES) throw new ValidationError("block part is too big");
	if (part.index < part.proof.total - 1 && part.bytes.length !== BLOCK_PART_SIZE_BYTES) {
		throw new ValidationError("inner block part has an invalid size", { size: part.bytes.length });
	}
	if (part.index !== part.proof.index) {
		throw new ValidationError("block part and its proof have different indices", {
			part: part.index,
			proof: part.proof.index,
		});
	}
	validateMerkleProof(part.proof);
}
