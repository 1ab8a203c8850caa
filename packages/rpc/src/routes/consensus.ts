import { CairnError } from "@cairn/kit";
import { consensusParamsToJson, type Height } from "@cairn/types";
import type { RpcEnvironment } from "../environment.ts";
import { jsonRoundState, jsonRoundStateSimple } from "../json/round-state.ts";
import { escapeHtml, type Json, jsonInt64, jsonList } from "../json/text.ts";
import { jsonValidator } from "../json/validator.ts";
import { OPTIONAL_INT, OPTIONAL_INT64 } from "../parse/param-kinds.ts";
import { heightOf, latestKnownHeight } from "./heights.ts";
import { pageOf } from "./pages.ts";
import { type Route, route } from "./route.ts";

const validators = route(
	"validators",
	{ height: OPTIONAL_INT64, page: OPTIONAL_INT, per_page: OPTIONAL_INT },
	{ cache: ["height"] },
	(environment, values) => {
		const height = heightOf(environment, latestKnownHeight(environment), values.height);
		const set = environment.stateStore.loadValidators(height);
		if (set === null) {
			const text = `could not find validator set for height #${height}`;
			throw new CairnError("no-validators", "operator", text, { height });
		}
		const { start, end } = pageOf(values.page, values.per_page, set.size);
		const page = set.validators.slice(start, end);
		return (
			`{"block_height":${jsonInt64(height)},"validators":${jsonList(page, jsonValidator)},` +
			`"count":${jsonInt64(page.length)},"total":${jsonInt64(set.size)}}`
		);
	},
);

const consensusParams = route(
	"consensus_params",
	{ height: OPTIONAL_INT64 },
	{ cache: ["height"] },
	(environment, values) => {
		const height = heightOf(environment, latestKnownHeight(environment), values.height);
		return `{"block_height":${jsonInt64(height)},"consensus_params":${jsonParams(environment, height)}}`;
	},
);

function jsonParams({ stateStore }: RpcEnvironment, height: Height): Json {
	const params = stateStore.loadConsensusParams(height);
	if (params === null) {
		const text = `could not find consensus params for height #${height}`;
		throw new CairnError("no-params", "operator", text, { height });
	}
	return escapeHtml(JSON.stringify(consensusParamsToJson(params)));
}

const dumpConsensusState = route("dump_consensus_state", {}, {}, ({ consensus }) => {
	const state = roundStateOf(consensus);
	const peers = escapeHtml(JSON.stringify(consensus.peerStates()));
	return `{"round_state":${jsonRoundState(state, consensus.bodies)},"peers":${peers}}`;
});

const consensusState = route("consensus_state", {}, {}, ({ consensus }) => {
	return `{"round_state":${jsonRoundStateSimple(roundStateOf(consensus))}}`;
});

function roundStateOf(consensus: RpcEnvironment["consensus"]) {
	const state = consensus.roundState();
	if (state === null) throw new CairnError("no-consensus", "operator", "consensus has not started yet");
	return state;
}

export const CONSENSUS_ROUTES: readonly Route[] = [validators, dumpConsensusState, consensusState, consensusParams];
