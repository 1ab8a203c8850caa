import { isKeyType, sha256 } from "@cairn/crypto";
import { DecodeError, ValidationError } from "@cairn/kit";
import { safeInteger } from "./integer.ts";
import { MAX_AUTHORITY_LENGTH, MAX_BLOCK_SIZE_BYTES, MAX_VOTES_COUNT, maxCommitBytes } from "./limits.ts";
import type { ConsensusParams, Height } from "./model.ts";
import { types as pb, textToBytes } from "./proto/index.ts";

/** What a genesis file without parameters gets in CometBFT v0.40.0: 21 MiB of data beside the greatest commit. */
export function defaultConsensusParams(): ConsensusParams {
	return {
		block: { maxBytes: BigInt(22_020_096 + maxCommitBytes(MAX_VOTES_COUNT)), maxGas: -1n },
		evidence: { maxAgeNumBlocks: 100_000n, maxAgeDuration: 172_800_000_000_000n, maxBytes: 1_048_576n },
		validator: { pubKeyTypes: ["ed25519"] },
		version: { app: 0n },
		abci: { voteExtensionsEnableHeight: 0 },
		authority: "",
	};
}

/** SHA-256 over the only two parameters that headers pin: `block.max_bytes` and `block.max_gas`. */
export function consensusParamsHash({ block }: ConsensusParams): Uint8Array {
	return sha256(pb.HashedParams.encode({ blockMaxBytes: block.maxBytes, blockMaxGas: block.maxGas }));
}

/** Whether precommits of that height carry extensions. */
export function areVoteExtensionsEnabled({ abci }: ConsensusParams, height: Height): boolean {
	return abci.voteExtensionsEnableHeight !== 0 && abci.voteExtensionsEnableHeight <= height;
}

/** `block.max_bytes` as a number of bytes, the greatest size for -1. */
export function maxBlockBytes({ block }: ConsensusParams): number {
	return block.maxBytes === -1n ? MAX_BLOCK_SIZE_BYTES : Number(block.maxBytes);
}

/** Bounds of every parameter (`ConsensusParams.ValidateBasic`). @throws ValidationError */
export function validateConsensusParams(params: ConsensusParams): void {
	validateBlockParams(params);
	validateEvidenceParams(params);
	if (params.abci.voteExtensionsEnableHeight < 0) {
		throw new ValidationError("abci.vote_extensions_enable_height cannot be negative");
	}
	const { pubKeyTypes } = params.validator;
	if (pubKeyTypes.length === 0) throw new ValidationError("validator.pub_key_types must not be empty");
	for (const type of pubKeyTypes) {
		if (!isKeyType(type)) throw new ValidationError(`validator.pub_key_types: unknown type ${JSON.stringify(type)}`);
	}
	if (textToBytes(params.authority).length > MAX_AUTHORITY_LENGTH) {
		throw new ValidationError(`authority exceeds ${MAX_AUTHORITY_LENGTH} bytes`);
	}
}

function validateBlockParams({ block: { maxBytes, maxGas } }: ConsensusParams): void {
	if (maxBytes === 0n || maxBytes < -1n)
		throw new ValidationError(`block.max_bytes must be -1 or positive: ${maxBytes}`);
	if (maxBytes > BigInt(MAX_BLOCK_SIZE_BYTES)) {
		throw new ValidationError(`block.max_bytes is too big: ${maxBytes} > ${MAX_BLOCK_SIZE_BYTES}`);
	}
	if (maxGas < -1n) throw new ValidationError(`block.max_gas must be -1 or greater: ${maxGas}`);
}

function validateEvidenceParams({ block, evidence }: ConsensusParams): void {
	if (evidence.maxAgeNumBlocks <= 0n) throw new ValidationError("evidence.max_age_num_blocks must be greater than 0");
	if (evidence.maxAgeDuration <= 0n) throw new ValidationError("evidence.max_age_duration must be greater than 0");
	const limit = block.maxBytes === -1n ? BigInt(MAX_BLOCK_SIZE_BYTES) : block.maxBytes;
	if (evidence.maxBytes > limit) {
		throw new ValidationError(`evidence.max_bytes is greater than block.max_bytes: ${evidence.maxBytes} > ${limit}`);
	}
	if (evidence.maxBytes < 0n) throw new ValidationError("evidence.max_bytes must not be negative");
}

/** The parameters with what the application changed; groups that it left out stay. @throws DecodeError */
export function updateConsensusParams(params: ConsensusParams, update: pb.ConsensusParams | null): ConsensusParams {
	if (update === null) return params;
	const { block, evidence, validator, version, abci, authority } = update;
	return {
		block: block === null ? params.block : { maxBytes: block.maxBytes, maxGas: block.maxGas },
		evidence: evidence === null ? params.evidence : { ...evidence },
		validator: validator === null ? params.validator : { pubKeyTypes: [...validator.pubKeyTypes] },
		version: version === null ? params.version : { app: version.app },
		abci: abci === null ? params.abci : abciFromProto(abci),
		authority: authority === null ? params.authority : authority.authority,
	};
}

function abciFromProto({ voteExtensionsEnableHeight }: pb.ABCIParams): ConsensusParams["abci"] {
	return { voteExtensionsEnableHeight: safeInteger(voteExtensionsEnableHeight, "vote_extensions_enable_height") };
}

/**
 * Checks a change of the height at which vote extensions begin, asked for at `height`
 * (`ConsensusParams.ValidateUpdate`): it may move only in the future, and extensions once begun do not end.
 * @throws ValidationError
 */
export function validateConsensusParamUpdate(
	params: ConsensusParams,
	update: pb.ConsensusParams | null,
	height: Height,
): void {
	if (update === null || update.abci === null) return;
	const current = BigInt(params.abci.voteExtensionsEnableHeight);
	const wanted = update.abci.voteExtensionsEnableHeight;
	const now = BigInt(height);
	if (wanted < 0n) throw new ValidationError("vote_extensions_enable_height must be positive");
	if (wanted === current || (wanted === 0n && current <= 0n)) return;
	if (wanted !== 0n && wanted <= now) {
		throw new ValidationError("vote extensions cannot begin at a past or current height", {
			wanted: String(wanted),
			height,
		});
	}
	if (current > 0n && current <= now) {
		throw new ValidationError("vote extensions cannot be changed once they have begun", {
			began: String(current),
			height,
		});
	}
}

export function consensusParamsToProto(params: ConsensusParams): pb.ConsensusParams {
	const { block, evidence, validator, version, abci, authority } = params;
	return {
		block,
		evidence,
		validator,
		version,
		abci: { voteExtensionsEnableHeight: BigInt(abci.voteExtensionsEnableHeight) },
		authority: { authority },
	};
}

/** Does not check bounds, see `validateConsensusParams`. @throws DecodeError if a group that Go needs is missing */
export function consensusParamsFromProto(proto: pb.ConsensusParams): ConsensusParams {
	const { block, evidence, validator, version, abci, authority } = proto;
	if (block === null || evidence === null || validator === null || version === null) {
		throw new DecodeError("consensus parameters are incomplete");
	}
	return {
		block: { ...block },
		evidence: { ...evidence },
		validator: { pubKeyTypes: [...validator.pubKeyTypes] },
		version: { ...version },
		abci: abci === null ? { voteExtensionsEnableHeight: 0 } : abciFromProto(abci),
		authority: authority === null ? "" : authority.authority,
	};
}

export function encodeConsensusParams(params: ConsensusParams): Uint8Array {
	return pb.ConsensusParams.encode(consensusParamsToProto(params));
}

/** @throws DecodeError */
export function decodeConsensusParams(bytes: Uint8Array): ConsensusParams {
	return consensusParamsFromProto(pb.ConsensusParams.decode(bytes));
}
