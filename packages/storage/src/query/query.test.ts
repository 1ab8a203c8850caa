import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DecodeError } from "@cairn/kit";
import fc from "fast-check";
import { compareDecimals, parseDecimal } from "./decimal.ts";
import { matchesEvents } from "./match.ts";
import { parseDate, parseTime } from "./moment.ts";
import { parseQuery } from "./parse.ts";
import { type Condition, type Operand, queryToString } from "./query.ts";
import { Scanner } from "./scan.ts";

function kindsOf(text: string): string[] {
	const scanner = new Scanner(text);
	const kinds: string[] = [];
	for (;;) {
		const next = scanner.next();
		if (next.kind !== "token") return next.kind === "end" ? kinds : [...kinds, "invalid"];
		kinds.push(next.token.kind);
	}
}

describe("query: tokens", () => {
	const cases: readonly (readonly [string, readonly string[]])[] = [
		["", []],
		[" \t\n\u00a0\u2003", []],
		["0 123 0.32 3.14 5.", ["number", "number", "number", "number", "number"]],
		["foo foo.bar foo-foo.bar foo._bar_bar größe.名", ["tag", "tag", "tag", "tag", "tag"]],
		["'' x 'x y'", ["string", "tag", "string"]],
		["< <= = > >=", ["<", "<=", "=", ">", ">="]],
		["<<===", ["<", "<=", "=", "="]],
		["and AND EXISTS CONTAINS", ["tag", "AND", "EXISTS", "CONTAINS"]],
		["TIME 2021-11-23T15:16:17Z", ["time"]],
		["DATE 2021-11-23", ["date"]],
		["TIME DATE", ["invalid"]],
		["TIME=DATE", ["tag", "=", "tag"]],
		["136E18F7", ["number", "tag"]],
		["-23", ["invalid"]],
		["a & b", ["tag", "invalid"]],
		["33.22.1", ["number", "invalid"]],
		["'never closed", []],
		["DATE 0000-00-00", ["invalid"]],
		["DATE 2021-02-29", ["invalid"]],
		["DATE 1899-12-31", ["invalid"]],
		["TIME 2021-01-01T34:56:78Z", ["invalid"]],
		["TIME 2021-01-01T14:56:08", ["invalid"]],
		["TIME  2021-01-01T14:56:08Z", ["invalid"]],
	];
	for (const [text, kinds] of cases) {
		it(`reads ${JSON.stringify(text)}`, () => assert.deepEqual(kindsOf(text), kinds));
	}
});

describe("query: parsing", () => {
	const valid = [
		"tm.events.type='NewBlock'",
		"tm.events.name = ''",
		"tm.events.type='TIME'",
		"tm.events.type='='",
		"tm.events.type='NewBlock' AND abci.account.name='Igor'",
		"abci.account.name CONTAINS 'Igor'",
		"tx.date > DATE 2013-05-03",
		"tx.date <= TIME 2013-05-03T14:45:00-02:00",
		"tx.date >= TIME 2013-05-03T14:45:00Z",
		"account.balance=100",
		"account.balance >= 200.75",
		"slashing.amount EXISTS AND account.balance=100",
		"slashing EXISTS",
		"cosm-wasm.transfer_amount=100",
		// A quote that is never closed reads as the end of the text behind a whole condition.
		"tm.event='Tx' 'never closed",
	];
	for (const text of valid) {
		it(`accepts ${text}`, () => {
			const query = parseQuery(text);
			const normal = queryToString(query);
			assert.deepEqual(parseQuery(normal), query);
			assert.equal(queryToString(parseQuery(normal)), normal);
		});
	}

	const invalid: readonly (readonly [string, number, string?])[] = [
		["", 0, "offset 0: EOF"],
		["foo", 3, "offset 3: EOF"],
		["tx.height >", 11, "offset 11: EOF"],
		["tx.height = 'abc", 12, "offset 12: EOF"],
		["app.key > 'x'", 10, "offset 10: got string, wanted number, timestamp or datestamp"],
		["tx.height & 4", 10, "offset 10: invalid input & at offset 11"],
		["AND a.b EXISTS", 0, "offset 0: got AND operator, wanted tag"],
		["a.b = 'x' OR c.d = 1", 10],
		["é.b = 'x' OR", 11],
		["tm.events.type=NewBlock", 15],
		["a.b 'x' =", 4],
		["='x'", 0],
		["a.b = 1 AND", 11],
		["a.b CONTAINS 5", 13, "offset 13: got number, wanted string"],
		["account.balance >= -300", 19],
		["account.balance=33.22.1", 21],
		["tx.date >= DATE 0013-01-03", 11, "offset 11: datestamp year 13 out of range"],
		["tx.date >= DATE 2013-31-03", 11],
		["tx.date = TIME 2013-05-:45:00Z", 10],
		["a.b == 1", 5],
	];
	for (const [text, offset, message] of invalid) {
		it(`refuses ${JSON.stringify(text)} at ${offset}`, () => {
			assert.throws(
				() => parseQuery(text),
				(error) => {
					assert.ok(error instanceof DecodeError);
					assert.equal(error.details.offset, offset);
					if (message !== undefined) assert.equal(error.message, message);
					return true;
				},
			);
		});
	}

	it("gives conditions as data", () => {
		assert.deepEqual(parseQuery("a.b>=1.50 AND c EXISTS AND d.e CONTAINS 'it'").conditions, [
			{ tag: "a.b", operator: ">=", operand: { kind: "number", text: "1.50" } },
			{ tag: "c", operator: "EXISTS", operand: null },
			{ tag: "d.e", operator: "CONTAINS", operand: { kind: "string", text: "it" } },
		]);
	});

	it("never throws anything untyped, and reads back what it prints", () => {
		const word = fc.constantFrom(
			"a.b",
			"AND",
			"=",
			"<",
			">=",
			"CONTAINS",
			"EXISTS",
			"'x'",
			"1.5",
			"TIME",
			"DATE 2020-01-01",
			"'",
			" ",
			"é",
		);
		fc.assert(
			fc.property(
				fc.oneof(
					fc.string(),
					fc.array(word).map((words) => words.join(" ")),
				),
				(text) => {
					try {
						const query = parseQuery(text);
						assert.deepEqual(parseQuery(queryToString(query)), query);
					} catch (error) {
						assert.ok(error instanceof DecodeError);
					}
				},
			),
			{ numRuns: 2000 },
		);
	});

	it("prints what was built", () => {
		const operand: fc.Arbitrary<Operand> = fc.oneof(
			fc.nat().map((number) => ({ kind: "number" as const, text: String(number) })),
			fc.constant({ kind: "date" as const, text: "2024-02-29" }),
			fc.constant({ kind: "time" as const, text: "2024-02-29T01:02:03+05:30" }),
		);
		const tag = fc.stringMatching(/^[a-z_][a-z0-9._-]{0,8}$/);
		const order = fc.constantFrom("=" as const, "<" as const, "<=" as const, ">" as const, ">=" as const);
		const condition: fc.Arbitrary<Condition> = fc
			.tuple(tag, order, operand)
			.map(([tag, operator, operand]) => ({ tag, operator, operand }));
		fc.assert(
			fc.property(fc.array(condition, { minLength: 1 }), (conditions) => {
				assert.deepEqual(parseQuery(queryToString({ conditions })).conditions, conditions);
			}),
		);
	});
});

describe("query: matching", () => {
	const events = new Map<string, readonly string[]>([
		["tm.event", ["Tx"]],
		["tx.height", ["17"]],
		["transfer.amount", ["8atom", "6.5stake"]],
		["transfer.sender", ["Ivan", "Igor"]],
		["deep.type.key", ["x"]],
		["begun.date", ["2018-06-01"]],
		["begun.time", ["2018-06-01T12:30:00.5+02:00"]],
		["big.number", ["123456789012345678901234567890", "-5", "+5", "1e3", "0.1"]],
		["empty.list", []],
		["nodot", ["lost"]],
	]);
	const cases: readonly (readonly [string, boolean])[] = [
		["tm.event='Tx'", true],
		["tm.event='tx'", false],
		["tm.event = 'Tx' AND tx.height=17", true],
		["tm.event = 'Tx' AND tx.height=18", false],
		["tx.height < 18 AND tx.height > 16.5", true],
		["tx.height = 17.0", true],
		["tx.height = '17'", true],
		["tx.height = '17.0'", false],
		["transfer.amount = 8", true],
		["transfer.amount < 7", true],
		["transfer.amount = 6.5", true],
		["transfer.amount = '8'", false],
		["transfer.sender CONTAINS 'or'", true],
		["transfer.sender CONTAINS 'Or'", false],
		["transfer.sender='Ivan' AND transfer.sender='Igor'", true],
		["transfer EXISTS", true],
		["trans EXISTS", false],
		["transfer.sender EXISTS", true],
		["transfer.receiver EXISTS", false],
		["deep.type EXISTS", true],
		["deep EXISTS", false],
		["transfer = ''", true],
		["transfer CONTAINS ''", true],
		["transfer = 'x'", false],
		["transfer = 0", false],
		["begun.date > DATE 2018-05-31", true],
		["begun.date > DATE 2018-06-01", false],
		["begun.date >= DATE 2018-06-01", true],
		["begun.date = TIME 2018-06-01T00:00:00Z", false],
		["begun.time > TIME 2018-06-01T10:30:00Z", true],
		["begun.time < TIME 2018-06-01T10:30:01Z", true],
		["begun.time = TIME 2018-06-01T10:30:00Z", false],
		["begun.time > DATE 2018-05-31", false],
		["big.number = 123456789012345678901234567890", true],
		["big.number > 123456789012345678901234567889", true],
		["big.number > 123456789012345678901234567890", false],
		["big.number = 5", false],
		["big.number = 1", true],
		["big.number = 1000", false],
		["empty.list EXISTS", false],
		["empty EXISTS", true],
		["nodot EXISTS", false],
		["nodot = 'lost'", false],
	];
	for (const [text, expected] of cases) {
		it(`${expected ? "finds" : "does not find"} ${text}`, () => {
			const query = parseQuery(text);
			assert.equal(matchesEvents(query, events), expected);
			assert.equal(matchesEvents(query, events), expected, "compiled once");
			assert.equal(matchesEvents(query, new Map()), false);
		});
	}
});

describe("query: numbers and times", () => {
	it("compares numbers of any size as numbers", () => {
		const decimal = fc.record({ digits: fc.bigInt(), scale: fc.integer({ min: 0, max: 30 }) });
		const textOf = ({ digits, scale }: { digits: bigint; scale: number }): string => {
			const text = String(digits < 0n ? -digits : digits).padStart(scale + 1, "0");
			const cut = text.length - scale;
			return `${digits < 0n ? "-" : ""}${text.slice(0, cut)}${scale > 0 ? `.${text.slice(cut)}` : ""}`;
		};
		fc.assert(
			fc.property(decimal, decimal, (a, b) => {
				const [left, right] = [parseDecimal(textOf(a)), parseDecimal(textOf(b))];
				assert.ok(left !== null && right !== null);
				const difference = a.digits * 10n ** BigInt(b.scale) - b.digits * 10n ** BigInt(a.scale);
				const expected = difference < 0n ? -1 : difference > 0n ? 1 : 0;
				assert.equal(Math.sign(compareDecimals(left, right)), expected);
				const shifted = parseDecimal(`${textOf(a)}e5`);
				assert.ok(shifted !== null);
				assert.equal(Math.sign(compareDecimals(shifted, left)), a.digits < 0n ? -1 : a.digits > 0n ? 1 : 0);
			}),
			{ numRuns: 500 },
		);
	});

	it("reads what big.ParseFloat reads and nothing else", () => {
		for (const text of ["0", "-0", "+1", "1.", ".5", "00.100", "1e400", "1E-7", "Inf", "-inf", "1e999999999999"]) {
			assert.notEqual(parseDecimal(text), null, text);
		}
		for (const text of ["", ".", "e5", "1e", "0x10", "1_000", "NaN", " 1", "1 ", "infinity", "--1", "1.2.3"]) {
			assert.equal(parseDecimal(text), null, text);
		}
		const [huge, infinite] = [parseDecimal("1e999"), parseDecimal("Inf")];
		assert.ok(huge !== null && infinite !== null && compareDecimals(huge, infinite) < 0);
	});

	it("reads times as Go does", () => {
		assert.equal(parseTime("1970-01-01T00:00:01.000000001Z")?.time, 1_000_000_001n);
		assert.equal(parseTime("1970-01-01T1:00:00+01:00")?.time, 0n);
		assert.equal(parseTime("0001-01-01T00:00:00Z")?.time, -62135596800_000_000_000n);
		assert.equal(parseDate("0099-12-31")?.time, -59011545600_000_000_000n);
		assert.equal(parseDate("2023-02-29"), null);
		assert.equal(parseTime("2023-02-28T24:00:00Z"), null);
	});
});
