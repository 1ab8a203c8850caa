import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AbciClient } from "@cairn/abci";
import { CairnError, noMetrics, silentLogger } from "@cairn/kit";
import { txKey } from "@cairn/types";
import { abci } from "@cairn/types/proto";
import { ManualTime, settle } from "@cairn/world";
import fc from "fast-check";
import { MEMPOOL_OPTIONS } from "../testing/test-chain.ts";
import { encodedTxSize, Mempool } from "./mempool.ts";

// Transactions are numbered; number n is n + 1 bytes long. The cache is smaller than the list, as in advisory
// CVE-2023-34451, where a transaction that had fallen out of the cache could enter the list a second time.
const SIZE = 4;
const MAX_BYTES = 20;
const CACHE = 2;

interface Asked {
	readonly tx: number;
	readonly answer: (response: abci.ResponseCheckTx) => void;
}

/** An application that answers when the test says so, in the order in which it was asked. */
class SlowApplication {
	readonly #asked: Asked[] = [];
	#flushes: { readonly behind: number; readonly resolve: () => void }[] = [];
	#answered = 0;
	#total = 0;

	/** All that a mempool uses of its connection. */
	client(): AbciClient {
		const client: Pick<AbciClient, "checkTx" | "flush"> = {
			checkTx: ({ tx }) => {
				this.#total++;
				return new Promise((answer) => this.#asked.push({ tx: tx[0] ?? 0, answer }));
			},
			flush: () =>
				new Promise((resolve) => {
					this.#flushes.push({ behind: this.#total, resolve });
					this.#flushUpTo();
				}),
		};
		return client as AbciClient;
	}

	get waiting(): readonly number[] {
		return this.#asked.map(({ tx }) => tx);
	}

	answer(code: number): void {
		const next = this.#asked.shift();
		if (next === undefined) return;
		this.#answered++;
		next.answer(abci.ResponseCheckTx.create({ code, gasWanted: 1n }));
		this.#flushUpTo();
	}

	#flushUpTo(): void {
		const due = this.#flushes.filter(({ behind }) => behind <= this.#answered);
		this.#flushes = this.#flushes.filter((each) => !due.includes(each));
		for (const { resolve } of due) resolve();
	}
}

/** What a mempool is, without list and map: the numbers of the transactions, in order. */
class Model {
	list: number[] = [];
	cache: number[] = [];

	get bytes(): number {
		return this.list.reduce((sum, tx) => sum + tx + 1, 0);
	}

	isFull(tx: number): boolean {
		return this.list.length >= SIZE || this.bytes + tx + 1 > MAX_BYTES;
	}

	push(tx: number): boolean {
		const isNew = !this.cache.includes(tx);
		this.cache = [...this.cache.filter((each) => each !== tx), tx].slice(-CACHE);
		return isNew;
	}

	forget(tx: number): void {
		this.cache = this.cache.filter((each) => each !== tx);
	}

	/** What a new transaction is told at once; null if the application is asked. */
	enter(tx: number): string | null {
		if (this.isFull(tx)) return "mempool-full";
		return this.push(tx) ? null : "tx-in-cache";
	}

	settle(tx: number, code: number): void {
		if (code === 0 && this.list.includes(tx)) return;
		if (code !== 0 || this.isFull(tx)) this.forget(tx);
		else this.list.push(tx);
	}

	update(txs: readonly number[], codes: readonly number[]): void {
		for (const [index, tx] of txs.entries()) {
			if (codes[index] === 0) this.push(tx);
			else this.forget(tx);
			this.list = this.list.filter((each) => each !== tx);
		}
	}

	recheck(tx: number, code: number): void {
		if (code === 0 || !this.list.includes(tx)) return;
		this.list = this.list.filter((each) => each !== tx);
		this.forget(tx);
	}
}

const bytesOf = (tx: number): Uint8Array => new Uint8Array(tx + 1).fill(tx);

type Step =
	| { readonly kind: "submit"; readonly tx: number }
	| { readonly kind: "answer"; readonly code: number }
	| {
			readonly kind: "commit";
			readonly txs: readonly number[];
			readonly codes: readonly number[];
			readonly bad: readonly number[];
	  }
	| { readonly kind: "flush" };

const tx = fc.nat(7);
const code = fc.constantFrom(0, 0, 0, 1);
const step: fc.Arbitrary<Step> = fc.oneof(
	{ weight: 8, arbitrary: tx.map((each) => ({ kind: "submit" as const, tx: each })) },
	{ weight: 7, arbitrary: code.map((each) => ({ kind: "answer" as const, code: each })) },
	{
		weight: 3,
		arbitrary: fc.record({
			kind: fc.constant("commit" as const),
			txs: fc.uniqueArray(tx, { maxLength: 3 }),
			codes: fc.array(code, { minLength: 3, maxLength: 3 }),
			bad: fc.uniqueArray(tx, { maxLength: 3 }),
		}),
	},
	{ weight: 1, arbitrary: fc.constant({ kind: "flush" as const }) },
);

class Rig {
	readonly application = new SlowApplication();
	readonly model = new Model();
	readonly mempool: Mempool;
	readonly announced: number[] = [];
	height = 0;

	constructor() {
		const options = { ...MEMPOOL_OPTIONS, size: SIZE, maxTxsBytes: MAX_BYTES, cacheSize: CACHE };
		const parts = {
			connection: this.application.client(),
			timers: new ManualTime(),
			logger: silentLogger,
			metrics: noMetrics,
		};
		this.mempool = new Mempool(options, 0, { maxDataBytes: 1_000, maxGas: -1n }, parts);
		this.mempool.onTx(({ tx: bytes }) => this.announced.push(bytes[0] ?? 0));
	}

	async take(given: Step): Promise<void> {
		if (given.kind === "submit") await this.#submit(given.tx);
		else if (given.kind === "answer") await this.#answer(given.code);
		else if (given.kind === "commit") await this.#commit(given.txs, given.codes, given.bad);
		else {
			this.mempool.flush();
			this.model.list = [];
			this.model.cache = [];
		}
		this.#compare();
	}

	async #submit(each: number): Promise<void> {
		const expected = this.model.enter(each);
		let outcome: string | null = null;
		this.mempool.checkTx(bytesOf(each), "peer").catch((error: unknown) => {
			outcome = error instanceof CairnError ? error.code : String(error);
		});
		await settle();
		assert.equal(outcome, expected, `submitted ${each}`);
	}

	async #answer(each: number): Promise<void> {
		const first = this.application.waiting[0];
		if (first === undefined) return;
		this.application.answer(each);
		await settle();
		this.model.settle(first, each);
	}

	async #commit(txs: readonly number[], codes: readonly number[], bad: readonly number[]): Promise<void> {
		const locked = this.mempool.lock();
		for (const pending of this.application.waiting) {
			this.application.answer(0);
			this.model.settle(pending, 0);
		}
		await locked;
		this.#compare();
		this.height++;
		const limits = { maxDataBytes: 1_000, maxGas: -1n };
		const updated = this.mempool.update(this.height, txs.map(bytesOf), codes, limits);
		this.model.update(txs, codes);
		await settle();
		assert.deepEqual(this.application.waiting, this.model.list, "everything that stays is asked about again");
		for (const each of this.application.waiting) {
			const answer = bad.includes(each) ? 1 : 0;
			this.application.answer(answer);
			this.model.recheck(each, answer);
		}
		await updated;
		this.mempool.unlock();
		await settle();
	}

	#compare(): void {
		const { mempool, model } = this;
		const numbers = [...mempool.entries].map(({ tx: bytes }) => bytes[0]);
		assert.deepEqual(numbers, model.list);
		assert.deepEqual(
			mempool.reapMaxTxs(-1).map((bytes) => bytes[0]),
			model.list,
		);
		assert.deepEqual([mempool.size, mempool.bytes], [model.list.length, model.bytes]);
		for (let each = 0; each <= 7; each++) {
			const entry = mempool.entries.get(txKey(bytesOf(each)));
			assert.equal(entry !== undefined && !entry.removed, model.list.includes(each), `map and list differ on ${each}`);
		}
		for (const limit of [0, 5, 11, 30]) {
			const fitting: number[] = [];
			let bytes = 0;
			for (const each of model.list) {
				bytes += encodedTxSize(each + 1);
				if (bytes > limit) break;
				fitting.push(each);
			}
			assert.deepEqual(
				mempool.reapMaxBytesMaxGas(limit, -1n).map((found) => found[0]),
				fitting,
			);
		}
	}
}

describe("mempool against a model", () => {
	it("keeps list, map and cache in step under any order of checks, answers and blocks", async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
				const rig = new Rig();
				for (const each of steps) await rig.take(each);
			}),
			{ numRuns: 300 },
		);
	});

	it("takes a transaction once that is checked twice at the same time, having fallen out of the cache", async () => {
		const rig = new Rig();
		for (const each of [1, 2, 3, 1]) await rig.take({ kind: "submit", tx: each });
		assert.deepEqual(rig.application.waiting, [1, 2, 3, 1]);
		for (let count = 0; count < 4; count++) await rig.take({ kind: "answer", code: 0 });
		assert.deepEqual(rig.announced, [1, 2, 3]);
		await rig.take({ kind: "commit", txs: [1], codes: [0], bad: [] });
		assert.deepEqual(rig.model.list, [2, 3]);
	});
});
