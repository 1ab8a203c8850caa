import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CallQueue } from "./call-queue.ts";

const later = <T>(value: T): Promise<T> =>
	new Promise((resolve) => {
		setImmediate(() => resolve(value));
	});

describe("CallQueue", () => {
	it("runs a call that answers at once before it returns", async () => {
		const queue = new CallQueue();
		let ran = false;
		const answer = queue.run(() => {
			ran = true;
			return 7;
		});
		assert.ok(ran);
		assert.equal(await answer, 7);
	});

	it("keeps order over calls now and later, and gives each its own failure", async () => {
		const queue = new CallQueue();
		const begun: number[] = [];
		const ended: string[] = [];
		const calls = Array.from({ length: 20 }, (_, index) =>
			queue
				.run(() => {
					begun.push(index);
					if (index % 5 === 4) throw new Error(`thrown ${index}`);
					if (index % 5 === 3) return later(0).then(() => Promise.reject(new Error(`rejected ${index}`)));
					return index % 2 === 0 ? later(index) : index;
				})
				.then(
					(value) => ended.push(String(value)),
					(cause: Error) => ended.push(cause.message),
				),
		);
		await Promise.all(calls);
		const all = Array.from({ length: 20 }, (_, index) => index);
		assert.deepEqual(begun, all);
		const expected = all.map((index) =>
			index % 5 === 4 ? `thrown ${index}` : index % 5 === 3 ? `rejected ${index}` : String(index),
		);
		assert.deepEqual(ended, expected);
	});

	it("does not grow the stack over a long row of calls that answer at once", async () => {
		const queue = new CallQueue();
		const first = queue.run(() => later(0));
		const calls = Array.from({ length: 100_000 }, (_, index) => queue.run(() => index));
		await first;
		const answers = await Promise.all(calls);
		assert.equal(answers.at(-1), 99_999);
	});

	it("lets a call make another one", async () => {
		const queue = new CallQueue();
		const inner: Promise<number>[] = [];
		const outer = await queue.run(() => {
			inner.push(queue.run(() => 2));
			return 1;
		});
		assert.equal(outer, 1);
		assert.deepEqual(await Promise.all(inner), [2]);
	});
});
