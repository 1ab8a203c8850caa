import { merkleRoot } from "@cairn/crypto";
import { EMPTY_BYTES, InvariantError, ValidationError } from "@cairn/kit";
import { blockIdFromProto, isNilBlockId, NIL_BLOCK_ID } from "./block-id.ts";
import { safeInteger } from "./integer.ts";
import { ADDRESS_SIZE, MAX_SIGNATURE_SIZE } from "./limits.ts";
import {
	BLOCK_ID_FLAG_ABSENT,
	BLOCK_ID_FLAG_COMMIT,
	BLOCK_ID_FLAG_NIL,
	type BlockId,
	type BlockIdFlag,
	type Commit,
	type CommitSig,
	GO_ZERO_TIME,
	PRECOMMIT,
	type Vote,
} from "./model.ts";
import { types as pb } from "./proto/index.ts";

/** What the first block of a chain carries: a commit of nothing. */
export const EMPTY_COMMIT: Commit = Object.freeze({ height: 0, round: 0, blockId: NIL_BLOCK_ID, signatures: [] });

/** The block that an entry votes for: the commit's, or none. */
export function blockIdOfFlag(flag: BlockIdFlag, committed: BlockId): BlockId {
	return flag === BLOCK_ID_FLAG_COMMIT ? committed : NIL_BLOCK_ID;
}

/** The precommit that an entry of a commit stands for; without signature where the vote was absent. */
export function commitToVote(commit: Commit, index: number): Vote {
	const sig = commit.signatures[index];
	if (sig === undefined) throw new InvariantError("no such signature in the commit", { index });
	return {
		type: PRECOMMIT,
		height: commit.height,
		round: commit.round,
		blockId: blockIdOfFlag(sig.blockIdFlag, commit.blockId),
		timestamp: sig.timestamp,
		validatorAddress: sig.validatorAddress,
		validatorIndex: index,
		signature: sig.signature,
		extension: EMPTY_BYTES,
		extensionSignature: EMPTY_BYTES,
	};
}

const hashes = new WeakMap<Commit, Uint8Array>();

/** Merkle root over the entries (`LastCommitHash` of the next header). */
export function commitHash(commit: Commit): Uint8Array {
	let hash = hashes.get(commit);
	if (hash === undefined) {
		hash = merkleRoot(commit.signatures.map((sig) => pb.CommitSig.encode(sig)));
		hashes.set(commit, hash);
	}
	return hash;
}

export function commitToProto(commit: Commit): pb.Commit {
	return { ...commit, height: BigInt(commit.height) };
}

/** Checks as `validateCommit`. The result keeps views of the bytes decoded. @throws DecodeError, ValidationError */
export function commitFromProto(proto: pb.Commit): Commit {
	const blockId = blockIdFromProto(proto.blockId);
	const commit: Commit = {
		blockId,
		signatures: proto.signatures.map(commitSigFromProto),
		height: safeInteger(proto.height, "height of a commit"),
		round: proto.round,
	};
	validateCommit(commit);
	return commit;
}

/** @throws ValidationError */
function commitSigFromProto(proto: pb.CommitSig): CommitSig {
	const sig: CommitSig = {
		blockIdFlag: flagFromProto(proto.blockIdFlag),
		validatorAddress: proto.validatorAddress,
		timestamp: proto.timestamp,
		signature: proto.signature,
	};
	validateCommitSig(sig);
	return sig;
}

/** Go keeps the lowest byte of the flag, so 258 means 2 there, and must here: both have to agree on the block. */
export function flagFromProto(flag: number): BlockIdFlag {
	return (flag & 0xff) as BlockIdFlag;
}

export function encodeCommit(commit: Commit): Uint8Array {
	return pb.Commit.encode(commitToProto(commit));
}

/** @throws DecodeError, ValidationError */
export function decodeCommit(bytes: Uint8Array): Commit {
	return commitFromProto(pb.Commit.decode(bytes));
}

/** Structure and bounds (`CommitSig.ValidateBasic`). @throws ValidationError */
export function validateCommitSig(sig: CommitSig): void {
	switch (sig.blockIdFlag) {
		case BLOCK_ID_FLAG_ABSENT:
			if (sig.validatorAddress.length !== 0) throw new ValidationError("commit: absent vote with an address");
			if (sig.timestamp !== GO_ZERO_TIME) throw new ValidationError("commit: absent vote with a time");
			if (sig.signature.length !== 0) throw new ValidationError("commit: absent vote with a signature");
			return;
		case BLOCK_ID_FLAG_COMMIT:
		case BLOCK_ID_FLAG_NIL:
			if (sig.validatorAddress.length !== ADDRESS_SIZE) {
				throw new ValidationError(`commit: address of ${sig.validatorAddress.length} bytes, expected ${ADDRESS_SIZE}`);
			}
			if (sig.signature.length === 0) throw new ValidationError("commit: signature is missing");
			if (sig.signature.length > MAX_SIGNATURE_SIZE) throw new ValidationError("commit: signature is too big");
			return;
		default:
			throw new ValidationError("commit: unknown block id flag", { flag: sig.blockIdFlag });
	}
}

/** Structure and bounds (`Commit.ValidateBasic`); a commit of height 0 may be empty. @throws ValidationError */
export function validateCommit(commit: Commit): void {
	validateCommitFrame(commit);
	if (commit.height >= 1) for (const sig of commit.signatures) validateCommitSig(sig);
}

/** The checks that plain and extended commits share. @throws ValidationError */
export function validateCommitFrame(commit: Commit): void {
	if (commit.height < 0) throw new ValidationError("commit: negative height");
	if (commit.round < 0) throw new ValidationError("commit: negative round");
	if (commit.height < 1) return;
	if (isNilBlockId(commit.blockId)) throw new ValidationError("commit: cannot be for nil block");
	if (commit.signatures.length === 0) throw new ValidationError("commit: no signatures");
}
