import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { Input, Tendermint } from "@cairn/consensus";
import { EMPTY_BYTES } from "@cairn/kit";
import { encodeWalRecord, readWalFile, type TimedWalRecord, type WalRecord } from "@cairn/storage";
import { NIL_BLOCK_ID, PartSet, PREVOTE, type Proposal, partFromProto, type Vote, voteFromProto } from "@cairn/types";
import fc from "fast-check";
import { recordsOfInput, timeoutRecord, timerOfRecord, voteRecord } from "./log-records.ts";

const VOTE: Vote = {
	type: PREVOTE,
	height: 3,
	round: 1,
	blockId: NIL_BLOCK_ID,
	timestamp: 1_700_000_000_000_000_000n,
	validatorAddress: new Uint8Array(20).fill(1),
	validatorIndex: 0,
	signature: new Uint8Array(64).fill(2),
	extension: EMPTY_BYTES,
	extensionSignature: EMPTY_BYTES,
};

const noParts = (): PartSet | null => null;
const noDuration = (): number => 0;

function recordsOf(input: Input<Tendermint>, partsOf: (proposal: Proposal) => PartSet | null = noParts) {
	return recordsOfInput(input, noDuration, partsOf);
}

describe("records of the consensus log", () => {
	it("name every timer as CometBFT's timeouts do, and back", () => {
		const height = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
		const round = fc.integer({ min: 0, max: 2 ** 31 - 1 });
		fc.assert(
			fc.property(height, round, fc.nat(600_000), (h, r, ms) => {
				for (const [name, step] of [
					["propose", 3],
					["prevote", 5],
					["precommit", 7],
				] as const) {
					const record = timeoutRecord(`${name}/${h}/${r}`, ms);
					const duration = BigInt(ms) * 1_000_000n;
					assert.deepEqual(record, { kind: "timeout", duration, height: h, round: r, step });
					assert.equal(timerOfRecord(h, r, step), `${name}/${h}/${r}`);
				}
				for (const [name, step] of [
					["newHeight", 1],
					["newRound", 2],
				] as const) {
					const record = timeoutRecord(`${name}/${h}/0`, ms);
					assert.deepEqual(record, { kind: "timeout", duration: BigInt(ms) * 1_000_000n, height: h, round: 0, step });
					assert.equal(timerOfRecord(h, 0, step), `${name}/${h}/0`);
				}
			}),
		);
		assert.equal(timeoutRecord("something/1/0", 1), null);
		for (const step of [0, 4, 6, 8, 9]) assert.equal(timerOfRecord(1, 0, step), null, `step ${step} has no timer`);
	});

	it("round a fraction of a millisecond to nanoseconds", () => {
		for (const [ms, ns] of [
			[1.5, 1_500_000n],
			[0.1234567, 123_457n],
			[0, 0n],
		] as const) {
			const record = timeoutRecord("propose/1/0", ms);
			assert.ok(record?.kind === "timeout" && record.duration === ns);
		}
	});

	it("are those that the real node writes for the same things", () => {
		const { wal_base64: text } = JSON.parse(
			readFileSync(new URL("../../../../vectors/wal.json", import.meta.url), "utf8"),
		) as { wal_base64: string };
		const bytes = new Uint8Array(Buffer.from(text, "base64"));
		const { records } = readWalFile(bytes);
		const seen = new Map<string, number>();
		for (const entry of records) {
			const again = madeFrom(entry);
			if (again === null) continue;
			seen.set(again.kind, (seen.get(again.kind) ?? 0) + 1);
			assert.deepEqual(encodeWalRecord({ time: entry.time, record: again }), encodeWalRecord(entry));
		}
		assert.ok((seen.get("message") ?? 0) > 20 && (seen.get("timeout") ?? 0) > 5, [...seen].join());
	});

	it("stand for what peers and the signer said, and for nothing else", () => {
		const origin = { peer: "p1", signer: 0, epoch: 3 };
		assert.deepEqual(recordsOf({ kind: "message", origin, message: { kind: "vote", vote: VOTE } }), [
			voteRecord("p1", VOTE),
		]);
		const claim = { kind: "majorityClaim", height: 3, round: 1, type: PREVOTE, blockId: NIL_BLOCK_ID } as const;
		assert.deepEqual(recordsOf({ kind: "message", origin, message: claim }), []);
		const own = { statement: { kind: "vote", vote: VOTE, extended: false } } as const;
		assert.deepEqual(recordsOf({ kind: "signed", request: 1, result: own }), [voteRecord("", VOTE)]);
		assert.deepEqual(recordsOf({ kind: "signed", request: 1, result: { refused: "guard" } }), []);
		assert.deepEqual(recordsOf({ kind: "work", height: 3 }), []);
		assert.deepEqual(recordsOf({ kind: "answered", request: 1, answer: { kind: "failed", why: "" } }), []);
		assert.deepEqual(recordsOf({ kind: "timer", timer: "unknown/1/0" }), []);
	});

	it("put an own proposal before its parts, all of them", () => {
		const parts = PartSet.fromBytes(new Uint8Array(150_000).fill(5));
		const blockId = { hash: new Uint8Array(32).fill(4), partSetHeader: parts.header };
		const proposal: Proposal = {
			height: 3,
			round: 2,
			polRound: -1,
			blockId,
			timestamp: 1n,
			signature: new Uint8Array(64),
		};
		const result = { statement: { kind: "proposal", proposal } } as const;
		const records = recordsOf({ kind: "signed", request: 1, result }, () => parts);
		const [first, ...rest] = records.map(messageOf);
		assert.equal(first?.kind, "proposal");
		assert.equal(rest.length, 3);
		for (const [index, each] of rest.entries()) {
			assert.ok(each?.kind === "blockPart" && each.value.height === 3n && each.value.round === 2);
			assert.deepEqual(partFromProto(each.value.part), parts.getPart(index));
		}
		assert.ok(records.every((record) => record.kind === "message" && record.peer === ""));
	});

	it("keep a vote as it was, through the file and back", () => {
		const frame = encodeWalRecord({ time: 5n, record: voteRecord("peer", VOTE) });
		assert.ok(frame !== null);
		const [entry] = readWalFile(frame).records;
		const sum = entry === undefined ? null : messageOf(entry.record);
		assert.ok(sum?.kind === "vote" && sum.value.vote !== null);
		assert.deepEqual(voteFromProto(sum.value.vote), VOTE);
	});
});

function messageOf(record: WalRecord) {
	return record.kind === "message" ? record.message.sum : null;
}

/** The same record made by our own functions from what it says; null for records that are marks. */
function madeFrom({ record }: TimedWalRecord): WalRecord | null {
	if (record.kind === "timeout") {
		const timer = timerOfRecord(record.height, record.round, record.step);
		assert.ok(timer !== null);
		return timeoutRecord(timer, Number(record.duration) / 1e6);
	}
	const sum = messageOf(record);
	if (record.kind !== "message" || sum?.kind !== "vote" || sum.value.vote === null) return null;
	const vote = voteFromProto(sum.value.vote);
	const origin = { peer: record.peer, signer: null, epoch: 0 };
	return recordsOf({ kind: "message", origin, message: { kind: "vote", vote } })[0] ?? null;
}
