import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { privateKey, publicKeyOf } from "@cairn/crypto";
import { fromHex, fromUtf8, toHex } from "@cairn/kit";
import { memoryWorld } from "@cairn/world";
import {
	checkCompatible,
	decodeNodeInfo,
	encodeNodeInfoDelimited,
	type NodeInfo,
	validateNodeInfo,
} from "./node-info.ts";
import { loadOrMakeNodeKey, nodeIdOf, nodeKeyOf, nodeKeyToJson, parseNodeKey } from "./node-key.ts";
import { readVectors } from "./test-vector.ts";

interface NodeInfoCase {
	readonly name: string;
	readonly delimited_hex: string;
	readonly validate_error: string | null;
	readonly ok_node_compatible_with_this_error: string | null;
}

const { node_infos } = readVectors<{ node_infos: readonly NodeInfoCase[] }>("invalid.json");

/** Skips the length: one byte below 128, two below 16384. */
function withoutLength(delimited: Uint8Array): Uint8Array {
	return delimited.subarray((delimited[0] ?? 0) < 0x80 ? 1 : 2);
}

function infoNamed(name: string): NodeInfo {
	const found = node_infos.find((each) => each.name === name);
	assert.ok(found !== undefined);
	return decodeNodeInfo(withoutLength(fromHex(found.delimited_hex)));
}

describe("node info against CometBFT", () => {
	for (const { name, delimited_hex, validate_error, ok_node_compatible_with_this_error } of node_infos) {
		it(`judges "${name}" as Go does`, () => {
			const info = decodeNodeInfo(withoutLength(fromHex(delimited_hex)));
			assert.equal(toHex(encodeNodeInfoDelimited(info)), delimited_hex);
			const validate = (): void => validateNodeInfo(info);
			if (validate_error === null) validate();
			else assert.throws(validate, { code: "p2p-bad-node-info", blame: "peer" });
			const compare = (): void => checkCompatible(infoNamed("ok"), info);
			if (ok_node_compatible_with_this_error === null) compare();
			else assert.throws(compare, { code: "p2p-incompatible", blame: "peer" });
		});
	}

	it("fits everyone without channels of its own", () => {
		checkCompatible({ ...infoNamed("ok"), channels: new Uint8Array(0) }, infoNamed("no common channel"));
	});

	it("refuses what does not decode", () => {
		assert.throws(() => decodeNodeInfo(Uint8Array.of(0x0a, 0x7f)), { code: "p2p-bad-node-info", blame: "peer" });
	});

	it("accepts a listen address that is a name without looking it up", () => {
		validateNodeInfo({ ...infoNamed("ok"), listenAddress: "tcp://node-1.example.invalid:26656" });
	});
});

interface KeyCase {
	readonly type: string;
	readonly priv_key_bytes: string;
	readonly node_key_json?: string;
	readonly node_id?: string;
}

describe("node key against CometBFT", () => {
	const keys = readVectors<{ cases: readonly KeyCase[] }>("keys.json").cases;
	const nodeKeys = keys.filter((each) => each.node_id !== undefined && each.node_id !== "");

	it("has vectors", () => assert.ok(nodeKeys.length > 0));

	for (const { type, priv_key_bytes, node_key_json = "", node_id = "" } of nodeKeys) {
		it(`reads and writes ${node_id}`, () => {
			const key = parseNodeKey(node_key_json);
			assert.equal(key.id, node_id);
			assert.equal(nodeKeyToJson(key), node_key_json);
			assert.equal(nodeIdOf(publicKeyOf(privateKey(type, fromHex(priv_key_bytes)))), node_id);
		});
	}

	it("must be ed25519", () => {
		const other = keys.find((each) => each.type === "secp256k1");
		assert.ok(other !== undefined);
		assert.throws(() => nodeKeyOf(privateKey(other.type, fromHex(other.priv_key_bytes))), { code: "node-key" });
	});

	it("names the file and what is wrong, never the key", () => {
		const secret = "c2VjcmV0c2VjcmV0c2VjcmV0";
		for (const text of [
			"",
			"{}",
			"[]",
			'{"priv_key":null}',
			`{"priv_key":{"type":"x","value":"${secret}"}}`,
			`{"priv_key":{"type":"tendermint/PrivKeyEd25519","value":"${secret}"}}`,
		]) {
			assert.throws(
				() => parseNodeKey(text, "config/node_key.json"),
				(error: Error & { code?: string; blame?: string }) =>
					error.code === "node-key" &&
					error.blame === "operator" &&
					error.message.includes("config/node_key.json") &&
					!error.message.includes(secret),
			);
		}
	});

	it("is made once and then kept", async () => {
		const world = memoryWorld({ seed: "key" });
		const made = await loadOrMakeNodeKey(world.disk, world.random, "/node_key.json");
		const text = fromUtf8((await world.disk.read("/node_key.json")) ?? new Uint8Array(0));
		assert.equal(text, nodeKeyToJson(made));
		assert.equal((await loadOrMakeNodeKey(world.disk, world.random, "/node_key.json")).id, made.id);
	});
});
