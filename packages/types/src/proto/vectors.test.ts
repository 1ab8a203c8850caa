import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { DecodeError, fromHex, toHex } from "@cairn/kit";
import { codecByName, encodeDelimited, fromProtoJson, type Json, readDelimited, toProtoJson } from "./index.ts";

const vectors = new URL("../../../../vectors/", import.meta.url);

function load(name: string): Record<string, unknown> {
	return JSON.parse(readFileSync(new URL(name, vectors), "utf8"));
}

function codecOf(type: string) {
	const codec = codecByName.get(type);
	assert.ok(codec, type);
	return codec;
}

test("every message of the real node encodes from JSON, and encodes again from bytes, to the same bytes", () => {
	const cases = load("proto.json").cases as { type: string; name: string; json: Json; hex: string }[];
	assert.ok(cases.length > 900);
	for (const { type, name, json, hex } of cases) {
		const label = `${type}: ${name}`;
		const codec = codecOf(type);
		assert.equal(toHex(codec.encode(fromProtoJson(type, json))), hex, label);
		const decoded = codec.decode(fromHex(hex));
		assert.equal(toHex(codec.encode(decoded)), hex, label);
		assert.deepEqual(codec.encode(fromProtoJson(type, toProtoJson(type, decoded))), fromHex(hex), label);
	}
});

test("JSON made of decoded messages is the JSON that the real node prints", () => {
	const cases = load("proto.json").cases as { type: string; name: string; json: Json; hex: string }[];
	for (const { type, name, json, hex } of cases) {
		const ours = toProtoJson(type, codecOf(type).decode(fromHex(hex)));
		assert.deepEqual(ours, withoutNils(json), `${type}: ${name}`);
	}
});

/** Go tells nil from empty: `[]` for an empty list, `null` for nil bytes in a list. The wire does not. */
function withoutNils(json: Json): Json {
	if (Array.isArray(json)) return json.map((item: Json) => (item === null ? "" : withoutNils(item)));
	if (typeof json !== "object" || json === null) return json;
	const kept = Object.entries(json).filter(([, value]) => !(Array.isArray(value) && value.length === 0));
	return Object.fromEntries(kept.map(([name, value]) => [name, withoutNils(value)]));
}

test("ABCI messages with their length before them", () => {
	const cases = load("abci-delimited.json").cases as { type: string; json: Json; delimited_hex: string }[];
	assert.ok(cases.length > 0);
	for (const { type, json, delimited_hex: hex } of cases) {
		const codec = codecOf(type);
		assert.equal(toHex(encodeDelimited(codec.encode(fromProtoJson(type, json)))), hex);
		const bytes = fromHex(hex);
		const found = readDelimited(bytes, 0, bytes.length);
		assert.ok(found);
		assert.equal(found.next, bytes.length);
		assert.equal(toHex(encodeDelimited(codec.encode(codec.decode(found.message)))), hex);
	}
});

test("what gogoproto cannot unmarshal we refuse, what it can we decode", () => {
	const messages = load("invalid.json").messages as {
		decoder: string;
		name: string;
		hex: string | null;
		failed_stage: string | null;
	}[];
	let refused = 0;
	for (const { decoder, name, hex, failed_stage: stage } of messages) {
		// One message is too large to be listed; its unmarshalling succeeds anyway.
		if (hex === null) continue;
		const codec = codecOf(`tendermint.${decoder.split(" ")[0]}`);
		if (stage === "unmarshal") {
			assert.throws(() => codec.decode(fromHex(hex)), DecodeError, name);
			refused++;
		} else if (!stage?.startsWith("FilterMsgBytes")) codec.decode(fromHex(hex));
	}
	assert.ok(refused >= 9);
});
