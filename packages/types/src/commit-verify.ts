import { KEY_SIZES, type PublicKey, type SignatureClaim } from "@cairn/crypto";
import { bytesEqual, toUpperHex, ValidationError } from "@cairn/kit";
import { blockIdsEqual } from "./block-id.ts";
import { commitVoteSignBytes, voteExtensionSignBytes } from "./canonical.ts";
import { validateCommitSig } from "./commit.ts";
import { ensureExtensions, extendedCommitToCommit, extendedCommitToVote } from "./extended-commit.ts";
import {
	BLOCK_ID_FLAG_ABSENT,
	BLOCK_ID_FLAG_COMMIT,
	type BlockId,
	type Commit,
	type CommitSig,
	type ExtendedCommit,
	type Height,
	type Validator,
} from "./model.ts";
import type { ValidatorSet } from "./validator-set.ts";

/** Says whether a signature is good; a caller may remember answers. */
export type SignatureVerifier = (publicKey: PublicKey, message: Uint8Array, signature: Uint8Array) => boolean;

/** A share of voting power, as 1/3 or 2/3. */
export interface Fraction {
	readonly numerator: bigint;
	readonly denominator: bigint;
}

/** The signatures are fine as far as they go, but too little power stands behind them. */
export class NotEnoughVotingPowerError extends ValidationError {
	readonly got: bigint;
	/** The power must exceed this. */
	readonly needed: bigint;

	constructor(got: bigint, needed: bigint) {
		super(`invalid commit: insufficient voting power: got ${got}, needed more than ${needed}`, {
			got: String(got),
			needed: String(needed),
		});
		this.name = "NotEnoughVotingPowerError";
		this.got = got;
		this.needed = needed;
	}
}

const INT64_MAX = 9223372036854775807n;

/** Which entries of a commit are looked at, and how many. */
interface Rule {
	readonly isIgnored: (sig: CommitSig) => boolean;
	/** False: entries are checked only until the power suffices. */
	readonly checksAll: boolean;
	/** Entry i belongs to validator i; otherwise validators are found by address, and unknown ones are skipped. */
	readonly byIndex: boolean;
	readonly needed: bigint;
}

const isAbsent = (sig: CommitSig): boolean => sig.blockIdFlag === BLOCK_ID_FLAG_ABSENT;
const isNotForBlock = (sig: CommitSig): boolean => sig.blockIdFlag !== BLOCK_ID_FLAG_COMMIT;

/**
 * More than 2/3 of the set signed the commit, and all its signatures are good, those for nil included
 * (`types/validation.go`, as everything here). The commit must have passed `validateCommit`. @throws ValidationError
 */
export function verifyCommit(
	chainId: string,
	validators: ValidatorSet,
	blockId: BlockId,
	height: Height,
	commit: Commit,
	verify: SignatureVerifier,
): void {
	checkFit(validators, blockId, height, commit);
	const rule = { isIgnored: isAbsent, checksAll: true, byIndex: true, needed: twoThirds(validators) };
	verifyByRule(chainId, validators, commit, rule, verify);
}

/** More than 2/3 of the set signed the commit; signatures beyond that are not looked at. @throws ValidationError */
export function verifyCommitLight(
	chainId: string,
	validators: ValidatorSet,
	blockId: BlockId,
	height: Height,
	commit: Commit,
	verify: SignatureVerifier,
): void {
	checkFit(validators, blockId, height, commit);
	const rule = { isIgnored: isNotForBlock, checksAll: false, byIndex: true, needed: twoThirds(validators) };
	verifyByRule(chainId, validators, commit, rule, verify);
}

/** As `verifyCommitLight`, all signatures for the block being checked. @throws ValidationError */
export function verifyCommitLightAllSignatures(
	chainId: string,
	validators: ValidatorSet,
	blockId: BlockId,
	height: Height,
	commit: Commit,
	verify: SignatureVerifier,
): void {
	checkFit(validators, blockId, height, commit);
	const rule = { isIgnored: isNotForBlock, checksAll: true, byIndex: true, needed: twoThirds(validators) };
	verifyByRule(chainId, validators, commit, rule, verify);
}

/**
 * More than `trustLevel` of a set that is trusted, and need not be the one that made the commit, signed it; signatures
 * beyond that are not looked at. @throws NotEnoughVotingPowerError, ValidationError
 */
export function verifyCommitLightTrusting(
	chainId: string,
	validators: ValidatorSet,
	commit: Commit,
	trustLevel: Fraction,
	verify: SignatureVerifier,
): void {
	const needed = powerOfFraction(validators, trustLevel);
	const rule = { isIgnored: isNotForBlock, checksAll: false, byIndex: false, needed };
	verifyByRule(chainId, validators, commit, rule, verify);
}

/** As `verifyCommitLightTrusting`, all signatures for the block being checked. @throws ValidationError */
export function verifyCommitLightTrustingAllSignatures(
	chainId: string,
	validators: ValidatorSet,
	commit: Commit,
	trustLevel: Fraction,
	verify: SignatureVerifier,
): void {
	const needed = powerOfFraction(validators, trustLevel);
	const rule = { isIgnored: isNotForBlock, checksAll: true, byIndex: false, needed };
	verifyByRule(chainId, validators, commit, rule, verify);
}

/**
 * As `verifyCommit`, and every precommit for the block carries a signed extension. The commit must have passed
 * `validateExtendedCommit`. @throws ValidationError
 */
export function verifyExtendedCommit(
	chainId: string,
	validators: ValidatorSet,
	blockId: BlockId,
	height: Height,
	commit: ExtendedCommit,
	verify: SignatureVerifier,
): void {
	ensureExtensions(commit, true);
	verifyCommit(chainId, validators, blockId, height, extendedCommitToCommit(commit), verify);
	for (const [i, { blockIdFlag, extensionSignature }] of commit.signatures.entries()) {
		if (blockIdFlag !== BLOCK_ID_FLAG_COMMIT) continue;
		const { publicKey } = validators.getByIndex(i) as Validator;
		const message = voteExtensionSignBytes(chainId, extendedCommitToVote(commit, i));
		if (!verify(publicKey, message, extensionSignature)) {
			throw new ValidationError("invalid vote extension signature", { index: i });
		}
	}
}

/**
 * The signatures that `verifyCommit` would check, for callers that verify elsewhere: if all are good, so is the commit.
 * @throws ValidationError for anything but a wrong signature
 */
export function commitClaims(
	chainId: string,
	validators: ValidatorSet,
	blockId: BlockId,
	height: Height,
	commit: Commit,
): SignatureClaim[] {
	checkFit(validators, blockId, height, commit);
	const rule = { isIgnored: isAbsent, checksAll: true, byIndex: true, needed: twoThirds(validators) };
	return claimsWithPower(chainId, validators, commit, rule);
}

/** As `commitClaims`, for `verifyCommitLight`. @throws ValidationError */
export function commitLightClaims(
	chainId: string,
	validators: ValidatorSet,
	blockId: BlockId,
	height: Height,
	commit: Commit,
): SignatureClaim[] {
	checkFit(validators, blockId, height, commit);
	const rule = { isIgnored: isNotForBlock, checksAll: false, byIndex: true, needed: twoThirds(validators) };
	return claimsWithPower(chainId, validators, commit, rule);
}

function claimsWithPower(chainId: string, validators: ValidatorSet, commit: Commit, rule: Rule): SignatureClaim[] {
	const { claims, power } = collect(chainId, validators, commit, rule);
	if (power <= rule.needed) throw new NotEnoughVotingPowerError(power, rule.needed);
	return claims;
}

function twoThirds(validators: ValidatorSet): bigint {
	return (validators.totalPower * 2n) / 3n;
}

function powerOfFraction(validators: ValidatorSet, { numerator, denominator }: Fraction): bigint {
	if (denominator === 0n) throw new ValidationError("trust level has zero denominator");
	const product = validators.totalPower * numerator;
	if (product > INT64_MAX) throw new ValidationError("trust level has too great a numerator");
	return product / denominator;
}

function checkFit(validators: ValidatorSet, blockId: BlockId, height: Height, commit: Commit): void {
	if (validators.size !== commit.signatures.length) {
		throw new ValidationError("invalid commit: wrong set size", {
			expected: validators.size,
			got: commit.signatures.length,
		});
	}
	if (height !== commit.height) {
		throw new ValidationError("invalid commit: wrong height", { expected: height, got: commit.height });
	}
	if (!blockIdsEqual(blockId, commit.blockId)) throw new ValidationError("invalid commit: wrong block id");
}

function verifyByRule(
	chainId: string,
	validators: ValidatorSet,
	commit: Commit,
	rule: Rule,
	verify: SignatureVerifier,
): void {
	// Go tells missing power before wrong signatures where it verifies in batch, and after them where it does not. Light
	// clients treat the two differently, so the order is kept.
	if (isVerifiedInBatch(validators, commit)) {
		verifyClaims(claimsWithPower(chainId, validators, commit, rule), verify);
		return;
	}
	const { claims, power } = collect(chainId, validators, commit, rule);
	verifyClaims(claims, verify);
	if (power <= rule.needed) throw new NotEnoughVotingPowerError(power, rule.needed);
}

function isVerifiedInBatch(validators: ValidatorSet, commit: Commit): boolean {
	const isBatchable = validators.proposer?.publicKey.type === "ed25519" && validators.allKeysHaveSameType;
	return isBatchable && commit.signatures.length >= 2;
}

function verifyClaims(claims: readonly SignatureClaim[], verify: SignatureVerifier): void {
	for (const { publicKey, message, signature } of claims) {
		if (!verify(publicKey, message, signature)) {
			throw new ValidationError("invalid commit: wrong signature", { signature: toUpperHex(signature) });
		}
	}
}

/** The signatures that the rule asks for and the power of those for the block. */
function collect(
	chainId: string,
	validators: ValidatorSet,
	commit: Commit,
	rule: Rule,
): { claims: SignatureClaim[]; power: bigint } {
	const claims: SignatureClaim[] = [];
	const seen = new Set<number>();
	let power = 0n;
	for (const [i, sig] of commit.signatures.entries()) {
		if (rule.isIgnored(sig)) continue;
		validateCommitSig(sig);
		const validator = rule.byIndex ? validatorAt(validators, i, sig) : validatorOf(validators, sig, seen);
		if (validator === null) continue;
		const { publicKey, votingPower } = validator;
		if (sig.signature.length !== KEY_SIZES[publicKey.type].signature) {
			throw new ValidationError("invalid commit: malformed signature", { index: i });
		}
		claims.push({ publicKey, message: commitVoteSignBytes(chainId, commit, i), signature: sig.signature });
		if (sig.blockIdFlag === BLOCK_ID_FLAG_COMMIT) power += votingPower;
		if (!rule.checksAll && power > rule.needed) break;
	}
	return { claims, power };
}

function validatorAt(validators: ValidatorSet, index: number, sig: CommitSig): Validator {
	const validator = validators.getByIndex(index) as Validator;
	if (!bytesEqual(validator.address, sig.validatorAddress)) {
		throw new ValidationError("invalid commit: validator address mismatch", { index });
	}
	return validator;
}

function validatorOf(validators: ValidatorSet, sig: CommitSig, seen: Set<number>): Validator | null {
	const place = validators.getByAddress(sig.validatorAddress);
	if (place === null) return null;
	if (seen.has(place.index)) {
		throw new ValidationError("invalid commit: double vote", { address: toUpperHex(sig.validatorAddress) });
	}
	seen.add(place.index);
	return place.validator;
}
