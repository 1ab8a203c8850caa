import assert from "node:assert/strict";
import { test } from "node:test";
import { CairnError, concatBytes, fromUtf8, toHex, utf8, ValidationError } from "@cairn/kit";
import fc from "fast-check";
import { sha256 } from "./hash.ts";
import { formatKeyPath, parseKeyPath } from "./key-path.ts";
import { type MerkleProof, merkleLeafHash, merkleProofs } from "./merkle.ts";
import { type ProofOperator, ProofRuntime, verifyProofOperators } from "./proof-operator.ts";
import { decodeValueProof, encodeValueProof, keyValueLeaf, VALUE_PROOF_TYPE } from "./value-proof.ts";

/** Gives one output for one input: the layer that CometBFT's own tests chain (crypto/merkle/proof_test.go). */
function domino(key: string, input: string, output: string): ProofOperator {
	return {
		key: utf8(key),
		run(values) {
			if (values.length !== 1 || fromUtf8(values[0] as Uint8Array) !== input) throw new ValidationError("wrong input");
			return [utf8(output)];
		},
	};
}

const one = domino("KEY1", "INPUT1", "INPUT2");
const two = domino("KEY2", "INPUT2", "INPUT3");
const three = domino("", "INPUT3", "INPUT4");
const four = domino("KEY4", "INPUT4", "OUTPUT4");

test("chained layers consume the key path from its end", () => {
	const chain = [one, two, three, four];
	const values = [utf8("INPUT1")];
	verifyProofOperators(chain, utf8("OUTPUT4"), "/KEY4/KEY2/KEY1", values);
	const refused: [ProofOperator[], string, string, string][] = [
		[chain, "OUTPUT4", "/KEY4/KEY2/KEY1", "INPUT1_WRONG"],
		[chain, "OUTPUT4", "/KEY3/KEY2/KEY1", "INPUT1"],
		[chain, "OUTPUT4", "KEY4/KEY2/KEY1", "INPUT1"],
		[chain, "OUTPUT4", "/KEY4/KEY2/KEY1/", "INPUT1"],
		[chain, "OUTPUT4", "//KEY4/KEY2/KEY1", "INPUT1"],
		[chain, "OUTPUT4", "/KEY2/KEY1", "INPUT1"],
		[chain, "OUTPUT4_WRONG", "/KEY4/KEY2/KEY1", "INPUT1"],
		[chain, "", "/KEY4/KEY2/KEY1", "INPUT1"],
		[[one, two, four], "OUTPUT4", "/KEY4/KEY2/KEY1", "INPUT1"],
		[[four, three, two, one], "OUTPUT4", "/KEY4/KEY2/KEY1", "INPUT1"],
		[[], "OUTPUT4", "/KEY4/KEY2/KEY1", "INPUT1"],
	];
	for (const [operators, root, path, input] of refused) {
		assert.throws(
			() => verifyProofOperators(operators, utf8(root), path, [utf8(input)]),
			CairnError,
			`${path} ${input}`,
		);
	}
	assert.throws(() => verifyProofOperators([], new Uint8Array(0), "/", []), CairnError);
});

/** The proofs of a small application state, one pair per entry. */
function stateOf(pairs: readonly (readonly [string, string])[]) {
	return merkleProofs(pairs.map(([key, value]) => keyValueLeaf(utf8(key), utf8(value))));
}

test("a value proof travels and verifies; another value, key or root does not", () => {
	const { root, proofs } = stateOf([
		["device/1", "22.5"],
		["device/2", "23.0"],
		["device/3", "19.1"],
	]);
	const runtime = new ProofRuntime();
	const op = encodeValueProof(utf8("device/2"), proofs[1] as MerkleProof);
	runtime.verifyValue([op], root, "/device%2F2", utf8("23.0"));
	runtime.verifyValue([op], root, `/x:${toHex(utf8("device/2"))}`, utf8("23.0"));
	assert.throws(() => runtime.verifyValue([op], root, "/device%2F2", utf8("23.1")), ValidationError);
	assert.throws(() => runtime.verifyValue([op], root, "/device%2F1", utf8("23.0")), ValidationError);
	assert.throws(() => runtime.verifyValue([op], sha256(root), "/device%2F2", utf8("23.0")), ValidationError);
	assert.throws(() => runtime.verifyAbsence([op], root, "/device%2F2"), ValidationError);
	assert.throws(() => runtime.verifyValue([{ ...op, type: "iavl:v" }], root, "/x", utf8("")), /unknown type "iavl:v"/);
	assert.throws(() => runtime.register(VALUE_PROOF_TYPE, decodeValueProof), /already registered/);
});

test("a forged proof with total 0 does not verify against an empty root (VSA-2022-100)", () => {
	const leafHash = merkleLeafHash(concatBytes(Uint8Array.of(1, 0x13, 32), sha256(Uint8Array.of(0x37))));
	const op = encodeValueProof(Uint8Array.of(0x13), { total: 0, index: 0, leafHash, aunts: [] });
	assert.throws(
		() => new ProofRuntime().verifyValue([op], new Uint8Array(0), "/\x13", Uint8Array.of(0x37)),
		ValidationError,
	);
});

test("the bytes of a value proof are Go's", () => {
	// tendermint.crypto.ValueOp{key, proof{total 2, index 1, leaf_hash, aunts}}, fields in order.
	const proof = { total: 2, index: 1, leafHash: new Uint8Array(32).fill(1), aunts: [new Uint8Array(32).fill(2)] };
	const { data } = encodeValueProof(utf8("k"), proof);
	assert.equal(toHex(data), `0a016b1248080210011a20${"01".repeat(32)}2220${"02".repeat(32)}`);
});

test("malformed proof bytes are refused with a typed error, never accepted", () => {
	const key = utf8("k");
	const { root, proofs } = stateOf([
		["k", "v"],
		["l", "w"],
	]);
	const good = encodeValueProof(key, proofs[0] as MerkleProof);
	assert.throws(() => decodeValueProof({ ...good, data: new Uint8Array(0) }), /holds no Merkle proof/);
	assert.throws(() => decodeValueProof({ ...good, type: "other" }), CairnError);
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(good.data.length - 1), (noise, at) => {
			for (const data of [noise, concatBytes(good.data.subarray(0, at), noise)]) {
				if (toHex(data) === toHex(good.data)) continue;
				try {
					decodeValueProof({ ...good, data }).run([utf8("not the value")]);
					assert.fail("accepted another value");
				} catch (error) {
					assert.ok(error instanceof CairnError, String(error));
				}
			}
		}),
	);
	new ProofRuntime().verifyValue([good], root, "/k", utf8("v"));
});

test("key paths round-trip in both encodings", () => {
	const keys = fc.array(
		fc.record({ key: fc.uint8Array({ maxLength: 12 }), encoding: fc.constantFrom("url" as const, "hex" as const) }),
		{
			minLength: 1,
			maxLength: 5,
		},
	);
	fc.assert(
		fc.property(keys, (parts) => {
			// Text that itself starts with "x:" must be written in hex: the format has no other way.
			fc.pre(parts.every(({ key, encoding }) => encoding === "hex" || fromUtf8(key.subarray(0, 2)) !== "x:"));
			assert.deepEqual(
				parseKeyPath(formatKeyPath(parts)),
				parts.map(({ key }) => key),
			);
		}),
	);
	const path = formatKeyPath([
		{ key: utf8("App"), encoding: "url" },
		{ key: utf8("a b/ü"), encoding: "url" },
		{ key: Uint8Array.of(1, 2, 0xab), encoding: "hex" },
	]);
	assert.equal(path, "/App/a%20b%2F%C3%BC/x:0102AB");
	for (const bad of ["", "App", "/x:0", "/x:zz", "/%", "/%4", "/%zz"])
		assert.throws(() => parseKeyPath(bad), CairnError, bad);
});
