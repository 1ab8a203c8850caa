import { DecodeError, EMPTY_BYTES, toUpperHex, ValidationError } from "@cairn/kit";
import { newBlock } from "./block.ts";
import { blockIdFromProto, NIL_BLOCK_ID } from "./block-id.ts";
import { blockProtocolOf } from "./block-protocol.ts";
import { safeInteger } from "./integer.ts";
import { COMETBFT_VERSION } from "./limits.ts";
import {
	BLOCK_ID_FLAG_COMMIT,
	type Block,
	type BlockId,
	type Commit,
	type ConsensusParams,
	type ConsensusVersion,
	type Evidence,
	type GenesisDoc,
	type Height,
	type TimeNs,
} from "./model.ts";
import { consensusParamsFromProto, consensusParamsHash, consensusParamsToProto } from "./params.ts";
import { state as statePb } from "./proto/index.ts";
import { type WeightedTime, weightedMedian } from "./time.ts";
import { newValidator } from "./validator.ts";
import { ValidatorSet } from "./validator-set.ts";

/** What a node must know of the chain up to its last block in order to judge the next one (`state/state.go`). */
export interface ChainState {
	readonly version: { readonly consensus: ConsensusVersion; readonly software: string };
	readonly chainId: string;
	readonly initialHeight: Height;
	/** 0 before the first block. */
	readonly lastBlockHeight: Height;
	readonly lastBlockId: BlockId;
	/** The genesis time before the first block. */
	readonly lastBlockTime: TimeNs;
	/** Decide the block after the next. */
	readonly nextValidators: ValidatorSet;
	/** Decide the next block. */
	readonly validators: ValidatorSet;
	/** Signed the last block; empty before the second. */
	readonly lastValidators: ValidatorSet;
	readonly lastHeightValidatorsChanged: Height;
	readonly consensusParams: ConsensusParams;
	readonly lastHeightConsensusParamsChanged: Height;
	readonly lastResultsHash: Uint8Array;
	readonly appHash: Uint8Array;
}

/** The state before the first block. @throws ValidationError if the validators of the genesis do not make a set */
export function genesisState(doc: GenesisDoc, software: string = COMETBFT_VERSION): ChainState {
	const validators = ValidatorSet.create(doc.validators.map(({ publicKey, power }) => newValidator(publicKey, power)));
	return {
		version: { consensus: { block: blockProtocolOf(doc.consensusEngine), app: 0n }, software },
		chainId: doc.chainId,
		initialHeight: doc.initialHeight,
		lastBlockHeight: 0,
		lastBlockId: NIL_BLOCK_ID,
		lastBlockTime: doc.genesisTime,
		nextValidators: validators.size === 0 ? validators : validators.copyIncrementProposerPriority(1),
		validators,
		lastValidators: ValidatorSet.EMPTY,
		lastHeightValidatorsChanged: doc.initialHeight,
		consensusParams: doc.consensusParams,
		lastHeightConsensusParamsChanged: doc.initialHeight,
		lastResultsHash: EMPTY_BYTES,
		appHash: doc.appHash,
	};
}

export function stateToProto(state: ChainState): statePb.State {
	return {
		version: state.version,
		chainId: state.chainId,
		initialHeight: BigInt(state.initialHeight),
		lastBlockHeight: BigInt(state.lastBlockHeight),
		lastBlockId: state.lastBlockId,
		lastBlockTime: state.lastBlockTime,
		nextValidators: state.nextValidators.toProto(),
		validators: state.validators.toProto(),
		lastValidators: state.lastBlockHeight >= 1 ? state.lastValidators.toProto() : null,
		lastHeightValidatorsChanged: BigInt(state.lastHeightValidatorsChanged),
		consensusParams: consensusParamsToProto(state.consensusParams),
		lastHeightConsensusParamsChanged: BigInt(state.lastHeightConsensusParamsChanged),
		lastResultsHash: state.lastResultsHash,
		appHash: state.appHash,
	};
}

/** @throws DecodeError, ValidationError */
export function stateFromProto(proto: statePb.State): ChainState {
	const lastBlockHeight = safeInteger(proto.lastBlockHeight, "last_block_height");
	const hasLast = lastBlockHeight >= 1;
	return {
		version: proto.version,
		chainId: proto.chainId,
		initialHeight: safeInteger(proto.initialHeight, "initial_height"),
		lastBlockHeight,
		lastBlockId: blockIdFromProto(proto.lastBlockId),
		lastBlockTime: proto.lastBlockTime,
		nextValidators: ValidatorSet.fromProto(proto.nextValidators),
		validators: ValidatorSet.fromProto(proto.validators),
		lastValidators: hasLast ? ValidatorSet.fromProto(proto.lastValidators) : ValidatorSet.EMPTY,
		lastHeightValidatorsChanged: safeInteger(proto.lastHeightValidatorsChanged, "last_height_validators_changed"),
		consensusParams: consensusParamsFromProto(proto.consensusParams),
		lastHeightConsensusParamsChanged: safeInteger(
			proto.lastHeightConsensusParamsChanged,
			"last_height_consensus_params_changed",
		),
		lastResultsHash: proto.lastResultsHash,
		appHash: proto.appHash,
	};
}

export function encodeState(state: ChainState): Uint8Array {
	return statePb.State.encode(stateToProto(state));
}

/** The result keeps views of `bytes`. @throws DecodeError, ValidationError */
export function decodeState(bytes: Uint8Array): ChainState {
	if (bytes.length === 0) throw new DecodeError("state is empty");
	return stateFromProto(statePb.State.decode(bytes));
}

/**
 * Time of the block that carries this commit: the median of the times in the votes for the block, weighted by power. As
 * v0.40.0, and unlike v0.38 and v0.39, votes for nil do not count. @throws ValidationError if a voter is not in the set
 */
export function medianTime(commit: Commit, validators: ValidatorSet): TimeNs {
	const times: WeightedTime[] = [];
	let total = 0n;
	for (const { blockIdFlag, validatorAddress, timestamp } of commit.signatures) {
		if (blockIdFlag !== BLOCK_ID_FLAG_COMMIT) continue;
		const place = validators.getByAddress(validatorAddress);
		if (place === null) {
			throw new ValidationError(`commit: validator ${toUpperHex(validatorAddress)} is not in the validator set`);
		}
		const weight = place.validator.votingPower;
		total += weight;
		times.push({ time: timestamp, weight });
	}
	return weightedMedian(times, total);
}

/** Time that the block at `height` must have. @throws ValidationError as `medianTime` */
export function nextBlockTime(state: ChainState, height: Height, lastCommit: Commit): TimeNs {
	return height === state.initialHeight ? state.lastBlockTime : medianTime(lastCommit, state.lastValidators);
}

/**
 * The next block (`State.MakeBlock`): contents as given, the rest of the header from the state.
 * @throws ValidationError
 */
export function makeBlock(
	state: ChainState,
	height: Height,
	txs: readonly Uint8Array[],
	lastCommit: Commit,
	evidence: readonly Evidence[],
	proposerAddress: Uint8Array,
): Block {
	const draft = {
		version: state.version.consensus,
		chainId: state.chainId,
		height,
		time: nextBlockTime(state, height, lastCommit),
		lastBlockId: state.lastBlockId,
		validatorsHash: state.validators.hash(),
		nextValidatorsHash: state.nextValidators.hash(),
		consensusHash: consensusParamsHash(state.consensusParams),
		appHash: state.appHash,
		lastResultsHash: state.lastResultsHash,
		proposerAddress,
	};
	return newBlock(draft, txs, lastCommit, evidence);
}
