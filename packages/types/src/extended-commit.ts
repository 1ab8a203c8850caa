import { EMPTY_BYTES, InvariantError, ValidationError } from "@cairn/kit";
import { BitArray } from "./bit-array.ts";
import { blockIdFromProto } from "./block-id.ts";
import { blockIdOfFlag, flagFromProto, validateCommitFrame, validateCommitSig } from "./commit.ts";
import { safeInteger } from "./integer.ts";
import { MAX_SIGNATURE_SIZE, MAX_VOTE_EXTENSION_SIZE } from "./limits.ts";
import {
	BLOCK_ID_FLAG_ABSENT,
	BLOCK_ID_FLAG_COMMIT,
	type Commit,
	type ExtendedCommit,
	type ExtendedCommitSig,
	PRECOMMIT,
	type Vote,
} from "./model.ts";
import { types as pb } from "./proto/index.ts";

/** The precommit that an entry stands for, with its extension. */
export function extendedCommitToVote(commit: ExtendedCommit, index: number): Vote {
	const sig = commit.signatures[index];
	if (sig === undefined) throw new InvariantError("no such signature in the extended commit", { index });
	return {
		type: PRECOMMIT,
		height: commit.height,
		round: commit.round,
		blockId: blockIdOfFlag(sig.blockIdFlag, commit.blockId),
		timestamp: sig.timestamp,
		validatorAddress: sig.validatorAddress,
		validatorIndex: index,
		signature: sig.signature,
		extension: sig.extension,
		extensionSignature: sig.extensionSignature,
	};
}

/** The votes of an extended commit, index by index; null where a vote was absent. */
export function extendedCommitVotes(commit: ExtendedCommit): (Vote | null)[] {
	return commit.signatures.map((sig, i) =>
		sig.blockIdFlag === BLOCK_ID_FLAG_ABSENT ? null : extendedCommitToVote(commit, i),
	);
}

/** Which validators' votes are in it, for whatever. */
export function extendedCommitBits(commit: ExtendedCommit): BitArray {
	return BitArray.fromFunction(
		commit.signatures.length,
		(i) => commit.signatures[i]?.blockIdFlag !== BLOCK_ID_FLAG_ABSENT,
	);
}

/** The commit without its extensions. */
export function extendedCommitToCommit(commit: ExtendedCommit): Commit {
	const { height, round, blockId } = commit;
	return {
		height,
		round,
		blockId,
		signatures: commit.signatures.map(({ blockIdFlag, validatorAddress, timestamp, signature }) => {
			return { blockIdFlag, validatorAddress, timestamp, signature };
		}),
	};
}

/** A commit in the shape of an extended one, without extensions (Go's `WrappedExtendedCommit`). */
export function commitToExtendedCommit(commit: Commit): ExtendedCommit {
	const signatures = commit.signatures.map((sig) => {
		return { ...sig, extension: EMPTY_BYTES, extensionSignature: EMPTY_BYTES };
	});
	return { ...commit, signatures };
}

/**
 * Extensions must be signed where they are on, and must not be there where they are off or the vote is not for the
 * block (`ExtendedCommit.EnsureExtensions`). @throws ValidationError
 */
export function ensureExtensions(commit: ExtendedCommit, areEnabled: boolean): void {
	for (const { blockIdFlag, extension, extensionSignature } of commit.signatures) {
		const isExpected = areEnabled && blockIdFlag === BLOCK_ID_FLAG_COMMIT;
		if (isExpected && extensionSignature.length === 0) {
			throw new ValidationError("extended commit: vote extension signature is missing");
		}
		if (!isExpected && (extension.length !== 0 || extensionSignature.length !== 0)) {
			throw new ValidationError("extended commit: unexpected vote extension");
		}
	}
}

export function extendedCommitToProto(commit: ExtendedCommit): pb.ExtendedCommit {
	const { height, round, blockId, signatures } = commit;
	return { height: BigInt(height), round, blockId, extendedSignatures: signatures };
}

/**
 * Checks as `validateExtendedCommit`. The result keeps views of the bytes decoded.
 * @throws DecodeError, ValidationError
 */
export function extendedCommitFromProto(proto: pb.ExtendedCommit): ExtendedCommit {
	const blockId = blockIdFromProto(proto.blockId);
	const commit: ExtendedCommit = {
		blockId,
		signatures: proto.extendedSignatures.map((sig) => {
			const ours: ExtendedCommitSig = { ...sig, blockIdFlag: flagFromProto(sig.blockIdFlag) };
			validateExtendedCommitSig(ours);
			return ours;
		}),
		height: safeInteger(proto.height, "height of an extended commit"),
		round: proto.round,
	};
	validateExtendedCommit(commit);
	return commit;
}

export function encodeExtendedCommit(commit: ExtendedCommit): Uint8Array {
	return pb.ExtendedCommit.encode(extendedCommitToProto(commit));
}

/** @throws DecodeError, ValidationError */
export function decodeExtendedCommit(bytes: Uint8Array): ExtendedCommit {
	return extendedCommitFromProto(pb.ExtendedCommit.decode(bytes));
}

/** Structure and bounds (`ExtendedCommit.ValidateBasic`). @throws ValidationError */
export function validateExtendedCommit(commit: ExtendedCommit): void {
	validateCommitFrame(commit);
	if (commit.height >= 1) for (const sig of commit.signatures) validateExtendedCommitSig(sig);
}

/** @throws ValidationError */
export function validateExtendedCommitSig(sig: ExtendedCommitSig): void {
	validateCommitSig(sig);
	const { blockIdFlag, extension, extensionSignature } = sig;
	if (blockIdFlag === BLOCK_ID_FLAG_COMMIT) {
		if (extension.length > MAX_VOTE_EXTENSION_SIZE) throw new ValidationError("extended commit: extension is too big");
		if (extensionSignature.length > MAX_SIGNATURE_SIZE) {
			throw new ValidationError("extended commit: extension signature is too big");
		}
	} else if (extensionSignature.length === 0 && extension.length !== 0) {
		throw new ValidationError("extended commit: extension without signature");
	}
}
