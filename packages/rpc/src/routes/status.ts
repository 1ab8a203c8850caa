import { addressOf } from "@cairn/crypto";
import { CairnError } from "@cairn/kit";
import type { BlockMeta } from "@cairn/types";
import type { RpcEnvironment } from "../environment.ts";
import { jsonNodeInfo } from "../json/network.ts";
import { type Json, jsonHex, jsonInt64, jsonTime } from "../json/text.ts";
import { jsonPublicKey } from "../json/validator.ts";
import { latestKnownHeight } from "./heights.ts";
import { type Route, route } from "./route.ts";

/** Code of the error that says what is wrong with the node; over HTTP it has status 503. */
export const UNHEALTHY = "unhealthy";

const health = route("health", {}, {}, (environment) => {
	const trouble = environment.trouble();
	if (trouble !== null) throw new CairnError(UNHEALTHY, "operator", trouble);
	return "{}";
});

const status = route("status", {}, {}, (environment) => {
	const { blockStore, network } = environment;
	const { height } = blockStore;
	const latest = height === 0 ? null : blockStore.loadBlockMeta(height);
	return (
		`{"node_info":${jsonNodeInfo(network.nodeInfo)},"sync_info":{${blockFields("latest", latest, height)},` +
		`${blockFields("earliest", blockStore.loadBaseMeta(), null)},"catching_up":${environment.isSyncing()}},` +
		`"validator_info":${jsonOwnValidator(environment)}}`
	);
});

/** Go's zero for the time of a block that is not there is 1970. */
function blockFields(name: string, meta: BlockMeta | null, height: number | null): string {
	const none = new Uint8Array(0);
	return (
		`"${name}_block_hash":${jsonHex(meta?.blockId.hash ?? none)},` +
		`"${name}_app_hash":${jsonHex(meta?.header.appHash ?? none)},` +
		`"${name}_block_height":${jsonInt64(height ?? meta?.header.height ?? 0)},` +
		`"${name}_block_time":${jsonTime(meta?.header.time ?? 0n)}`
	);
}

/** The power that this node's key has now, not the one it had in the last block. */
function jsonOwnValidator(environment: RpcEnvironment): Json {
	const { validatorKey, stateStore } = environment;
	if (validatorKey === null) return '{"address":"","pub_key":null,"voting_power":"0"}';
	const address = addressOf(validatorKey);
	const set = stateStore.loadValidatorsFast(latestKnownHeight(environment));
	const power = set?.getByAddress(address)?.validator.votingPower ?? 0n;
	return `{"address":${jsonHex(address)},"pub_key":${jsonPublicKey(validatorKey)},"voting_power":${jsonInt64(power)}}`;
}

export const STATUS_ROUTES: readonly Route[] = [health, status];
