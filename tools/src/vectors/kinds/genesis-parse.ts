import { consensusParamsToProto, encodeState, genesisState, parseGenesis } from "@cairn/types";
import { fromProtoJson, type Json, types } from "@cairn/types/proto";
import type { Checker } from "../checker.ts";
import { hex, type JsonTime, same, sameBytes, sameError, sameInteger, sameVerdict, timeOf } from "../expectation.ts";

interface GenesisCase {
	readonly json: string;
	readonly accepted: boolean;
	readonly error: string | null;
	/** Fields from here on only where accepted. */
	readonly chain_id: string;
	readonly initial_height: string;
	readonly app_hash: string;
	readonly app_state: string;
	readonly consensus_params: Json;
	/** Absent where the clock decides. */
	readonly genesis_time?: JsonTime;
	readonly validator_hash?: string;
	readonly validator_hash_error: string | null;
	readonly make_genesis_state_error?: string | null;
	readonly state_proto?: string;
}

function checkGenesis(each: GenesisCase): void {
	same("accepted and error", each.accepted, each.error === null);
	const outcome = sameVerdict("genesis", each.accepted, () => parseGenesis(each.json));
	if (!outcome.accepted) return;
	const doc = outcome.value;
	same("chain_id", doc.chainId, each.chain_id);
	sameInteger("initial_height", doc.initialHeight, each.initial_height);
	sameBytes("app_hash", doc.appHash, each.app_hash);
	same("app_state", doc.appState, each.app_state);
	const params = fromProtoJson("tendermint.types.ConsensusParams", each.consensus_params) as types.ConsensusParams;
	const encode = types.ConsensusParams.encode;
	same("consensus_params", encode(consensusParamsToProto(doc.consensusParams)), encode(params));
	if (each.genesis_time !== undefined) same("genesis_time", doc.genesisTime, timeOf(each.genesis_time));
	const state = sameError("validators", each.validator_hash_error, () => genesisState(doc));
	if (!state.accepted) return;
	sameBytes("validator_hash", state.value.validators.hash(), each.validator_hash);
	if (each.make_genesis_state_error !== undefined)
		same("make_genesis_state_error", null, each.make_genesis_state_error);
	if (each.state_proto !== undefined) same("state_proto", encodeState(state.value), hex(each.state_proto));
}

export const checkGenesisParse: Checker = (file, tally) => {
	const { cases } = file.content as { cases: readonly GenesisCase[] };
	return tally.checkEach("cases", cases, checkGenesis);
};
