import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { CallRehearsal } from "../testing/call-rehearsal.ts";
import { MASKED_FIELDS, maskAnswer } from "../testing/masked-fields.ts";
import { RECORDINGS, recording } from "../testing/vectors.ts";

describe("recorded calls get CometBFT's answers", () => {
	for (const name of RECORDINGS) {
		test(`${name}: every one in turn`, async () => {
			const rehearsal = await CallRehearsal.open(recording(name));
			after(() => rehearsal.close());
			assert.ok(rehearsal.calls.length > 150);
			for (let index = 0; index < rehearsal.calls.length; index++) await rehearsal.check(index);
		});
	}

	test("masking hides values, but neither keys, nor their order, nor types", () => {
		assert.ok(MASKED_FIELDS.every(({ reason }) => reason.length > 10));
		const route = "dump_consensus_state";
		const answer = (time: string) => `{"result":{"round_state":{"height":"1","start_time":${time}},"peers":[]}}`;
		assert.equal(maskAnswer(route, answer('"2026"')), maskAnswer(route, answer('"2027"')));
		assert.notEqual(maskAnswer(route, answer('"2026"')), maskAnswer(route, answer("2026")));
		const peers = (peer: string) => `{"result":{"peers":[${peer}]}}`;
		assert.equal(maskAnswer(route, peers('{"a":1,"b":"x"}')), maskAnswer(route, peers('{"a":2,"b":"y"}')));
		assert.notEqual(maskAnswer(route, peers('{"a":1,"b":"x"}')), maskAnswer(route, peers('{"b":"x","a":1}')));
		assert.notEqual(maskAnswer(route, peers('{"a":1}')), maskAnswer(route, peers('{"a":"1"}')));
		assert.equal(maskAnswer("block", '{"result": {}}'), '{"result": {}}');
	});
});
