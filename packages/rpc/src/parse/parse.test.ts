import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { toHex } from "@cairn/kit";
import { decodeEvidence, evidenceToProto } from "@cairn/types";
import fc from "fast-check";
import { jsonEvidence } from "../json/evidence.ts";
import { GO_JSON_CASES } from "../testing/go-json-cases.ts";
import { readEvidence } from "./evidence.ts";
import { goBase64, goHex } from "./go-bytes.ts";
import { GoJson } from "./go-json.ts";
import { syntaxFault } from "./go-scanner.ts";
import { goInteger, goString, goTime } from "./go-values.ts";
import { parseRequestUri, parseUriQuery } from "./uri.ts";

describe("bad JSON is described in Go's words", () => {
	// Each as encoding/json of Go 1.26 says it.
	const faults: readonly (readonly [string, string])[] = [
		["", "unexpected end of JSON input"],
		["{not json", "invalid character 'n' looking for beginning of object key string"],
		["abc", "invalid character 'a' looking for beginning of value"],
		["{", "unexpected end of JSON input"],
		['{"a"', "unexpected end of JSON input"],
		['{"a" 1}', "invalid character '1' after object key"],
		['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
		['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
		["[1 2]", "invalid character '2' after array element"],
		["[1,]", "invalid character ']' looking for beginning of value"],
		["1 2", "invalid character '2' after top-level value"],
		["tru", "invalid character ' ' in literal true (expecting 'e')"],
		["nil", "invalid character 'i' in literal null (expecting 'u')"],
		["-", "invalid character ' ' in numeric literal"],
		["-x", "invalid character 'x' in numeric literal"],
		["1.", "invalid character ' ' after decimal point in numeric literal"],
		["1e+", "invalid character ' ' in exponent of numeric literal"],
		["01", "invalid character '1' after top-level value"],
		['"a', "unexpected end of JSON input"],
		['"\u0001"', "invalid character '\\x01' in string literal"],
		['"\n"', "invalid character '\\n' in string literal"],
		['"\\q"', "invalid character 'q' in string escape code"],
		['"\\u00g0"', "invalid character 'g' in \\u hexadecimal character escape"],
		["é", "invalid character 'Ã' looking for beginning of value"],
		["'", "invalid character '\\'' looking for beginning of value"],
		["\u007f", "invalid character '\\x7f' looking for beginning of value"],
		["[".repeat(10_001), "exceeded max depth"],
	];
	for (const [text, fault] of faults) {
		test(JSON.stringify(text.slice(0, 20)), () => assert.equal(syntaxFault(text), fault));
	}

	test("there is a fault exactly where there is one", () => {
		const almostJson = fc
			.tuple(fc.json(), fc.nat(), fc.constantFrom("", " ", ",", '"', "\\", "}", "]", "{", "0", "-", "e", "\u0002"))
			.map(([json, at, inserted]) => {
				const place = at % (json.length + 1);
				return json.slice(0, place) + inserted + json.slice(place + (at % 2));
			});
		fc.assert(
			fc.property(fc.oneof(almostJson, fc.json(), fc.string()), (text) => {
				let isJson = true;
				try {
					JSON.parse(text);
				} catch {
					isJson = false;
				}
				assert.equal(syntaxFault(text) === undefined, isJson);
			}),
		);
	});
});

describe("JSON values keep the text they were written in", () => {
	test("members, items and texts", () => {
		const json = GoJson.parse(' { "a" : [ 1.0 , "x,]\\"" , {} ] , "b":null, "a" : -0 } ');
		assert.deepEqual(
			json.pairs().map(([name, { text, kind }]) => [name, text, kind]),
			[
				["a", '[ 1.0 , "x,]\\"" , {} ]', "array"],
				["b", "null", "null"],
				["a", "-0", "number"],
			],
		);
		assert.equal(json.members().get("a")?.text, "-0");
		assert.deepEqual(
			json
				.pairs()[0]?.[1]
				.items()
				.map(({ text }) => text),
			["1.0", '"x,]\\""', "{}"],
		);
	});

	test("whatever JSON.parse reads, so do we", () => {
		const read = (json: GoJson): unknown => {
			if (json.kind === "object")
				return Object.fromEntries([...json.members()].map(([name, each]) => [name, read(each)]));
			return json.kind === "array" ? json.items().map(read) : JSON.parse(json.text);
		};
		const safe = fc.jsonValue().filter((value) => !JSON.stringify(value).includes('"__proto__"'));
		fc.assert(
			fc.property(safe, fc.constantFrom(undefined, "\t", " "), (value, space) => {
				assert.deepEqual(read(GoJson.parse(JSON.stringify(value, null, space))), JSON.parse(JSON.stringify(value)));
			}),
		);
	});

	test("integers of 64 bits stand in quotes; null is zero", () => {
		assert.equal(goInteger('"-9223372036854775808"', "int64"), -(2n ** 63n));
		assert.equal(goInteger('" 5 "', "int64"), 5n);
		assert.equal(goInteger("null", "uint"), 0n);
		const refused = (text: string, message: string, type: "int64" | "uint" = "int64"): void => {
			assert.throws(() => goInteger(text, type), { message });
		};
		refused("5", 'invalid 64-bit integer encoding "5", expected string');
		refused('"', 'invalid 64-bit integer encoding "\\"", expected string');
		refused('"1.5"', "json: cannot unmarshal number 1.5 into Go value of type int64");
		refused('"9223372036854775808"', "json: cannot unmarshal number 9223372036854775808 into Go value of type int64");
		refused('"-1"', "json: cannot unmarshal number -1 into Go value of type uint", "uint");
		refused('"{}"', "json: cannot unmarshal object into Go value of type int64");
		refused('""', "unexpected end of JSON input");
	});

	test("texts hold characters only", () => {
		assert.equal(goString('"\\ud800x\\ud83d\\ude00"'), "\ufffdx😀");
		assert.throws(() => goString("{}"), { message: "json: cannot unmarshal object into Go value of type string" });
	});

	test("times end in Z", () => {
		assert.equal(goTime('"1970-01-01T00:00:00.5Z"'), 500_000_000n);
		assert.throws(() => goTime('"1970-01-01T00:00:00+01:00"'), /must be UTC and end with 'Z'/);
		assert.throws(() => goTime("5"), /must be an RFC3339 string/);
	});
});

describe("bytes are read as Go reads them", () => {
	test("base64: padding is needed, line breaks are skipped, faults have their place", () => {
		assert.equal(toHex(goBase64("YW\nI=\r\n")), "6162");
		const places: readonly (readonly [string, number])[] = [
			["!!notb64", 0],
			["YWI", 0],
			["YWJj YWI=", 4],
			["YW=", 3],
			["YW=x", 2],
			["Y===", 1],
			["YWI=x", 4],
			["YWI==", 4],
			["é===", 0],
		];
		for (const [text, place] of places) {
			assert.throws(() => goBase64(text), { message: `illegal base64 data at input byte ${place}` }, text);
		}
	});

	test("base64 of bytes gives the bytes, in memory of their own", () => {
		fc.assert(
			fc.property(fc.uint8Array(), (bytes) => {
				const read = goBase64(Buffer.from(bytes).toString("base64"));
				assert.deepEqual(read, bytes);
				assert.equal(read.buffer.byteLength, bytes.length);
			}),
		);
	});

	test("hexadecimal", () => {
		assert.equal(toHex(goHex("aB01")), "ab01");
		assert.throws(() => goHex("abc"), { message: "encoding/hex: odd length hex string" });
		assert.throws(() => goHex("0g"), { message: "encoding/hex: invalid byte: U+0067 'g'" });
		assert.throws(() => goHex("\n0"), { message: "encoding/hex: invalid byte: U+000A" });
		assert.throws(() => goHex("é"), { message: "encoding/hex: invalid byte: U+00C3 'Ã'" });
	});
});

describe("addresses of requests", () => {
	test("path and query are taken apart and unescaped", () => {
		const uri = parseRequestUri("/tx_search?query=%22tx.height=4%22&page=1&page=2&x=a+b#part");
		assert.equal(uri?.path, "/tx_search");
		assert.deepEqual(
			[...(uri?.query ?? [])],
			[
				["query", '"tx.height=4"'],
				["page", "1"],
				["x", "a b"],
			],
		);
		assert.equal(parseRequestUri("http://host:1/block?height=5")?.path, "/block");
		assert.equal(parseRequestUri("/bl%6fck")?.path, "/block");
		assert.equal(parseRequestUri("/%zz"), null);
	});

	test("malformed pairs are left out", () => {
		assert.deepEqual(
			[...parseUriQuery("a=%zz&b;c=1&=5&d&e=%")],
			[
				["", "5"],
				["d", ""],
			],
		);
	});
});

describe("evidence", () => {
	test("what we show of it can be sent back", () => {
		const cases = GO_JSON_CASES.filter(({ kind }) => kind === "evidence");
		assert.ok(cases.length >= 2);
		for (const { hex } of cases) {
			const evidence = decodeEvidence(Buffer.from(hex, "hex"));
			assert.deepEqual(readEvidence(jsonEvidence(evidence)), evidenceToProto(evidence));
		}
	});

	test("what is missing is zero, what is wrong is named", () => {
		const type = '"type":"tendermint/DuplicateVoteEvidence"';
		assert.equal(readEvidence("null"), null);
		const empty = readEvidence(`{${type},"value":{}}`);
		assert.equal(empty?.sum?.kind === "duplicateVoteEvidence" ? empty.sum.value.voteA : undefined, null);
		assert.throws(() => readEvidence("{}"), { message: "interface type cannot be empty" });
		assert.throws(() => readEvidence(`{${type}}`), { message: "interface value cannot be empty" });
		assert.throws(() => readEvidence('{"type":"x","value":1}'), { message: 'unknown type "x"' });
		assert.throws(() => readEvidence(`{${type},"value":{"vote_a":{"height":3}}}`), /invalid 64-bit integer/);
	});
});
