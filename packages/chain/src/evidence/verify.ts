import { addressOf } from "@cairn/crypto";
import { bytesEqual, ValidationError } from "@cairn/kit";
import {
	blockIdsEqual,
	byzantineValidatorsOf,
	type ConsensusParams,
	conflictingValidatorSet,
	type DuplicateVoteEvidence,
	type Height,
	headerHash,
	isConflictingHeaderInvalid,
	type LightClientAttackEvidence,
	type SignatureVerifier,
	type SignedHeader,
	type TimeNs,
	type Validator,
	type ValidatorSet,
	type Vote,
	verifyCommitLightAllSignatures,
	verifyCommitLightTrustingAllSignatures,
	voteSignBytes,
} from "@cairn/types";

/** Trust level at which a light client skips heights (light.DefaultTrustLevel). */
const DEFAULT_TRUST_LEVEL = { numerator: 1n, denominator: 3n };

/** True only when BOTH limits of age have passed. */
export function isEvidenceExpired(
	now: { readonly height: Height; readonly time: TimeNs },
	evidence: { readonly height: Height; readonly time: TimeNs },
	params: ConsensusParams["evidence"],
): boolean {
	return (
		now.time - evidence.time > params.maxAgeDuration && BigInt(now.height - evidence.height) > params.maxAgeNumBlocks
	);
}

/** Both votes are of one validator, for one position, for different blocks, and really signed. @throws ValidationError */
export function verifyDuplicateVote(
	evidence: DuplicateVoteEvidence,
	chainId: string,
	validators: ValidatorSet,
	verify: SignatureVerifier,
): void {
	const { voteA, voteB } = evidence;
	const place = validators.getByAddress(voteA.validatorAddress);
	if (place === null) throw new ValidationError(`the accused was not a validator at height ${voteA.height}`);
	const { validator } = place;
	if (voteA.height !== voteB.height || voteA.round !== voteB.round || voteA.type !== voteB.type) {
		throw new ValidationError("height, round or type of the two votes do not match");
	}
	if (!bytesEqual(voteA.validatorAddress, voteB.validatorAddress)) {
		throw new ValidationError("validator addresses of the two votes do not match");
	}
	if (blockIdsEqual(voteA.blockId, voteB.blockId)) {
		throw new ValidationError("block IDs are the same: not a real duplicate vote");
	}
	if (!bytesEqual(addressOf(validator.publicKey), voteA.validatorAddress)) {
		throw new ValidationError("address does not match the public key");
	}
	if (validator.votingPower !== evidence.validatorPower) {
		throw new ValidationError("validator power from evidence and our validator set does not match");
	}
	checkTotalPower(evidence.totalVotingPower, validators);
	for (const vote of [voteA, voteB]) checkVoteSignature(vote, chainId, validator, verify);
}

function checkVoteSignature(vote: Vote, chainId: string, validator: Validator, verify: SignatureVerifier): void {
	if (!verify(validator.publicKey, voteSignBytes(chainId, vote), vote.signature)) {
		throw new ValidationError("invalid signature of a duplicate vote");
	}
}

function checkTotalPower(claimed: bigint, validators: ValidatorSet): void {
	if (claimed !== validators.totalPower) {
		throw new ValidationError("total voting power from the evidence and our validator set does not match", {
			claimed: String(claimed),
			ours: String(validators.totalPower),
		});
	}
}

/**
 * The conflicting block could have fooled a light client that trusted the common height, and the accused are exactly
 * those who made it (evidence/verify.go VerifyLightClientAttack). @throws ValidationError
 * @param trusted our own header at the conflicting height, or our latest one for an attack from the future.
 */
export function verifyLightClientAttack(
	evidence: LightClientAttackEvidence,
	common: SignedHeader,
	trusted: SignedHeader,
	commonValidators: ValidatorSet,
	verify: SignatureVerifier,
): void {
	const { header, commit } = evidence.conflictingHeader;
	const chainId = trusted.header.chainId;
	if (common.header.height !== header.height) {
		verifyCommitLightTrustingAllSignatures(chainId, commonValidators, commit, DEFAULT_TRUST_LEVEL, verify);
	} else if (isConflictingHeaderInvalid(evidence, trusted.header)) {
		throw new ValidationError("at the common height the conflicting block must be correctly derived, and it is not");
	}
	const conflicting = conflictingValidatorSet(evidence);
	verifyCommitLightAllSignatures(chainId, conflicting, commit.blockId, header.height, commit, verify);
	checkTotalPower(evidence.totalVotingPower, commonValidators);
	if (header.height > trusted.header.height && header.time > trusted.header.time) {
		throw new ValidationError("conflicting block doesn't violate monotonically increasing time");
	}
	if (bytesEqual(headerHash(trusted.header), headerHash(header))) {
		throw new ValidationError("trusted header hash matches the evidence's conflicting header hash");
	}
	checkAccused(evidence, byzantineValidatorsOf(evidence, commonValidators, trusted));
}

function checkAccused(evidence: LightClientAttackEvidence, expected: readonly Validator[]): void {
	const accused = evidence.byzantineValidators;
	if (accused.length !== expected.length) {
		throw new ValidationError(
			`expected ${expected.length} byzantine validators from evidence but got ${accused.length}`,
		);
	}
	for (const [index, validator] of expected.entries()) {
		const claimed = accused[index];
		if (claimed === undefined || !bytesEqual(claimed.address, validator.address)) {
			throw new ValidationError(`evidence accuses an unexpected validator at position ${index}`);
		}
		if (claimed.votingPower !== validator.votingPower) {
			throw new ValidationError(`evidence has an unexpected power of the accused at position ${index}`);
		}
		if (!bytesEqual(addressOf(claimed.publicKey), claimed.address)) {
			throw new ValidationError(`address of the accused at position ${index} does not match its public key`);
		}
	}
}
