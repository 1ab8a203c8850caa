import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "@cairn/kit";
import { abci, state as stateProto } from "@cairn/types/proto";
import fc from "fast-check";
import { encodeFinalizeResponse, encodeResponsesInfo } from "./finalize-responses.ts";

const event: fc.Arbitrary<abci.Event> = fc.record({
	type: fc.string({ unit: "binary" }),
	attributes: fc.array(fc.record({ key: fc.string(), value: fc.string({ maxLength: 300 }), index: fc.boolean() })),
});
const result = fc
	.record({
		code: fc.nat(),
		data: fc.uint8Array(),
		log: fc.string(),
		gasUsed: fc.bigInt(0n, 9n),
		events: fc.array(event),
	})
	.map((fields) => abci.ExecTxResult.create(fields));
const response = fc
	.record({ events: fc.array(event), txResults: fc.array(result, { maxLength: 60 }), appHash: fc.uint8Array() })
	.map((fields) =>
		abci.ResponseFinalizeBlock.create({
			...fields,
			validatorUpdates: [{ pubKey: { sum: { kind: "ed25519", value: utf8("k".repeat(32)) } }, power: 7n }],
		}),
	);

test("a response put together from encoded results is what the codec makes of it", () => {
	fc.assert(
		fc.property(response, fc.nat(), (responseFinalizeBlock, height) => {
			const encoded = encodeFinalizeResponse(responseFinalizeBlock);
			assert.deepEqual(encoded, abci.ResponseFinalizeBlock.encode(responseFinalizeBlock));
			const info = { legacyAbciResponses: null, height: BigInt(height), responseFinalizeBlock };
			assert.deepEqual(encodeResponsesInfo(height, encoded), stateProto.ABCIResponsesInfo.encode(info));
		}),
	);
});
