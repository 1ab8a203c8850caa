import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CairnError, concatBytes, utf8 } from "@cairn/kit";
import { consensus, toProtoJson } from "@cairn/types/proto";
import { type MemoryWorld, memoryWorld, settle } from "@cairn/world";
import fc from "fast-check";
import { loadVector } from "../testing/vectors.ts";
import { crc32c } from "./crc32c.ts";
import { encodeWalRecord, MAX_RECORD_BYTES, readFrame, type TimedWalRecord, type WalRecord } from "./record.ts";
import { readWalFile } from "./scan.ts";
import { Wal, type WalOptions } from "./wal.ts";

interface WalVector {
	readonly wal_base64: string;
	readonly records: readonly { readonly offset: number; readonly length: number; readonly json: object }[];
}

const vector = loadVector<WalVector>("wal.json");
const goBytes = new Uint8Array(Buffer.from(vector.wal_base64, "base64"));
const PATH = "/data/cs.wal/wal";

function endHeight(height: number): WalRecord {
	return { kind: "endHeight", height };
}

function timeout(height: number, round = 0): WalRecord {
	return { kind: "timeout", duration: 1_000_000n, height, round, step: 3 };
}

async function all(records: AsyncIterable<TimedWalRecord> | null): Promise<WalRecord[] | null> {
	if (records === null) return null;
	const list: WalRecord[] = [];
	for await (const { record } of records) list.push(record);
	return list;
}

/** A world whose log holds these bytes. */
async function worldWith(bytes: Uint8Array): Promise<MemoryWorld> {
	const world = memoryWorld({ seed: 1 });
	await world.disk.makeDirectory("/data/cs.wal");
	world.disk.poke(PATH, bytes);
	return world;
}

async function newLog(options: WalOptions = {}): Promise<{ world: MemoryWorld; wal: Wal }> {
	const world = memoryWorld({ seed: 1 });
	return { world, wal: await Wal.open(world, PATH, options) };
}

describe("consensus log: format", () => {
	it("computes CRC-32C", () => {
		assert.equal(crc32c(utf8("123456789")), 0xe3069283);
		assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
		assert.equal(crc32c(new Uint8Array(0)), 0);
	});

	it("reads every record of a log that the Go node wrote and writes it again byte for byte", () => {
		let offset = 0;
		for (const expected of vector.records) {
			const frame = readFrame(goBytes, offset);
			assert.ok(frame.kind === "record");
			assert.equal(offset, expected.offset);
			assert.equal(frame.next, offset + 8 + expected.length);
			const bytes = encodeWalRecord(frame.entry);
			assert.deepEqual(bytes, goBytes.slice(offset, frame.next));
			const message = consensus.TimedWALMessage.decode(goBytes.slice(offset + 8, frame.next));
			assert.deepEqual(toProtoJson("tendermint.consensus.TimedWALMessage", message), expected.json);
			offset = frame.next;
		}
		assert.deepEqual(readFrame(goBytes, offset), { kind: "end" });
	});

	it("keeps the shapes of all kinds of records", () => {
		const { records, damage } = readWalFile(goBytes);
		assert.deepEqual(damage, []);
		assert.equal(records.length, vector.records.length);
		assert.deepEqual(records[0]?.record, endHeight(0));
		assert.deepEqual(records[1]?.record, { kind: "timeout", duration: 185297220n, height: 1, round: 0, step: 1 });
		assert.deepEqual(records[2]?.record, { kind: "roundState", height: 1, round: 0, step: "RoundStepPropose" });
		const proposal = records[3]?.record;
		assert.ok(proposal?.kind === "message" && proposal.peer === "" && proposal.message.sum?.kind === "proposal");
	});

	it("refuses what is too large, empty, or cut short", () => {
		const header = new Uint8Array(8);
		new DataView(header.buffer).setUint32(4, MAX_RECORD_BYTES + 1);
		assert.equal(readFrame(header, 0).kind, "damage");
		assert.equal(readFrame(new Uint8Array(8), 0).kind, "damage", "a header of zeros fits the checksum of nothing");
		assert.equal(readFrame(new Uint8Array(7), 0).kind, "damage");
		const huge: WalRecord = { kind: "roundState", height: 1, round: 0, step: "x".repeat(MAX_RECORD_BYTES) };
		assert.equal(encodeWalRecord({ time: 0n, record: huge }), null);
	});
});

describe("consensus log: writing and reading", () => {
	it("begins with the end of height 0", async () => {
		const { wal, world } = await newLog();
		assert.deepEqual(await all(await wal.recordsAfterEndHeight(0)), []);
		assert.deepEqual(
			readWalFile(world.disk.peek(PATH) ?? new Uint8Array(0)).records.map((each) => each.record),
			[endHeight(0)],
		);
		await wal.close();
		const again = await Wal.open(world, PATH);
		assert.equal(again.repair, null);
		assert.deepEqual(await all(await again.recordsAfterEndHeight(0)), []);
	});

	it("gives the records behind the end of a height, also of a log that the Go node wrote", async () => {
		const world = await worldWith(goBytes);
		const wal = await Wal.open(world, PATH);
		const records = readWalFile(goBytes).records.map((each) => each.record);
		const heights = records.flatMap((record) => (record.kind === "endHeight" ? [record.height] : []));
		for (const height of heights) {
			const from = records.findIndex((record) => record.kind === "endHeight" && record.height === height);
			assert.deepEqual(await all(await wal.recordsAfterEndHeight(height)), records.slice(from + 1));
		}
		assert.equal(await wal.recordsAfterEndHeight((heights.at(-1) ?? 0) + 1), null);
		wal.append(timeout(999), 5n);
		assert.deepEqual((await all(await wal.recordsAfterEndHeight(heights.at(-1) ?? 0)))?.at(-1), timeout(999));
	});

	it("holds after a crash exactly what was synced, and at most a torn record behind it", async () => {
		const { wal, world } = await newLog();
		wal.append(timeout(1, 1), 1n);
		await wal.sync();
		wal.append(timeout(1, 2), 2n);
		wal.flush();
		world.disk.crash({ keepBytes: () => 10 });
		const again = await Wal.open(world, PATH);
		assert.deepEqual(await all(await again.recordsAfterEndHeight(0)), [timeout(1, 1)]);
		assert.deepEqual([again.repair?.inside, again.repair?.lastEndHeight], [false, 0]);
	});

	it("syncs by itself two seconds after an append", async () => {
		const { wal, world } = await newLog();
		wal.append(timeout(1), 1n);
		await world.time.advance(1999);
		assert.equal(readWalFile(world.disk.peek(PATH) ?? new Uint8Array(0)).records.length, 1);
		await world.time.advance(1);
		world.disk.crash();
		const again = await Wal.open(world, PATH);
		assert.deepEqual(await all(await again.recordsAfterEndHeight(0)), [timeout(1)]);
		await again.close();
		assert.equal(world.time.nextDue, undefined);
	});

	it("makes no promise after a failed sync", async () => {
		const { wal, world } = await newLog();
		const full = new CairnError("disk-full", "operator", "the disk is full");
		world.disk.setHooks({ fail: (operation) => (operation === "sync" ? full : undefined) });
		wal.append(timeout(1), 1n);
		await assert.rejects(wal.sync(), { code: "disk-full" });
		world.disk.setHooks({});
		await assert.rejects(wal.sync(), { code: "disk-full" });
	});

	it("reports a failure of its own sync at the next use", async () => {
		const { wal, world } = await newLog();
		const full = new CairnError("disk-full", "operator", "the disk is full");
		world.disk.setHooks({ fail: (operation) => (operation === "sync" ? full : undefined) });
		wal.append(timeout(1), 1n);
		await world.time.advance(2000);
		assert.throws(() => wal.append(timeout(1), 1n), { code: "disk-full" });
	});

	it("leaves out a record that is too large, as the Go node does", async () => {
		const { wal } = await newLog();
		assert.equal(
			wal.append({ kind: "roundState", height: 1, round: 0, step: "x".repeat(MAX_RECORD_BYTES) }, 1n),
			false,
		);
		assert.equal(wal.append(timeout(1), 1n), true);
		assert.deepEqual(await all(await wal.recordsAfterEndHeight(0)), [timeout(1)]);
	});
});

describe("consensus log: rotation", () => {
	it("moves a full head away, finds records across files, and drops the oldest beyond the limit", async () => {
		const { wal, world } = await newLog({ headSizeLimit: 200, totalSizeLimit: 1000 });
		const written: WalRecord[] = [];
		for (let height = 1; height <= 60; height++) {
			for (const record of [timeout(height), endHeight(height)]) {
				wal.append(record, BigInt(height));
				written.push(record);
			}
			await Promise.all([wal.sync(), wal.sync()]);
			// Appended while the head may be on its way: goes to the new one.
			const late = timeout(height + 1, 7);
			wal.append(late, 0n);
			written.push(late);
			await settle();
		}
		await wal.sync();
		const names = await world.disk.list("/data/cs.wal");
		assert.ok(names.length > 2 && names.length < 10, names.join(" "));
		assert.ok(!names.includes("wal.000") && names.includes("wal"));
		const total = names.reduce((sum, name) => sum + (world.disk.peek(`/data/cs.wal/${name}`)?.length ?? 0), 0);
		assert.ok(total < 1300, String(total));
		for (const height of [55, 58, 60]) {
			const from = written.findLastIndex((record) => record.kind === "endHeight" && record.height === height);
			assert.deepEqual(await all(await wal.recordsAfterEndHeight(height)), written.slice(from + 1));
		}
		assert.equal(await wal.recordsAfterEndHeight(1), null, "dropped");
		assert.equal(await wal.recordsAfterEndHeight(61), null);
		await wal.close();
		const again = await Wal.open(world, PATH, { headSizeLimit: 200 });
		assert.notEqual(await again.recordsAfterEndHeight(60), null);
	});

	it("goes on after a crash at any point of a rotation", async () => {
		for (let failAt = 1; failAt <= 8; failAt++) {
			const { wal, world } = await newLog({ headSizeLimit: 100 });
			let operations = 0;
			world.disk.setHooks({
				delay: () => (++operations >= failAt ? new Promise(() => undefined) : undefined),
			});
			let synced = 0;
			for (let height = 1; height <= 5; height++) {
				wal.append(endHeight(height), 0n);
				void wal.sync().then(() => {
					synced = Math.max(synced, height);
				});
				await settle();
			}
			world.disk.setHooks({});
			world.disk.crash();
			const again = await Wal.open(world, PATH, { headSizeLimit: 100 });
			assert.notEqual(await again.recordsAfterEndHeight(synced), null, `crash at ${failAt}, synced ${synced}`);
			again.append(endHeight(100), 0n);
			assert.deepEqual(await all(await again.recordsAfterEndHeight(100)), []);
		}
	});

	it("reads on across a damaged place of an older file", async () => {
		const { wal, world } = await newLog({ headSizeLimit: 150 });
		for (let height = 1; height <= 12; height++) {
			wal.append(endHeight(height), 0n);
			await wal.sync();
			await settle();
		}
		await wal.close();
		const first = world.disk.peek("/data/cs.wal/wal.000") ?? new Uint8Array(0);
		first[first.length - 3] = (first[first.length - 3] ?? 0) ^ 1;
		world.disk.poke("/data/cs.wal/wal.000", first);
		const again = await Wal.open(world, PATH);
		const expected = Array.from({ length: 11 }, (_, i) => endHeight(i + 2));
		const lost = readWalFile(first).records.at(-1)?.record;
		assert.ok(lost?.kind === "endHeight");
		const after = await all(await again.recordsAfterEndHeight(1));
		assert.deepEqual(
			after,
			expected.filter((record) => record.kind !== "endHeight" || record.height !== lost.height + 1),
		);
	});
});

describe("consensus log: repair", () => {
	const { records } = readWalFile(goBytes);
	const offsets: number[] = vector.records.map((record) => record.offset);

	it("keeps every record before the place where the file was cut", async () => {
		await fc.assert(
			fc.asyncProperty(fc.integer({ min: 0, max: goBytes.length }), async (size) => {
				const world = await worldWith(goBytes.slice(0, size));
				const wal = await Wal.open(world, PATH);
				const whole = offsets.filter((_, i) => (offsets[i + 1] ?? goBytes.length) <= size).length;
				const expected = whole === 0 ? [endHeight(0)] : records.slice(0, whole).map((each) => each.record);
				const kept = readWalFile(world.disk.peek(PATH) ?? new Uint8Array(0));
				assert.deepEqual(kept.damage, []);
				assert.deepEqual(
					kept.records.map((each) => each.record),
					expected,
				);
				const isTorn = size !== 0 && size !== goBytes.length && !offsets.includes(size);
				assert.equal(wal.repair !== null, isTorn);
				if (isTorn) assert.deepEqual(world.disk.peek(`${PATH}.CORRUPTED`), goBytes.slice(0, size));
				assert.equal(wal.repair?.inside ?? false, false);
			}),
			{ numRuns: 200 },
		);
	});

	it("keeps every record but the one in which a bit was flipped", async () => {
		const place = fc.record({ at: fc.nat(goBytes.length - 1), bit: fc.nat(7) });
		await fc.assert(
			fc.asyncProperty(place, async ({ at, bit }) => {
				const bytes = goBytes.slice();
				bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
				const hit = offsets.findLastIndex((offset) => offset <= at);
				const world = await worldWith(bytes);
				const wal = await Wal.open(world, PATH);
				const kept = readWalFile(world.disk.peek(PATH) ?? new Uint8Array(0)).records.map((each) => each.record);
				assert.deepEqual(
					kept,
					records.filter((_, i) => i !== hit).map((each) => each.record),
				);
				assert.equal(wal.repair?.inside, hit < offsets.length - 1);
				wal.append(timeout(1000), 1n);
				await wal.sync();
			}),
			{ numRuns: 200 },
		);
	});

	it("survives any bytes at the end and any bytes as the whole file", async () => {
		await fc.assert(
			fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (garbage, alone) => {
				const world = await worldWith(alone ? garbage : concatBytes(goBytes, garbage));
				const wal = await Wal.open(world, PATH);
				const kept = readWalFile(world.disk.peek(PATH) ?? new Uint8Array(0)).records.map((each) => each.record);
				assert.deepEqual(kept, alone ? [endHeight(0)] : records.map((each) => each.record));
				assert.notEqual(await wal.recordsAfterEndHeight(0), null);
			}),
			{ numRuns: 100 },
		);
	});
});
