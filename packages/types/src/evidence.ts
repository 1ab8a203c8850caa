import { merkleRoot, sha256 } from "@cairn/crypto";
import { bytesEqual, compareBytes, toUpperHex, ValidationError } from "@cairn/kit";
import { compareBlockIds } from "./block-id.ts";
import { headerHash } from "./header.ts";
import { safeInteger } from "./integer.ts";
import { lightBlockFromProto, signedHeaderToProto, validateLightBlock } from "./light-block.ts";
import { BLOCK_PROTOCOL, HASH_SIZE } from "./limits.ts";
import {
	BLOCK_ID_FLAG_COMMIT,
	type DuplicateVoteEvidence,
	type Evidence,
	type Header,
	type Height,
	type LightClientAttackEvidence,
	type SignedHeader,
	type TimeNs,
	type Validator,
	type Vote,
} from "./model.ts";
import { abci, types as pb } from "./proto/index.ts";
import { validatorFromProto, validatorToProto } from "./validator.ts";
import { ValidatorSet } from "./validator-set.ts";
import { validateVote, voteFromProto, voteToProto } from "./vote.ts";

/**
 * Evidence that this validator signed two things; which of the votes comes first does not matter.
 * @param time of the block at the height of the votes. @throws ValidationError if the voter is not in the set
 */
export function newDuplicateVoteEvidence(
	a: Vote,
	b: Vote,
	time: TimeNs,
	validatorSet: ValidatorSet,
): DuplicateVoteEvidence {
	const place = validatorSet.getByAddress(a.validatorAddress);
	if (place === null)
		throw new ValidationError(`validator ${toUpperHex(a.validatorAddress)} is not in the validator set`);
	const isOrdered = compareBlockIds(a.blockId, b.blockId) < 0;
	return {
		kind: "duplicateVote",
		voteA: isOrdered ? a : b,
		voteB: isOrdered ? b : a,
		totalVotingPower: validatorSet.totalPower,
		validatorPower: place.validator.votingPower,
		timestamp: time,
	};
}

/** Height of the infraction, by which evidence grows old. */
export function evidenceHeight(evidence: Evidence): Height {
	return evidence.kind === "duplicateVote" ? evidence.voteA.height : evidence.commonHeight;
}

/** Time of the infraction. */
export function evidenceTime(evidence: Evidence): TimeNs {
	return evidence.timestamp;
}

const encodings = new WeakMap<Evidence, Uint8Array>();

/** The inner message in protobuf, without the wrapper that tells its kind: the leaf in the evidence hash of a block. */
export function evidenceBytes(evidence: Evidence): Uint8Array {
	let bytes = encodings.get(evidence);
	if (bytes === undefined) {
		bytes =
			evidence.kind === "duplicateVote"
				? pb.DuplicateVoteEvidence.encode(duplicateVoteToProto(evidence))
				: pb.LightClientAttackEvidence.encode(lightClientAttackToProto(evidence));
		encodings.set(evidence, bytes);
	}
	return bytes;
}

/** Identity of a piece of evidence, by which it is committed once. */
export function evidenceHash(evidence: Evidence): Uint8Array {
	if (evidence.kind === "duplicateVote") return sha256(evidenceBytes(evidence));
	// Go copies 31 of the 32 bytes of the block hash and leaves the last at zero (`types/evidence.go`), so we must too.
	const height = zigzagVarint(BigInt(evidence.commonHeight));
	const bytes = new Uint8Array(HASH_SIZE + height.length);
	bytes.set(headerHash(evidence.conflictingHeader.header).subarray(0, HASH_SIZE - 1));
	bytes.set(height, HASH_SIZE);
	return sha256(bytes);
}

/** Go's `binary.PutVarint`. */
function zigzagVarint(value: bigint): number[] {
	const bytes: number[] = [];
	let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
	for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
	bytes.push(Number(rest));
	return bytes;
}

/** Merkle root over the evidence of a block (`EvidenceHash` of its header). */
export function evidenceListHash(list: readonly Evidence[]): Uint8Array {
	return merkleRoot(list.map(evidenceBytes));
}

/** What the application is told: one entry for each misbehaving validator. */
export function evidenceAbciMisbehavior(evidence: Evidence): abci.Misbehavior[] {
	const common = {
		height: BigInt(evidenceHeight(evidence)),
		time: evidence.timestamp,
		totalVotingPower: evidence.totalVotingPower,
	};
	const { DUPLICATE_VOTE, LIGHT_CLIENT_ATTACK } = abci.MisbehaviorType;
	if (evidence.kind === "duplicateVote") {
		const validator = { address: evidence.voteA.validatorAddress, power: evidence.validatorPower };
		return [{ type: DUPLICATE_VOTE, validator, ...common }];
	}
	return evidence.byzantineValidators.map(({ address, votingPower }) => {
		return { type: LIGHT_CLIENT_ATTACK, validator: { address, power: votingPower }, ...common };
	});
}

const conflictingSets = new WeakMap<LightClientAttackEvidence, ValidatorSet>();

/** The validators of the conflicting block as a set. @throws ValidationError if they do not make one */
export function conflictingValidatorSet(evidence: LightClientAttackEvidence): ValidatorSet {
	let set = conflictingSets.get(evidence);
	if (set === undefined) {
		set = ValidatorSet.fromParts(evidence.conflictingValidators, evidence.conflictingProposer);
		conflictingSets.set(evidence, set);
	}
	return set;
}

/**
 * True if the conflicting header cannot come of a valid state (a lunatic attack): it differs in a field that the block
 * before decides.
 */
export function isConflictingHeaderInvalid(evidence: LightClientAttackEvidence, trusted: Header): boolean {
	const { header } = evidence.conflictingHeader;
	return !(
		bytesEqual(trusted.validatorsHash, header.validatorsHash) &&
		bytesEqual(trusted.nextValidatorsHash, header.nextValidatorsHash) &&
		bytesEqual(trusted.consensusHash, header.consensusHash) &&
		bytesEqual(trusted.appHash, header.appHash) &&
		bytesEqual(trusted.lastResultsHash, header.lastResultsHash)
	);
}

/**
 * Who misbehaved: for a lunatic attack those of the common set who signed the conflicting header, for an
 * equivocation (same round) those who signed both, for amnesia nobody can be told. Sorted by power (falling), then
 * address.
 * @throws ValidationError if an equivocator is not in the conflicting set
 */
export function byzantineValidatorsOf(
	evidence: LightClientAttackEvidence,
	commonValidators: ValidatorSet,
	trusted: SignedHeader,
): Validator[] {
	const { commit } = evidence.conflictingHeader;
	const isLunatic = isConflictingHeaderInvalid(evidence, trusted.header);
	if (!isLunatic && trusted.commit.round !== commit.round) return [];
	const found: Validator[] = [];
	for (const [i, { blockIdFlag, validatorAddress }] of commit.signatures.entries()) {
		if (blockIdFlag !== BLOCK_ID_FLAG_COMMIT) continue;
		if (isLunatic) {
			const place = commonValidators.getByAddress(validatorAddress);
			if (place !== null) found.push(place.validator);
		} else if (trusted.commit.signatures[i]?.blockIdFlag === BLOCK_ID_FLAG_COMMIT) {
			const place = conflictingValidatorSet(evidence).getByAddress(validatorAddress);
			if (place === null) throw new ValidationError("equivocating validator is not in the conflicting validator set");
			found.push(place.validator);
		}
	}
	return found.sort((a, b) => {
		if (a.votingPower !== b.votingPower) return a.votingPower > b.votingPower ? -1 : 1;
		return compareBytes(a.address, b.address);
	});
}

function duplicateVoteToProto(evidence: DuplicateVoteEvidence): pb.DuplicateVoteEvidence {
	const { voteA, voteB, totalVotingPower, validatorPower, timestamp } = evidence;
	return { voteA: voteToProto(voteA), voteB: voteToProto(voteB), totalVotingPower, validatorPower, timestamp };
}

/** @throws DecodeError, ValidationError */
function duplicateVoteFromProto(proto: pb.DuplicateVoteEvidence): DuplicateVoteEvidence {
	const { voteA, voteB, totalVotingPower, validatorPower, timestamp } = proto;
	const evidence: DuplicateVoteEvidence = {
		kind: "duplicateVote",
		voteA: voteFromProto(voteA),
		voteB: voteFromProto(voteB),
		totalVotingPower,
		validatorPower,
		timestamp,
	};
	validateDuplicateVote(evidence);
	return evidence;
}

function lightClientAttackToProto(evidence: LightClientAttackEvidence): pb.LightClientAttackEvidence {
	const { conflictingProposer: proposer } = evidence;
	return {
		conflictingBlock: {
			signedHeader: signedHeaderToProto(evidence.conflictingHeader),
			validatorSet: {
				validators: evidence.conflictingValidators.map(validatorToProto),
				proposer: proposer === null ? null : validatorToProto(proposer),
				totalVotingPower: 0n,
			},
		},
		commonHeight: BigInt(evidence.commonHeight),
		byzantineValidators: evidence.byzantineValidators.map(validatorToProto),
		totalVotingPower: evidence.totalVotingPower,
		timestamp: evidence.timestamp,
	};
}

/** @throws DecodeError, ValidationError */
function lightClientAttackFromProto(
	proto: pb.LightClientAttackEvidence,
	blockProtocol: bigint,
): LightClientAttackEvidence {
	const { signedHeader, validatorSet } = lightBlockFromProto(proto.conflictingBlock, blockProtocol);
	const evidence: LightClientAttackEvidence = {
		kind: "lightClientAttack",
		conflictingHeader: signedHeader,
		conflictingValidators: validatorSet.validators,
		conflictingProposer: validatorSet.proposer,
		commonHeight: safeInteger(proto.commonHeight, "common height of evidence"),
		byzantineValidators: proto.byzantineValidators.map(validatorFromProto),
		totalVotingPower: proto.totalVotingPower,
		timestamp: proto.timestamp,
	};
	conflictingSets.set(evidence, validatorSet);
	validateLightClientAttack(evidence, blockProtocol);
	return evidence;
}

export function evidenceToProto(evidence: Evidence): pb.Evidence {
	return evidence.kind === "duplicateVote"
		? { sum: { kind: "duplicateVoteEvidence", value: duplicateVoteToProto(evidence) } }
		: { sum: { kind: "lightClientAttackEvidence", value: lightClientAttackToProto(evidence) } };
}

/** Checks as `validateEvidence`. The result keeps views of the bytes decoded. @throws DecodeError, ValidationError */
export function evidenceFromProto(proto: pb.Evidence, blockProtocol: bigint = BLOCK_PROTOCOL): Evidence {
	const { sum } = proto;
	if (sum === null) throw new ValidationError("evidence is not recognized");
	return sum.kind === "duplicateVoteEvidence"
		? duplicateVoteFromProto(sum.value)
		: lightClientAttackFromProto(sum.value, blockProtocol);
}

/** With the wrapper that tells the kind. */
export function encodeEvidence(evidence: Evidence): Uint8Array {
	return pb.Evidence.encode(evidenceToProto(evidence));
}

/** @throws DecodeError, ValidationError */
export function decodeEvidence(bytes: Uint8Array, blockProtocol: bigint = BLOCK_PROTOCOL): Evidence {
	return evidenceFromProto(pb.Evidence.decode(bytes), blockProtocol);
}

/** Structure and consistency; signatures and powers are checked against the chain elsewhere. @throws ValidationError */
export function validateEvidence(evidence: Evidence, blockProtocol: bigint = BLOCK_PROTOCOL): void {
	if (evidence.kind === "duplicateVote") validateDuplicateVote(evidence);
	else validateLightClientAttack(evidence, blockProtocol);
}

function validateDuplicateVote({ voteA, voteB }: DuplicateVoteEvidence): void {
	validateVote(voteA);
	validateVote(voteB);
	if (compareBlockIds(voteA.blockId, voteB.blockId) >= 0) {
		throw new ValidationError("duplicate votes in invalid order");
	}
}

function validateLightClientAttack(evidence: LightClientAttackEvidence, blockProtocol: bigint): void {
	const { header } = evidence.conflictingHeader;
	if (evidence.totalVotingPower <= 0n) throw new ValidationError("negative or zero total voting power");
	if (evidence.commonHeight <= 0) throw new ValidationError("negative or zero common height");
	if (evidence.commonHeight > header.height) {
		throw new ValidationError("common height is ahead of the conflicting block height");
	}
	const lightBlock = { signedHeader: evidence.conflictingHeader, validatorSet: conflictingValidatorSet(evidence) };
	validateLightBlock(lightBlock, header.chainId, blockProtocol);
}
