import assert from "node:assert/strict";
import { test } from "node:test";
import { fromHex, toHex } from "@cairn/kit";
import fc from "fast-check";
import {
	blockProtocolOf,
	consensusParamsToProto,
	DEFAULT_CONSENSUS_ENGINE,
	decodeState,
	encodeState,
	GO_ZERO_TIME,
	genesisState,
	genesisToJson,
	newValidator,
	parseGenesis,
	ValidatorSet,
} from "./index.ts";
import { toProtoJson } from "./proto/index.ts";
import { errorOf, loadVector, timeOf } from "./support.test.ts";

const vectors = loadVector("genesis-parse.json");

test("genesis files are taken and refused as Go does, field by field", () => {
	assert.ok(vectors.cases.length >= 40);
	for (const vector of vectors.cases) {
		const error = errorOf(() => parseGenesis(vector.json));
		assert.equal(error === null, vector.accepted, `${vector.name}: ${error?.message}`);
		if (!vector.accepted) continue;
		const doc = parseGenesis(vector.json);
		assert.equal(doc.chainId, vector.chain_id ?? doc.chainId, vector.name);
		assert.equal(toHex(doc.appHash), vector.app_hash ?? "", vector.name);
		assert.equal(doc.appState, vector.app_state ?? "", vector.name);
		assert.equal(String(doc.initialHeight), vector.initial_height ?? "1", vector.name);
		if (vector.genesis_time) assert.equal(doc.genesisTime, timeOf(vector.genesis_time), vector.name);
		const params = toProtoJson("tendermint.types.ConsensusParams", consensusParamsToProto(doc.consensusParams));
		if (vector.consensus_params) assert.deepEqual(params, vector.consensus_params, vector.name);
		assert.deepEqual(doc.consensusEngine, DEFAULT_CONSENSUS_ENGINE);
	}
});

test("the state before the first block is Go's, byte for byte", () => {
	let compared = 0;
	for (const vector of vectors.cases) {
		if (!vector.accepted) continue;
		const doc = parseGenesis(vector.json);
		if (vector.make_genesis_state_error) {
			assert.ok(
				errorOf(() => genesisState(doc)),
				vector.name,
			);
			continue;
		}
		const state = genesisState(doc);
		if (vector.validator_hash) assert.equal(toHex(state.validators.hash()), vector.validator_hash, vector.name);
		if (!vector.state_proto || doc.genesisTime === GO_ZERO_TIME) continue;
		assert.equal(toHex(encodeState(state)), vector.state_proto, vector.name);
		compared++;
		if (doc.validators.length > 0)
			assert.deepEqual(encodeState(decodeState(encodeState(state))), fromHex(vector.state_proto));
		else
			assert.ok(
				errorOf(() => decodeState(encodeState(state))),
				"as Go, a state without validators cannot be read",
			);
	}
	assert.ok(compared > 5);
});

test("files of the real node are written again byte for byte", () => {
	// The genesis of chain-single was edited by hand: its time has a zero at the end, which Go never writes.
	const files: string[] = ["chain-four", "chain-short"].map((name) => loadVector(`chain/${name}.json`).genesis_json);
	for (const sample of loadVector("config-samples.json").samples) {
		for (const [name, text] of Object.entries<string>(sample.files))
			if (name.endsWith("genesis.json")) files.push(text);
	}
	assert.ok(files.length > 4);
	// `init` writes height 0, which means 1.
	const completed = (text: string): string => text.trimEnd().replace('"initial_height": "0"', '"initial_height": "1"');
	for (const text of files) assert.equal(genesisToJson(parseGenesis(text)), completed(text));
});

const MINIMAL = '{"chain_id":"c","genesis_time":"2024-01-02T03:04:05Z"';

test("the application's state is kept as it was written, and indented as Go indents", () => {
	const written = '{ "b":[1, 2,{}],"a" : "x \\" ] <&>", "n":1.50e3,"e":[] }';
	const doc = parseGenesis(`${MINIMAL},"app_state":${written}}`);
	assert.equal(doc.appState, written);
	const text = genesisToJson(doc);
	assert.ok(
		text.endsWith(
			[
				'  "app_hash": "",',
				'  "app_state": {',
				'    "b": [',
				"      1,",
				"      2,",
				"      {}",
				"    ],",
				'    "a": "x \\" ] \\u003c\\u0026\\u003e",',
				'    "n": 1.50e3,',
				'    "e": []',
				"  }",
				"}",
			].join("\n"),
		),
	);
	assert.deepEqual(JSON.parse(parseGenesis(text).appState), JSON.parse(written));
	assert.equal(parseGenesis(`${MINIMAL},"app_state":null}`).appState, "");
});

test("the chain's protocol is a key of its own, which CometBFT does not know", () => {
	const doc = parseGenesis(`${MINIMAL},"consensus_engine":{"name":"jolteon"}}`);
	assert.deepEqual(doc.consensusEngine, { name: "jolteon", rules: "" });
	assert.equal(genesisState(doc).version.consensus.block, 1014n);
	assert.deepEqual(parseGenesis(genesisToJson(doc)), doc);
	const paper = parseGenesis(`${MINIMAL},"consensus_engine":{"name":"tendermint","rules":"paper"}}`);
	assert.equal(blockProtocolOf(paper.consensusEngine), 1011n);
	assert.deepEqual(parseGenesis(genesisToJson(paper)), paper);
	const plain = parseGenesis(`${MINIMAL},"consensus_engine":{"name":"tendermint"}}`);
	assert.deepEqual(plain.consensusEngine, DEFAULT_CONSENSUS_ENGINE);
	assert.ok(!genesisToJson(plain).includes("consensus_engine"));
	for (const engine of ['{"name":"raft"}', '{"rules":"v0.40"}', '"pbft"', '{"name":"tendermint","rules":"v9"}']) {
		assert.ok(
			errorOf(() => parseGenesis(`${MINIMAL},"consensus_engine":${engine}}`)),
			engine,
		);
	}
});

test("a missing genesis time is what the caller says", () => {
	assert.equal(parseGenesis('{"chain_id":"c"}', 77n).genesisTime, 77n);
	assert.equal(parseGenesis('{"chain_id":"c","genesis_time":null}', 77n).genesisTime, 77n);
	assert.equal(parseGenesis(`${MINIMAL}}`, 77n).genesisTime, 1704164645_000000000n);
});

test("nulls, spaces, escapes and repeated keys are read as Go reads them", () => {
	const read = (rest: string) => parseGenesis(`${MINIMAL},${rest}}`);
	assert.equal(read('"initial_height":" 7 "').initialHeight, 7);
	assert.equal(read('"initial_height":"null"').initialHeight, 1);
	assert.equal(read('"initial_height":null').initialHeight, 1);
	assert.equal(read('"initial_height":"3","initial_height":"4"').initialHeight, 4);
	assert.equal(read('"\\u0069nitial_height":"5"').initialHeight, 5);
	assert.equal(read('"Initial_Height":"5"').initialHeight, 1, "keys are told apart by case");
	assert.equal(read('"app_hash":null').appHash.length, 0);
	for (const bad of [
		'"initial_height":"05"',
		'"initial_height":"1.0"',
		'"initial_height":"\\u0035"',
		'"initial_height":""',
		'"initial_height":"9223372036854775808"',
		'"validators":{}',
		'"validators":[null]',
		'"validators":[{"power":"5"}]',
		'"app_hash":5',
		'"consensus_params":{"block":[]}',
		'"consensus_params":{}',
	]) {
		assert.ok(
			errorOf(() => read(bad)),
			bad,
		);
	}
});

test("no text makes the reader throw anything untyped", () => {
	const base: string = loadVector("chain/chain-four.json").genesis_json;
	fc.assert(
		fc.property(fc.nat(base.length - 1), fc.nat(6), fc.string({ maxLength: 3 }), (at, cut, text) => {
			errorOf(() => genesisState(parseGenesis(base.slice(0, at) + text + base.slice(at + cut))));
		}),
		{ numRuns: 400 },
	);
});

test("validators of a genesis rotate as Go's: the next set is one turn ahead", () => {
	const doc = parseGenesis(loadVector("chain/chain-four.json").genesis_json);
	const state = genesisState(doc);
	const set = ValidatorSet.create(doc.validators.map(({ publicKey, power }) => newValidator(publicKey, power)));
	assert.deepEqual(state.validators.validators, set.validators);
	assert.deepEqual(state.nextValidators.validators, set.copyIncrementProposerPriority(1).validators);
});
