import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "smol-toml";
import { locateKeys } from "./toml-lines.ts";

test("keys, tables and what follows values over several lines are found", () => {
	const text = [
		"# first = 1", //          1
		"moniker = 'a = b' # x", //2
		"[rpc]", //                3
		"  laddr='tcp://[::1]:1'", //4
		"cors = [", //             5
		'  "hidden = 1", # ]', //  6
		"]", //                    7
		'text = """', //           8
		"unsafe = true", //        9
		'""" # end', //            10
		'Unsafe = "\\"#"', //      11
		"[p2p . libp2p]", //       12
		"enabled = false", //      13
		"[[p2p.libp2p.scaler.overrides]]", //14
		"reactor = '[x'", //       15
		"[mempool]", //            16
		'"size" = { a = 1 }', //   17
		"other.dotted = 1", //     18
	].join("\n");
	parse(text);
	assert.deepEqual(Object.fromEntries(locateKeys(text)), {
		moniker: 2,
		rpc: 3,
		"rpc.laddr": 4,
		"rpc.cors": 5,
		"rpc.text": 8,
		"rpc.unsafe": 11,
		"p2p.libp2p": 12,
		"p2p.libp2p.enabled": 13,
		"p2p.libp2p.scaler.overrides": 14,
		"p2p.libp2p.scaler.overrides.reactor": 15,
		mempool: 16,
		"mempool.size": 17,
		"mempool.other.dotted": 18,
	});
});

test("whatever stands in values and comments, each key is found on its own line", () => {
	const printable = fc.string({ unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)) });
	const value = fc.oneof(
		printable.map((text) => JSON.stringify(text)),
		printable.map((text) => `'${text.replaceAll("'", "x")}'`),
		fc
			.array(printable, { minLength: 1 })
			.map((items) => `[\n${items.map((item) => `${JSON.stringify(item)}, # ]`).join("\n")}\n]`),
		printable.map((text) => `"""\n${text.replaceAll("\\", "/").replaceAll('"', "x")}\n"""`),
	);
	fc.assert(
		fc.property(fc.array(fc.tuple(value, printable), { maxLength: 8 }), (entries) => {
			const lines: string[] = [];
			const expected: Record<string, number> = {};
			for (const [index, [text, comment]] of entries.entries()) {
				expected[`key${index}`] = lines.join("\n").split("\n").length + (lines.length === 0 ? 0 : 1);
				lines.push(...`key${index} = ${text} # ${comment}`.split("\n"));
			}
			const document = lines.join("\n");
			parse(document);
			assert.deepEqual(Object.fromEntries(locateKeys(document)), expected);
		}),
	);
});
