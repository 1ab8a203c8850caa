import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { entryAfter, type MempoolEntry, TxList } from "./tx-list.ts";

type Step =
	| { readonly kind: "append" }
	| { readonly kind: "remove"; readonly at: number }
	| { readonly kind: "walk"; readonly steps: number }
	| { readonly kind: "clear" };

const step: fc.Arbitrary<Step> = fc.oneof(
	{ weight: 6, arbitrary: fc.constant({ kind: "append" as const }) },
	{ weight: 5, arbitrary: fc.nat(30).map((at) => ({ kind: "remove" as const, at })) },
	{ weight: 4, arbitrary: fc.integer({ min: 1, max: 4 }).map((steps) => ({ kind: "walk" as const, steps })) },
	{ weight: 1, arbitrary: fc.constant({ kind: "clear" as const }) },
);

function backwards(list: TxList): string[] {
	let last: MempoolEntry | null = list.first;
	while (last !== null && last.next !== null) last = last.next;
	const keys: string[] = [];
	for (let entry = last; entry !== null; entry = entry.previous) keys.push(entry.key);
	return keys.reverse();
}

function assertSame(list: TxList, model: readonly string[]): void {
	assert.deepEqual(
		[...list].map((entry) => entry.key),
		model,
	);
	assert.deepEqual(backwards(list), model);
	assert.equal(list.size, model.length);
	assert.equal(
		list.bytes,
		model.reduce((sum, key) => sum + Number(key), 0),
	);
	assert.equal(list.first?.key, model[0]);
	for (const key of model) {
		const entry = list.get(key);
		assert.ok(entry !== undefined && !entry.removed);
	}
}

/** Runs the steps with a walking reader beside; returns what the reader has seen. */
function run(steps: readonly Step[], check: boolean): { seen: Set<string>; list: TxList; reader: MempoolEntry | null } {
	const list = new TxList();
	let model: string[] = [];
	let next = 1;
	let reader: MempoolEntry | null = null;
	const seen = new Set<string>();
	for (const each of steps) {
		if (each.kind === "append") {
			const key = String(next++);
			list.append(new Uint8Array(Number(key)), key, 1, 0n);
			model = [...model, key];
		} else if (each.kind === "remove") {
			const key = model[each.at % Math.max(1, model.length)] ?? "none";
			assert.equal(list.remove(key), model.includes(key));
			assert.equal(list.remove(key), false, "what is gone cannot be removed again");
			model = model.filter((known) => known !== key);
		} else if (each.kind === "clear") {
			list.clear();
			model = [];
		} else {
			for (let count = 0; count < each.steps; count++) {
				const entry: MempoolEntry | null = entryAfter(list, reader);
				if (entry === null) break;
				assert.equal(entry.removed, false, "a reader is never led to what is gone");
				seen.add(entry.key);
				reader = entry;
			}
		}
		if (check) assertSame(list, model);
	}
	return { seen, list, reader };
}

describe("list of transactions", () => {
	it("is an ordered map under any appends and removals", () => {
		fc.assert(fc.property(fc.array(step, { maxLength: 80 }), (steps) => void run(steps, true)));
	});

	it("leads a walking reader to every entry that stays, whatever is removed under its feet", () => {
		fc.assert(
			fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
				const { seen, list, reader } = run(steps, false);
				let at = reader;
				const visited = new Set(seen);
				for (let count = 0; count < 3 * (list.size + 1); count++) {
					const entry = entryAfter(list, at);
					if (entry === null) break;
					visited.add(entry.key);
					at = entry;
				}
				for (const entry of list) assert.ok(visited.has(entry.key), `${entry.key} was passed over`);
				assert.equal(entryAfter(list, at), null, "the reader comes to an end");
			}),
		);
	});

	it("ends a loop over it properly when the entry under the loop is removed", () => {
		const list = new TxList();
		for (const key of ["1", "2", "3", "4"]) list.append(new Uint8Array(1), key, 1, 0n);
		const seen: string[] = [];
		for (const entry of list) {
			seen.push(entry.key);
			list.remove(entry.key);
			if (entry.key === "1") list.remove("2");
		}
		assert.deepEqual(seen, ["1", "3", "4"]);
		assert.deepEqual([list.size, list.bytes, list.first], [0, 0, null]);
	});
});
