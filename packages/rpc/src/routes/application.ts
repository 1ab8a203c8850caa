import { INFO_REQUEST } from "@cairn/chain";
import { jsonAppInfo, jsonQueryResponse } from "../json/abci.ts";
import { BOOL, HEX_BYTES, INT64, STRING } from "../parse/param-kinds.ts";
import { type Route, route } from "./route.ts";

export const APPLICATION_ROUTES: readonly Route[] = [
	route(
		"abci_query",
		{ path: STRING, data: HEX_BYTES, height: INT64, prove: BOOL },
		{},
		async ({ application }, { path, data, height, prove }) => {
			const response = await application.query.query({ path, data, height, prove });
			return `{"response":${jsonQueryResponse(response)}}`;
		},
	),
	// The answer changes with every block, and yet CometBFT lets caches keep it.
	route("abci_info", {}, { cache: [] }, async ({ application }) => {
		return `{"response":${jsonAppInfo(await application.query.info(INFO_REQUEST))}}`;
	}),
];
