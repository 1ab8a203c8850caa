import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type KeyRange, type KeyValueStore, type StoreWrite, toHex } from "@cairn/kit";
import fc from "fast-check";

type Reopen = (store: KeyValueStore) => Promise<KeyValueStore>;

/** What every KeyValueStore promises. `reopen` closes the store and opens it again; `discard` cleans up. */
export function storeSuite(name: string, open: () => Promise<KeyValueStore>, reopen: Reopen): void {
	describe(`${name}: key-value store`, () => {
		it("keeps keys in byte order and reads ranges both ways", async () => {
			const store = await open();
			const keys = [[0], [0, 0], [0, 255], [1], [127], [128], [200, 1], [255], [255, 255]];
			await store.write([...keys].reverse().map((key) => put(key, key)));
			assert.deepEqual(await keysOf(store), keys.map(hex));
			assert.deepEqual(await keysOf(store, { from: Uint8Array.of(1), to: Uint8Array.of(200, 1) }), ["01", "7f", "80"]);
			assert.deepEqual(await keysOf(store, { to: Uint8Array.of(1), reverse: true, limit: 2 }), ["00ff", "0000"]);
			assert.deepEqual(await keysOf(store, { from: Uint8Array.of(9), to: Uint8Array.of(3) }), []);
			await store.close();
		});

		it("hands out bytes that are the reader's own", async () => {
			const store = await open();
			await store.write([put([1], [1, 2, 3])]);
			const value = store.get(Uint8Array.of(1));
			assert.ok(value !== undefined && Object.getPrototypeOf(value) === Uint8Array.prototype);
			value[0] = 99;
			assert.deepEqual(store.get(Uint8Array.of(1)), Uint8Array.of(1, 2, 3));
			await store.close();
		});

		it("iterates over the state at the beginning of the iteration", async () => {
			const store = await open();
			await store.write(Array.from({ length: 1000 }, (_, i) => put([i >> 8, i & 255], [i & 255])));
			let seen = 0;
			for await (const [key] of store.entries()) {
				if (seen++ === 0) await store.write([put([0, 0, 1], [1]), { key: Uint8Array.of(3, 231), remove: true }]);
				assert.equal(key.length, 2);
			}
			assert.equal(seen, 1000);
			for await (const [key] of store.entries()) {
				assert.deepEqual(key, Uint8Array.of(0, 0));
				break;
			}
			await store.compact();
			assert.equal((await keysOf(store)).length, 1000);
			await store.close();
		});

		it("refuses to be read when closed, closing twice is harmless", async () => {
			const store = await open();
			await store.close();
			await store.close();
			assert.throws(() => store.get(Uint8Array.of(1)), { code: "invariant" });
			await assert.rejects(store.write([put([1], [1])]), { code: "invariant" });
		});

		it("behaves as a sorted map, across closing and opening", async () => {
			const key = fc.uint8Array({ minLength: 1, maxLength: 3 });
			const write = fc.record({ key, value: fc.option(fc.uint8Array({ maxLength: 8 })) });
			const batches = fc.array(fc.array(write, { maxLength: 10 }), { maxLength: 10 });
			await fc.assert(
				fc.asyncProperty(batches, fc.integer({ min: 0, max: 9 }), async (plan, reopenAt) => {
					let store = await open();
					const model = new Map<string, string>();
					for (const [index, batch] of plan.entries()) {
						if (index === reopenAt) store = await reopen(store);
						await store.write(
							batch.map(({ key, value }): StoreWrite => (value === null ? { key, remove: true } : { key, value })),
							{ sync: index % 2 === 0 },
						);
						for (const { key, value } of batch) {
							if (value === null) model.delete(toHex(key));
							else model.set(toHex(key), toHex(value));
						}
					}
					const expected = [...model].sort(([a], [b]) => (a < b ? -1 : 1));
					const found: string[][] = [];
					for await (const [key, value] of store.entries()) found.push([toHex(key), toHex(value)]);
					assert.deepEqual(found, expected);
					await store.close();
				}),
				{ numRuns: 25 },
			);
		});
	});
}

function put(key: readonly number[], value: readonly number[]): StoreWrite {
	return { key: Uint8Array.from(key), value: Uint8Array.from(value) };
}

function hex(key: readonly number[]): string {
	return toHex(Uint8Array.from(key));
}

async function keysOf(store: KeyValueStore, range: KeyRange = {}): Promise<string[]> {
	const keys: string[] = [];
	for await (const [key] of store.entries(range)) keys.push(toHex(key));
	return keys;
}
