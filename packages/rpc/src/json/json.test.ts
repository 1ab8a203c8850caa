import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromHex } from "@cairn/kit";
import { decodeEvidence, type GenesisDoc, genesisToJson, NIL_BLOCK_ID, parseGenesis } from "@cairn/types";
import { abci, textOfBytes } from "@cairn/types/proto";
import { GO_JSON_CASES, type GoJsonCase } from "../testing/go-json-cases.ts";
import { recording } from "../testing/vectors.ts";
import {
	jsonAppInfo,
	jsonEvent,
	jsonFinalizeBlock,
	jsonParamUpdates,
	jsonQueryResponse,
	jsonTxResult,
	jsonValidatorUpdate,
} from "./abci.ts";
import { jsonBlockId } from "./block.ts";
import { jsonEventData } from "./events.ts";
import { jsonEvidence } from "./evidence.ts";
import {
	compactJson,
	type Json,
	jsonBytes,
	jsonInt64,
	jsonListOrNull,
	jsonObject,
	jsonOrNull,
	jsonString,
	jsonTyped,
} from "./text.ts";

/** Encodes a case as the program did that printed it. */
function encode({ kind, hex }: GoJsonCase): Json {
	const bytes = fromHex(hex);
	switch (kind) {
		case "ExecTxResult":
			return jsonTxResult(abci.ExecTxResult.decode(bytes));
		case "EventDataTx": {
			const { height, index, tx, result } = abci.TxResult.decode(bytes);
			return `{"d":${jsonEventData({ name: "Tx", height: Number(height), index, tx, result })}}`;
		}
		case "block_results": {
			const results = abci.ResponseFinalizeBlock.decode(bytes);
			return (
				`{"height":"4","txs_results":${jsonListOrNull(results.txResults, jsonTxResult)},` +
				`"finalize_block_events":${jsonListOrNull(results.events, jsonEvent)},` +
				`"validator_updates":${jsonListOrNull(results.validatorUpdates, jsonValidatorUpdate)},` +
				`"consensus_param_updates":${jsonOrNull(results.consensusParamUpdates, jsonParamUpdates)},` +
				`"app_hash":${jsonBytes(results.appHash)}}`
			);
		}
		case "EventDataNewBlock": {
			const result = jsonFinalizeBlock(abci.ResponseFinalizeBlock.decode(bytes));
			const value = `{"block":null,"block_id":${jsonBlockId(NIL_BLOCK_ID)},"result_finalize_block":${result}}`;
			return `{"d":${jsonTyped("tendermint/event/NewBlock", value)}}`;
		}
		case "EventDataNewBlockEvents": {
			const { events } = abci.ResponseFinalizeBlock.decode(bytes);
			return `{"d":${jsonEventData({ name: "NewBlockEvents", height: 6, events, numTxs: 12 })}}`;
		}
		case "abci_query":
			return `{"response":${jsonQueryResponse(abci.ResponseQuery.decode(bytes))}}`;
		case "abci_info":
			return `{"response":${jsonAppInfo(abci.ResponseInfo.decode(bytes))}}`;
		case "evidence":
			return `{"evidence":[${jsonEvidence(decodeEvidence(bytes))}]}`;
		default:
			throw new Error(`unknown kind ${kind}`);
	}
}

describe("JSON is Go's", () => {
	for (const [index, each] of GO_JSON_CASES.entries()) {
		test(`case ${index}: ${each.kind}`, () => assert.equal(encode(each), each.json));
	}

	test("texts: escapes for HTML, control characters, bytes that are no UTF-8", () => {
		assert.equal(jsonString("a<b>&c\u2028\u2029"), '"a\\u003cb\\u003e\\u0026c\\u2028\\u2029"');
		assert.equal(jsonString('"\\/\b\f\n\r\t\u0001\u007f'), '"\\"\\\\/\\b\\f\\n\\r\\t\\u0001\u007f"');
		assert.equal(jsonString(textOfBytes(Uint8Array.of(0x61, 0xff, 0xfe, 0x62))), '"a\\ufffd\\ufffdb"');
		assert.equal(jsonString("\\udc80 as written"), '"\\\\udc80 as written"');
		assert.equal(jsonString("é😀"), '"é😀"');
	});

	test("foreign JSON is closed up outside of texts only", () => {
		assert.equal(compactJson('{ "a b" : [ 1 ,\n\t"x \\" y" , "<" ] }'), '{"a b":[1,"x \\" y","\\u003c"]}');
	});

	test("members that are not given are left out", () => {
		assert.equal(
			jsonObject({ a: undefined, b: jsonInt64(2n ** 64n - 1n), c: undefined }),
			'{"b":"18446744073709551615"}',
		);
		assert.equal(jsonObject({}), "{}");
	});

	test("the state of an application stands in the genesis as it was written, but for spaces", () => {
		const genesis: GenesisDoc = { ...parseGenesis(recording("short").genesis), appState: '{"n": 1.50, "t": "<a b>"}' };
		assert.match(
			compactJson(genesisToJson(genesis)),
			/"app_hash":"","app_state":\{"n":1\.50,"t":"\\u003ca b\\u003e"\}\}$/,
		);
	});
});
