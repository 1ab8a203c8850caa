import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { DecodeError, fromHex, InvariantError, toHex } from "@cairn/kit";
import fc from "fast-check";
import { abci, bits, blocksync, type Codec, codecByName, consensus, google, types, ZERO_TIME } from "./index.ts";

const file = new URL("../../../../vectors/proto.json", import.meta.url);
const seeds: readonly { type: string; hex: string }[] = JSON.parse(readFileSync(file, "utf8")).cases;
const codecs = [...codecByName.values()];

/** Decodes; gives undefined for a refusal and fails on anything thrown but DecodeError. */
function tryDecode<T>(codec: Codec<T>, bytes: Uint8Array): T | undefined {
	try {
		return codec.decode(bytes);
	} catch (cause) {
		assert.ok(cause instanceof DecodeError, `${codec.typeName}: ${cause}`);
		return undefined;
	}
}

function checkStable(codec: Codec<unknown>, bytes: Uint8Array): void {
	const decoded = tryDecode(codec, bytes);
	if (decoded === undefined) return;
	const once = codec.encode(decoded);
	assert.equal(toHex(codec.encode(codec.decode(once))), toHex(once), codec.typeName);
}

test("any bytes decode or are refused, and what decodes encodes stably", () => {
	const property = fc.property(fc.constantFrom(...codecs), fc.uint8Array({ maxLength: 200 }), checkStable);
	fc.assert(property, { numRuns: 3000 });
});

test("real messages with flipped, inserted, lost and repeated bytes", () => {
	const change = fc.record({ at: fc.nat(4000), remove: fc.nat(3), insert: fc.uint8Array({ maxLength: 4 }) });
	const property = fc.property(
		fc.constantFrom(...seeds),
		fc.array(change, { maxLength: 3 }),
		fc.boolean(),
		({ type, hex }, changes, twice) => {
			const bytes = [...fromHex(twice ? hex + hex : hex)];
			for (const { at, remove, insert } of changes) bytes.splice(at % (bytes.length + 1), remove, ...insert);
			const codec = codecByName.get(type);
			assert.ok(codec);
			checkStable(codec, Uint8Array.from(bytes));
		},
	);
	fc.assert(property, { numRuns: 5000 });
});

test("64-bit integers of every size survive, with the varint that protobuf defines", () => {
	const property = fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.nat(63), (value, shift) => {
		const height = value >> BigInt(shift);
		const bytes = google.Int64Value.encode({ value: height });
		assert.equal(toHex(bytes), height === 0n ? "" : `08${referenceVarint(BigInt.asUintN(64, height))}`);
		assert.equal(google.Int64Value.decode(bytes).value, height);
		const unsigned = BigInt.asUintN(64, height);
		assert.equal(google.UInt64Value.decode(google.UInt64Value.encode({ value: unsigned })).value, unsigned);
		const list = { bits: height, elems: [unsigned, 0n, unsigned] };
		assert.deepEqual(bits.BitArray.decode(bits.BitArray.encode(list)), list);
		const canonical = types.CanonicalVote.create({ height });
		assert.equal(types.CanonicalVote.decode(types.CanonicalVote.encode(canonical)).height, height);
	});
	fc.assert(property, { numRuns: 2000 });
});

function referenceVarint(value: bigint): string {
	if (value < 128n) return value.toString(16).padStart(2, "0");
	return ((value & 127n) | 128n).toString(16) + referenceVarint(value >> 7n);
}

test("times from year 1 to year 9999 and durations of 64 bits survive", () => {
	const property = fc.property(
		fc.bigInt({ min: ZERO_TIME, max: 253402300799_999999999n }),
		fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
		(time, duration) => {
			const record = consensus.TimedWALMessage.create({ time });
			const bytes = consensus.TimedWALMessage.encode(record);
			assert.deepEqual(consensus.TimedWALMessage.decode(bytes), record);
			const seconds = BigInt.asIntN(64, (time - (((time % 10n ** 9n) + 10n ** 9n) % 10n ** 9n)) / 10n ** 9n);
			const plain = google.Timestamp.encode({ seconds, nanos: Number(time - seconds * 10n ** 9n) });
			assert.equal(toHex(bytes.subarray(2)), toHex(plain));
			const timeout = consensus.TimeoutInfo.create({ duration });
			assert.deepEqual(consensus.TimeoutInfo.decode(consensus.TimeoutInfo.encode(timeout)), timeout);
		},
	);
	fc.assert(property, { numRuns: 2000 });
});

test("an absent time is Go's zero time, an empty one is 1970", () => {
	assert.equal(types.CommitSig.decode(fromHex("")).timestamp, ZERO_TIME);
	assert.equal(types.CommitSig.decode(fromHex("1a00")).timestamp, 0n);
	assert.equal(toHex(types.CommitSig.encode(types.CommitSig.create({ timestamp: 0n }))), "1a00");
});

test("strings of any bytes come out as they came in", () => {
	const property = fc.property(fc.uint8Array({ maxLength: 60 }), (value) => {
		const bytes = google.BytesValue.encode({ value });
		assert.equal(toHex(google.StringValue.encode(google.StringValue.decode(bytes))), toHex(bytes));
	});
	fc.assert(property, { numRuns: 2000 });
	assert.equal(google.StringValue.decode(fromHex("0a03e29c93")).value, "✓");
	assert.equal(google.StringValue.decode(fromHex("0a03efbbbf")).value, "\ufeff");
	assert.equal(google.StringValue.decode(fromHex("0a02ff41")).value, "\udcffA");
});

test("an embedded message that comes twice is merged, an arm of a oneof is replaced, the last scalar wins", () => {
	const first = types.Vote.encode(
		types.Vote.create({ height: 1n, blockId: types.BlockID.create({ hash: fromHex("aa") }) }),
	);
	const second = fromHex("100222041202080310ffff03");
	const vote = types.Vote.decode(fromHex(toHex(first) + toHex(second)));
	assert.equal(vote.height, 65535n);
	assert.equal(toHex(vote.blockId.hash), "aa");
	assert.equal(vote.blockId.partSetHeader.total, 3);
	const message = consensus.Message.decode(fromHex("0a0208050a021001"));
	assert.deepEqual(message.sum, { kind: "newRoundStep", value: consensus.NewRoundStep.create({ round: 1 }) });
});

test("unknown enum numbers are kept; elements that are only counted cost nothing", () => {
	assert.equal(types.Vote.decode(fromHex("0863")).type, 99);
	assert.equal(blocksync.SigCountCommit.decode(fromHex("2200220101220022020102")).signatures, 4);
	assert.equal(toHex(blocksync.SigCountCommit.encode({ signatures: 2 })), "22002200");
});

test("groups of unknown fields are skipped however deep, and refused when they do not end", () => {
	const depth = 100_000;
	const nested = new Uint8Array(2 * depth).fill(0x7b, 0, depth).fill(0x7c, depth);
	assert.deepEqual(types.Data.decode(nested), { txs: [] });
	assert.throws(() => types.Data.decode(nested.subarray(0, 2 * depth - 1)), DecodeError);
	assert.throws(() => types.Data.decode(fromHex("0c")), DecodeError);
});

test("decoded bytes are plain views of the input, also when that is part of a Buffer", () => {
	const buffer = Buffer.from("ff0a02abcd", "hex").subarray(1);
	const { txs } = types.Data.decode(buffer);
	assert.equal(txs[0]?.constructor, Uint8Array);
	assert.equal(txs[0]?.buffer, buffer.buffer);
	assert.equal(toHex(txs[0] ?? new Uint8Array(0)), "abcd");
});

test("outputs keep their bytes while others are encoded, of whatever size", () => {
	const outputs: { bytes: Uint8Array; size: number }[] = [];
	for (const size of [0, 1, 39, 40, 16_000, 16_384, 100_000, 3_000_000, 1, 16_300, 100, 127, 128])
		for (let again = 0; again < 3; again++)
			outputs.push({ bytes: types.Data.encode({ txs: [new Uint8Array(size).fill(again + 1)] }), size });
	for (const [index, { bytes, size }] of outputs.entries()) {
		const [tx] = types.Data.decode(bytes).txs;
		assert.ok(tx);
		assert.deepEqual(tx, new Uint8Array(size).fill((index % 3) + 1));
	}
});

test("values that do not fit are our mistake, and leave the writer usable", () => {
	assert.throws(() => types.PartSetHeader.encode({ total: -1, hash: new Uint8Array(5) }), InvariantError);
	assert.throws(
		() => types.Vote.encode(types.Vote.create({ round: 2 ** 31, signature: new Uint8Array(9) })),
		InvariantError,
	);
	assert.throws(() => types.Vote.encode(types.Vote.create({ height: 2n ** 63n })), InvariantError);
	assert.throws(() => types.Vote.encode(types.Vote.create({ timestamp: ZERO_TIME - 1n })), InvariantError);
	assert.throws(() => abci.RequestReapTxs.encode({ maxBytes: -1n, maxGas: 0n }), InvariantError);
	assert.equal(toHex(types.PartSetHeader.encode({ total: 1, hash: fromHex("aa") })), "08011201aa");
});
