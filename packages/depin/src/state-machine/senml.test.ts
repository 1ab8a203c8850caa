import assert from "node:assert/strict";
import { test } from "node:test";
import { concatBytes, DecodeError, fromHex, utf8 } from "@cairn/kit";
import fc from "fast-check";
import { CborWriter } from "./cbor.ts";
import { decodeSenml, encodeSenml } from "./senml.ts";

/** RFC 8428 §6: the CBOR of the example of §5.1.2. */
const RFC_EXAMPLE = [
	"87a721781b75726e3a6465763a6f773a313065323037336130313038303036",
	"3a22fb41d303a15b001062236141200500",
	"67766f6c7461676501615602fb405e066666666666",
	"a3006763757272656e74062402fb3ff3333333333333",
	"a3006763757272656e74062302fb3ff4cccccccccccd",
	"a3006763757272656e74062202fb3ff6666666666666",
	"a3006763757272656e74062102f93e00",
	"a3006763757272656e74062002fb3ff999999999999a",
	"a3006763757272656e74060002fb3ffb333333333333",
].join("");

test("the example of RFC 8428 resolves as its §5.1.2 says", () => {
	const records = decodeSenml(fromHex(RFC_EXAMPLE));
	const base = "urn:dev:ow:10e2073a0108006:";
	assert.deepEqual(
		records.map(({ name, unit, value }) => [name, unit, value]),
		[
			[`${base}voltage`, "V", 120_100_000n],
			...[1_200_000n, 1_300_000n, 1_400_000n, 1_500_000n, 1_600_000n, 1_700_000n].map((v) => [
				`${base}current`,
				"A",
				v,
			]),
		],
	);
	// bt 1.276020076001e+09 is a double: its exact value, to the nanosecond.
	const bt = 1_276_020_076_001_000_000n;
	const drift = (records[0]?.time ?? 0n) - bt;
	assert.ok(drift > -200n && drift < 200n, String(drift));
	assert.deepEqual(
		records.map(({ time }) => time - (records[0]?.time ?? 0n)),
		[0n, -5n, -4n, -3n, -2n, -1n, 0n].map((seconds) => seconds * 1_000_000_000n),
	);
	assert.ok(records.every(({ relative }) => !relative));
});

test("what is written is read back", () => {
	fc.assert(
		fc.property(
			fc.array(
				fc.record({
					name: fc.stringMatching(/^[a-z][a-z0-9_.-]{0,31}$/),
					unit: fc.constantFrom("Cel", "%RH", "Pa", "m/s"),
					value: fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
					time: fc.bigInt({ min: 10n ** 12n, max: 4n * 10n ** 12n }).map((ms) => ms * 1_000_000n),
				}),
				{ minLength: 1, maxLength: 64 },
			),
			(records) => {
				assert.deepEqual(
					decodeSenml(encodeSenml(records)),
					records.map((record) => ({ ...record, relative: false })),
				);
			},
		),
		{ numRuns: 200 },
	);
});

const record = (pairs: number, write: (writer: CborWriter) => CborWriter): Uint8Array =>
	write(new CborWriter().array(1).map(pairs)).finish();

test("times without a date are relative, and never to come", () => {
	const named = (writer: CborWriter): CborWriter => writer.int(0).text("t").int(2).uint(1);
	assert.deepEqual(decodeSenml(record(2, named)), [
		{ name: "t", unit: "", value: 1_000_000n, time: 0n, relative: true },
	]);
	const [past] = decodeSenml(record(3, (writer) => named(writer).int(6).int(-5)));
	assert.deepEqual([past?.time, past?.relative], [-5_000_000_000n, true]);
	assert.throws(() => decodeSenml(record(3, (writer) => named(writer).int(6).int(5))), /future/);
});

test("packs that are no numeric readings are refused", () => {
	const cases: readonly Uint8Array[] = [
		new CborWriter().array(0).finish(),
		new CborWriter().array(65).finish(),
		record(1, (writer) => writer.int(0).text("t")),
		record(1, (writer) => writer.int(2).uint(1)),
		record(2, (writer) => writer.int(0).text("-t").int(2).uint(1)),
		record(2, (writer) => writer.int(0).text("t t").int(2).uint(1)),
		record(3, (writer) => writer.int(0).text("t").int(2).uint(1).int(2).uint(1)),
		record(2, (writer) => writer.int(0).text("t").int(3).text("a text")),
		record(3, (writer) => writer.int(0).text("t").int(2).uint(1).int(5).uint(1)),
		record(3, (writer) => writer.int(-1).uint(11).int(0).text("t").int(2).uint(1)),
		record(2, (writer) => writer.text("n").text("t").int(2).uint(1)),
		concatBytes(encodeSenml([{ name: "t", unit: "Cel", value: 1n, time: 10n ** 18n }]), utf8("x")),
	];
	for (const [index, bytes] of cases.entries()) assert.throws(() => decodeSenml(bytes), DecodeError, String(index));
});
