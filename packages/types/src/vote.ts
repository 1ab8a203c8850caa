import { EMPTY_BYTES, InvariantError, ValidationError } from "@cairn/kit";
import { blockIdFromProto, isCompleteBlockId, isNilBlockId, validateBlockId } from "./block-id.ts";
import { safeInteger } from "./integer.ts";
import { ADDRESS_SIZE, MAX_SIGNATURE_SIZE } from "./limits.ts";
import {
	BLOCK_ID_FLAG_ABSENT,
	BLOCK_ID_FLAG_COMMIT,
	BLOCK_ID_FLAG_NIL,
	type CommitSig,
	type ExtendedCommitSig,
	GO_ZERO_TIME,
	PRECOMMIT,
	PREVOTE,
	type Vote,
	type VoteType,
} from "./model.ts";
import { types as pb } from "./proto/index.ts";

export function isVoteType(type: number): type is VoteType {
	return type === PREVOTE || type === PRECOMMIT;
}

export function voteToProto(vote: Vote): pb.Vote {
	return { ...vote, height: BigInt(vote.height) };
}

/**
 * Checks the block id and the range of the height only; `validateVote` does the rest, the type of the vote
 * included, as in Go. The vote keeps views of the bytes that `proto` was decoded from.
 * @throws DecodeError, ValidationError
 */
export function voteFromProto(proto: pb.Vote | null): Vote {
	if (proto === null) throw new ValidationError("nil vote");
	return {
		type: proto.type as VoteType,
		height: safeInteger(proto.height, "height of a vote"),
		round: proto.round,
		blockId: blockIdFromProto(proto.blockId),
		timestamp: proto.timestamp,
		validatorAddress: proto.validatorAddress,
		validatorIndex: proto.validatorIndex,
		signature: proto.signature,
		extension: proto.extension,
		extensionSignature: proto.extensionSignature,
	};
}

export function encodeVote(vote: Vote): Uint8Array {
	return pb.Vote.encode(voteToProto(vote));
}

/** As `voteFromProto`: call `validateVote` on what came from outside. @throws DecodeError, ValidationError */
export function decodeVote(bytes: Uint8Array): Vote {
	return voteFromProto(pb.Vote.decode(bytes));
}

/** Structure and bounds (`Vote.ValidateBasic`), without the rule of who needs an extension. @throws ValidationError */
export function validateVote(vote: Vote): void {
	if (!isVoteType(vote.type)) throw new ValidationError("vote: invalid type", { type: vote.type });
	if (vote.height <= 0) throw new ValidationError("vote: negative or zero height");
	if (vote.round < 0) throw new ValidationError("vote: negative round");
	validateBlockId(vote.blockId);
	const isNil = isNilBlockId(vote.blockId);
	if (!isNil && !isCompleteBlockId(vote.blockId)) {
		throw new ValidationError("vote: block id must be either empty or complete");
	}
	if (vote.validatorAddress.length !== ADDRESS_SIZE) {
		throw new ValidationError(`vote: address of ${vote.validatorAddress.length} bytes, expected ${ADDRESS_SIZE}`);
	}
	if (vote.validatorIndex < 0) throw new ValidationError("vote: negative validator index");
	if (vote.signature.length === 0) throw new ValidationError("vote: signature is missing");
	if (vote.signature.length > MAX_SIGNATURE_SIZE) throw new ValidationError("vote: signature is too big");
	if (vote.type !== PRECOMMIT || isNil) validateNoExtension(vote);
	else validateExtension(vote);
}

function validateNoExtension(vote: Vote): void {
	if (vote.extension.length > 0) throw new ValidationError("vote: unexpected vote extension");
	if (vote.extensionSignature.length > 0) throw new ValidationError("vote: unexpected vote extension signature");
}

function validateExtension(vote: Vote): void {
	if (vote.extensionSignature.length > MAX_SIGNATURE_SIZE) {
		throw new ValidationError("vote: extension signature is too big");
	}
	if (vote.extensionSignature.length === 0 && vote.extension.length !== 0) {
		throw new ValidationError("vote: extension without signature");
	}
}

/**
 * True unless this is a precommit for a block without extension signature: such a vote is refused where extensions
 * are on.
 */
export function hasNeededExtension(vote: Vote): boolean {
	return vote.type !== PRECOMMIT || isNilBlockId(vote.blockId) || vote.extensionSignature.length > 0;
}

/** What stands in a commit for a validator whose vote was not seen. */
export const ABSENT_COMMIT_SIG: CommitSig = Object.freeze({
	blockIdFlag: BLOCK_ID_FLAG_ABSENT,
	validatorAddress: EMPTY_BYTES,
	timestamp: GO_ZERO_TIME,
	signature: EMPTY_BYTES,
});

/** As `ABSENT_COMMIT_SIG`, with an empty extension. */
export const ABSENT_EXTENDED_COMMIT_SIG: ExtendedCommitSig = Object.freeze({
	...ABSENT_COMMIT_SIG,
	extension: EMPTY_BYTES,
	extensionSignature: EMPTY_BYTES,
});

/** The entry of a commit that stands for this vote; null stands for an absent vote. */
export function voteToCommitSig(vote: Vote | null): CommitSig {
	if (vote === null) return ABSENT_COMMIT_SIG;
	const { blockId, validatorAddress, timestamp, signature } = vote;
	const isNil = isNilBlockId(blockId);
	if (!isNil && !isCompleteBlockId(blockId)) throw new InvariantError("vote with an incomplete block id");
	return { blockIdFlag: isNil ? BLOCK_ID_FLAG_NIL : BLOCK_ID_FLAG_COMMIT, validatorAddress, timestamp, signature };
}

/** As `voteToCommitSig`, with the extension. */
export function voteToExtendedCommitSig(vote: Vote | null): ExtendedCommitSig {
	if (vote === null) return ABSENT_EXTENDED_COMMIT_SIG;
	return { ...voteToCommitSig(vote), extension: vote.extension, extensionSignature: vote.extensionSignature };
}
