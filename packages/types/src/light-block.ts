import { bytesEqual, ValidationError } from "@cairn/kit";
import { commitFromProto, commitToProto, validateCommit } from "./commit.ts";
import { headerFromProto, headerHash, headerToProto, validateHeader } from "./header.ts";
import { BLOCK_PROTOCOL } from "./limits.ts";
import type { SignedHeader } from "./model.ts";
import { types as pb } from "./proto/index.ts";
import { ValidatorSet, validateValidatorSet } from "./validator-set.ts";

/** All that a light client needs of one height: header, the commit that signs it, the validators who signed. */
export interface LightBlock {
	readonly signedHeader: SignedHeader;
	readonly validatorSet: ValidatorSet;
}

export function signedHeaderToProto({ header, commit }: SignedHeader): pb.SignedHeader {
	return { header: headerToProto(header), commit: commitToProto(commit) };
}

/** Checks header and commit, but not that they fit: see `validateSignedHeader`. @throws DecodeError, ValidationError */
export function signedHeaderFromProto(
	proto: pb.SignedHeader | null,
	blockProtocol: bigint = BLOCK_PROTOCOL,
): SignedHeader {
	if (proto === null) throw new ValidationError("signed header is missing");
	const { header, commit } = proto;
	if (header === null) throw new ValidationError("signed header without header");
	if (commit === null) throw new ValidationError("signed header without commit");
	return { header: headerFromProto(header, blockProtocol), commit: commitFromProto(commit) };
}

/** Structure, and that the commit is for this header (`SignedHeader.ValidateBasic`). @throws ValidationError */
export function validateSignedHeader(
	signedHeader: SignedHeader,
	chainId: string,
	blockProtocol: bigint = BLOCK_PROTOCOL,
): void {
	const { header, commit } = signedHeader;
	validateHeader(header, blockProtocol);
	validateCommit(commit);
	if (header.chainId !== chainId) {
		throw new ValidationError(`header belongs to another chain "${header.chainId}", not "${chainId}"`);
	}
	if (commit.height !== header.height) {
		throw new ValidationError("header and commit have different heights", {
			header: header.height,
			commit: commit.height,
		});
	}
	if (!bytesEqual(headerHash(header), commit.blockId.hash)) throw new ValidationError("commit signs another block");
}

export function lightBlockToProto({ signedHeader, validatorSet }: LightBlock): pb.LightBlock {
	return { signedHeader: signedHeaderToProto(signedHeader), validatorSet: validatorSet.toProto() };
}

/**
 * Checks the pieces, but not that they fit: see `validateLightBlock`. Stricter than Go in that a missing piece is
 * refused here and not only there. @throws DecodeError, ValidationError
 */
export function lightBlockFromProto(proto: pb.LightBlock | null, blockProtocol: bigint = BLOCK_PROTOCOL): LightBlock {
	if (proto === null) throw new ValidationError("light block is missing");
	return {
		signedHeader: signedHeaderFromProto(proto.signedHeader, blockProtocol),
		validatorSet: ValidatorSet.fromProto(proto.validatorSet),
	};
}

export function encodeLightBlock(block: LightBlock): Uint8Array {
	return pb.LightBlock.encode(lightBlockToProto(block));
}

/** @throws DecodeError, ValidationError */
export function decodeLightBlock(bytes: Uint8Array, blockProtocol: bigint = BLOCK_PROTOCOL): LightBlock {
	return lightBlockFromProto(pb.LightBlock.decode(bytes), blockProtocol);
}

/** Structure, and that header, commit and validators fit (`LightBlock.ValidateBasic`). @throws ValidationError */
export function validateLightBlock(
	{ signedHeader, validatorSet }: LightBlock,
	chainId: string,
	blockProtocol: bigint = BLOCK_PROTOCOL,
): void {
	validateSignedHeader(signedHeader, chainId, blockProtocol);
	validateValidatorSet(validatorSet);
	if (!bytesEqual(signedHeader.header.validatorsHash, validatorSet.hash())) {
		throw new ValidationError("header names another validator set");
	}
}
