import { type StoreWrite, utf8 } from "@cairn/kit";
import type { ConsensusParams, Height, ValidatorSet } from "@cairn/types";
import { consensusParamsToProto } from "@cairn/types";
import { state as stateProto, types as typesProto } from "@cairn/types/proto";

/**
 * Keys and values of CometBFT's `state.db` (state/store.go). A validator set is written out only at heights where it
 * changed and every 100000 heights; other heights hold a pointer. The same goes for consensus parameters.
 */
export const VALIDATOR_SET_CHECKPOINT_INTERVAL = 100_000;

export const STATE_KEY = utf8("stateKey");
export const LAST_RESPONSE_KEY = utf8("lastABCIResponseKey");
export const OFFLINE_STATE_SYNC_HEIGHT_KEY = utf8("offlineStateSyncHeightKey");

export function validatorsKey(height: Height): Uint8Array {
	return utf8(`validatorsKey:${height}`);
}

export function consensusParamsKey(height: Height): Uint8Array {
	return utf8(`consensusParamsKey:${height}`);
}

export function responsesKey(height: Height): Uint8Array {
	return utf8(`abciResponsesKey:${height}`);
}

/** The height at or below `height` whose record holds the whole validator set. */
export function lastStoredHeight(height: Height, lastHeightChanged: Height): Height {
	return Math.max(height - (height % VALIDATOR_SET_CHECKPOINT_INTERVAL), lastHeightChanged);
}

export function validatorsWrite(height: Height, lastHeightChanged: Height, set: ValidatorSet): StoreWrite {
	const isWhole = height === lastHeightChanged || height % VALIDATOR_SET_CHECKPOINT_INTERVAL === 0;
	const info = { lastHeightChanged: BigInt(lastHeightChanged), validatorSet: isWhole ? set.toProto() : null };
	return { key: validatorsKey(height), value: stateProto.ValidatorsInfo.encode(info) };
}

export function consensusParamsWrite(height: Height, lastHeightChanged: Height, params: ConsensusParams): StoreWrite {
	const consensusParams =
		height === lastHeightChanged ? consensusParamsToProto(params) : typesProto.ConsensusParams.create();
	const info = { lastHeightChanged: BigInt(lastHeightChanged), consensusParams };
	return { key: consensusParamsKey(height), value: stateProto.ConsensusParamsInfo.encode(info) };
}

/** True for the record of a height at which the parameters did not change: it only points to where they did. */
export function isParamsPointer({ consensusParams }: stateProto.ConsensusParamsInfo): boolean {
	return typesProto.ConsensusParams.encode(consensusParams).length === 0;
}
