import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromHex, toUpperHex, utf8 } from "@cairn/kit";
import { type Evidence, encodeEvidence, evidenceFromProto, evidenceHash, evidenceHeight } from "@cairn/types";
import { types as typesProto } from "@cairn/types/proto";
import { MemoryStore } from "@cairn/world";
import { EvidenceStore } from "./evidence-store.ts";
import { loadVector } from "./testing/vectors.ts";

/** Evidence of both kinds that real validators could have made. */
const evidence: Evidence[] = [];
const { evidence_lists } = loadVector<{ evidence_lists: { evidence_list_proto: string }[] }>("hashes.json");
for (const { evidence_list_proto } of evidence_lists) {
	for (const each of typesProto.EvidenceList.decode(fromHex(evidence_list_proto)).evidence) {
		try {
			evidence.push(evidenceFromProto(each));
		} catch {
			// Some of the vectors are not valid; only their hashes are of interest.
		}
	}
}

describe("evidence store", () => {
	it("has evidence to work with", () => assert.ok(evidence.length > 1));

	it("keeps pending evidence in order of height, in CometBFT's keys and bytes", async () => {
		const kv = new MemoryStore();
		const store = EvidenceStore.open(kv);
		for (const each of [...evidence].reverse()) await store.addPending(each);
		const loaded = await EvidenceStore.open(kv).loadPending();
		const heights = loaded.map(evidenceHeight);
		assert.deepEqual(
			heights,
			[...heights].sort((a, b) => a - b),
		);
		assert.deepEqual(
			new Set(loaded.map((each) => toUpperHex(evidenceHash(each)))),
			new Set(evidence.map((each) => toUpperHex(evidenceHash(each)))),
		);
		const [first] = loaded as [Evidence];
		const height = evidenceHeight(first).toString(16).toUpperCase().padStart(16, "0");
		const key = Uint8Array.of(1, ...utf8(`${height}/${toUpperHex(evidenceHash(first))}`));
		assert.deepEqual(kv.get(key), encodeEvidence(first));
	});

	it("knows what is pending and what was committed", async () => {
		const kv = new MemoryStore();
		const store = EvidenceStore.open(kv);
		const [first, second] = evidence as [Evidence, Evidence];
		await store.addPending(first);
		await store.addPending(second);
		assert.deepEqual([store.isPending(first), store.isCommitted(first)], [true, false]);
		await store.markCommitted([first]);
		assert.deepEqual([store.isPending(first), store.isCommitted(first)], [false, true]);
		await store.removePending([second]);
		assert.deepEqual([store.isPending(second), store.isCommitted(second)], [false, false]);
		assert.deepEqual(await store.loadPending(), []);
		const keys: Uint8Array[] = [];
		for await (const [key, value] of kv.entries()) {
			keys.push(key);
			// gogo's Int64Value of the height.
			assert.equal(value[0], 0x08);
		}
		assert.deepEqual(
			keys.map((key) => key[0]),
			[0],
		);
	});

	it("says that the database is damaged", async () => {
		const kv = new MemoryStore();
		await kv.write([{ key: Uint8Array.of(1, 2, 3), value: utf8("garbage") }]);
		await assert.rejects(EvidenceStore.open(kv).loadPending(), { code: "store-corrupt" });
	});
});
