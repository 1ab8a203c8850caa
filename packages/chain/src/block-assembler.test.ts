import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toHex, ValidationError } from "@cairn/kit";
import {
	type Block,
	type BlockId,
	type BlockKey,
	blockHash,
	blockIdKey,
	blockToPartSet,
	EMPTY_COMMIT,
	encodeBlock,
	genesisState,
	makeBlock,
	type Part,
	PartSet,
	type PartSetHeader,
} from "@cairn/types";
import fc from "fast-check";
import { BlockAssembler } from "./block-assembler.ts";
import { testGenesis, testKey } from "./testing/test-chain.ts";

const PART = 65_536;
const STATE = genesisState(testGenesis([testKey(0)]));

interface Proposed {
	readonly block: Block;
	readonly id: BlockId;
	readonly key: BlockKey;
	readonly parts: Part[];
	readonly header: PartSetHeader;
}

/** A block of the first height with so many bytes of transactions. */
function proposed(fill: number, bytes: number, height = 1): Proposed {
	const proposer = STATE.validators.proposer?.address ?? new Uint8Array(0);
	const state = { ...STATE, initialHeight: height };
	const block = makeBlock(state, height, [new Uint8Array(bytes).fill(fill)], EMPTY_COMMIT, [], proposer);
	return packed(block, blockToPartSet(block), blockHash(block));
}

function packed(block: Block, set: PartSet, hash: Uint8Array): Proposed {
	const id: BlockId = { hash, partSetHeader: set.header };
	const parts = Array.from({ length: set.total }, (_, index) => set.getPart(index)).filter((part) => part !== null);
	return { block, id, key: blockIdKey(id), parts, header: set.header };
}

const ONE = proposed(1, 3 * PART);
const TWO = proposed(2, 2 * PART);
const SMALL = proposed(3, 10);

function assembler(maxBytes = -1n): BlockAssembler {
	return new BlockAssembler(1, maxBytes);
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
	const copy = bytes.slice();
	copy[at] = (copy[at] ?? 0) ^ 1;
	return copy;
}

/** Every way in which a part can be false; all but the first keep the form that decoding has checked. */
const FALSIFIED: Readonly<Record<string, (part: Part) => Part>> = {
	"other bytes": (part) => ({ ...part, bytes: flipped(part.bytes, part.bytes.length >> 1) }),
	"cut bytes": (part) => ({ ...part, bytes: part.bytes.subarray(0, -1) }),
	"no bytes": (part) => ({ ...part, bytes: new Uint8Array(0) }),
	"another leaf": (part) => ({ ...part, proof: { ...part.proof, leafHash: flipped(part.proof.leafHash, 0) } }),
	"another aunt": (part) => {
		const [first, ...rest] = part.proof.aunts;
		return { ...part, proof: { ...part.proof, aunts: first === undefined ? [] : [flipped(first, 3), ...rest] } };
	},
	"no aunts": (part) => ({ ...part, proof: { ...part.proof, aunts: [] } }),
	"one aunt too many": (part) => {
		return { ...part, proof: { ...part.proof, aunts: [...part.proof.aunts, new Uint8Array(32)] } };
	},
	"an index behind the end": (part) => {
		return { ...part, index: part.proof.total, proof: { ...part.proof, index: part.proof.total } };
	},
	"another index": (part) => ({ ...part, index: (part.index + 1) % part.proof.total }),
	"another index in part and proof": (part) => {
		const index = (part.index + 1) % part.proof.total;
		return { ...part, index, proof: { ...part.proof, index } };
	},
	"a proof for more parts": (part) => ({ ...part, proof: { ...part.proof, total: part.proof.total + 1 } }),
};

describe("block assembler", () => {
	it("puts a block together from its parts in any order, and says so once", () => {
		fc.assert(
			fc.property(fc.shuffledSubarray(ONE.parts, { minLength: ONE.parts.length }), (order) => {
				const under = assembler();
				assert.equal(under.want(ONE.key), null);
				for (const [count, part] of order.entries()) {
					const added = under.add(1, part, ONE.header);
					assert.equal(added.kind, count === order.length - 1 ? "complete" : "added");
					if (added.kind === "complete") {
						assert.equal(added.key, ONE.key);
						assert.deepEqual(encodeBlock(added.block), encodeBlock(ONE.block));
					}
					assert.equal(under.add(1, part, ONE.header).kind, "duplicate");
				}
				assert.deepEqual(blockHash(under.block(ONE.key) ?? SMALL.block), ONE.id.hash);
				assert.notEqual(under.want(ONE.key), null, "it is complete already");
			}),
			{ numRuns: 20 },
		);
	});

	for (const [what, falsify] of Object.entries(FALSIFIED)) {
		it(`refuses a part with ${what}, blames the sender, and is none the worse`, () => {
			fc.assert(
				fc.property(fc.nat(ONE.parts.length - 1), fc.nat(ONE.parts.length - 1), (index, before) => {
					const under = assembler();
					under.want(ONE.key);
					const honest = ONE.parts[index];
					assert.ok(honest !== undefined);
					const forged = falsify(honest);
					// Where a part is here already, another for its place is not even looked at.
					const places = [index, forged.index];
					for (const part of ONE.parts.slice(0, before)) {
						if (!places.includes(part.index)) under.add(1, part, ONE.header);
					}
					assert.throws(
						() => under.add(1, forged, ONE.header),
						(error) => error instanceof ValidationError && error.blame === "peer",
					);
					for (const part of ONE.parts) under.add(1, part, ONE.header);
					assert.deepEqual(blockHash(under.block(ONE.key) ?? SMALL.block), ONE.id.hash);
				}),
				{ numRuns: 10 },
			);
		});
	}

	it("takes nothing that nobody asked for", () => {
		const under = assembler();
		const [part] = ONE.parts;
		assert.ok(part !== undefined);
		assert.equal(under.add(1, part, null).kind, "unwanted");
		assert.equal(under.add(1, part, ONE.header).kind, "unwanted", "nobody has wanted it yet");
		under.want(ONE.key);
		assert.equal(under.add(2, part, ONE.header).kind, "unwanted", "another height");
		assert.equal(under.add(1, part, TWO.header).kind, "unwanted", "another block is wanted now");
		assert.equal(under.add(1, part, ONE.header).kind, "added");
		under.reset(2, -1n);
		assert.equal(under.height, 2);
		assert.equal(under.add(2, part, ONE.header).kind, "unwanted", "forgotten with the height");
		assert.equal(under.parts(ONE.header), null);
	});

	it("keeps blocks apart whose parts come interleaved", () => {
		const all = [ONE, TWO, SMALL].flatMap((of) => of.parts.map((_, index) => ({ of, index })));
		const names = new Map([ONE, TWO, SMALL].map((each, index) => [each, index]));
		const order = fc.shuffledSubarray([...all.keys()], { minLength: all.length });
		fc.assert(
			fc.property(order, (places) => {
				const under = assembler();
				for (const each of [ONE, TWO, SMALL]) under.want(each.key);
				const complete: (number | undefined)[] = [];
				for (const place of places) {
					const { of = ONE, index = 0 } = all[place] ?? {};
					const part = of.parts[index];
					assert.ok(part !== undefined);
					// The part of one block under the header of another is a lie, and changes neither.
					const other = of === ONE ? TWO : ONE;
					if (under.parts(other.header)?.hasPart(index) === false) {
						assert.throws(() => under.add(1, part, other.header), ValidationError);
					}
					if (under.add(1, part, of.header).kind === "complete") complete.push(names.get(of));
				}
				assert.deepEqual(complete.sort(), [0, 1, 2]);
				for (const { key, id } of [ONE, TWO, SMALL]) {
					assert.equal(toHex(blockHash(under.block(key) ?? SMALL.block)), toHex(id.hash));
				}
			}),
			{ numRuns: 20 },
		);
	});

	it("refuses parts that together exceed a block", () => {
		const under = assembler(BigInt(2 * PART));
		under.want(ONE.key);
		const [first, second, third] = ONE.parts;
		assert.ok(first && second && third);
		assert.equal(under.add(1, first, ONE.header).kind, "added");
		assert.equal(under.add(1, second, ONE.header).kind, "added");
		assert.throws(() => under.add(1, third, ONE.header), /total size .* exceeds maximum block bytes/);
	});

	it("judges the size of a proposal before any part comes", () => {
		const total = (parts: number): PartSetHeader => ({ total: parts, hash: new Uint8Array(32) });
		const under = assembler(BigInt(2 * PART));
		assert.deepEqual(
			[1, 2, 3].map((parts) => under.fits(total(parts))),
			[true, true, false],
		);
		const odd = assembler(BigInt(2 * PART + 1));
		assert.deepEqual(
			[3, 4].map((parts) => odd.fits(total(parts))),
			[true, false],
		);
		const boundless = assembler(-1n);
		assert.deepEqual(
			[1_600, 1_601].map((parts) => boundless.fits(total(parts))),
			[true, false],
		);
	});

	it("gives a block up whose parts fit their header but do not make up what was promised", () => {
		const garbage = PartSet.fromBytes(new Uint8Array(100).fill(7));
		const foreign = proposed(4, 10, 2);
		const lies: readonly (readonly [Proposed, RegExp])[] = [
			[packed(SMALL.block, garbage, SMALL.id.hash), /./],
			[foreign, /height mismatch: 2/],
		];
		for (const [lie, why] of lies) {
			const under = assembler();
			under.want(lie.key);
			const [part] = lie.parts;
			assert.ok(part !== undefined);
			const added = under.add(1, part, lie.header);
			assert.ok(added.kind === "broken" && added.key === lie.key, added.kind);
			assert.match(added.why, why);
			assert.equal(under.block(lie.key), null);
			assert.equal(under.want(lie.key), null);
		}
	});

	// One part set announced under a false block hash and under the true one, in any order: CometBFT goes by the part
	// set alone, and so must we, or one proposer could keep this node from ever seeing the block that is decided.
	const LIE = packed(SMALL.block, blockToPartSet(SMALL.block), ONE.id.hash);
	for (const [what, wants] of [
		["only the lie", [LIE]],
		["the lie, then the truth", [LIE, SMALL]],
		["the truth, then the lie", [SMALL, LIE]],
	] as const) {
		it(`gives a block its true id, whatever it was announced as: ${what}`, () => {
			const under = assembler();
			for (const { key } of wants) assert.equal(under.want(key), null);
			const [part] = SMALL.parts;
			assert.ok(part !== undefined);
			const added = under.add(1, part, SMALL.header);
			assert.ok(added.kind === "complete" && added.key === SMALL.key);
			assert.deepEqual(blockHash(under.block(SMALL.key) ?? ONE.block), SMALL.id.hash);
			assert.equal(under.block(LIE.key), null);
			for (const { key } of [LIE, SMALL])
				assert.equal(under.want(key)?.key, SMALL.key, "it is here for whoever asks later");
		});
	}

	it("holds a bounded number of blocks, complete ones longest", () => {
		const under = assembler();
		under.put(SMALL.id, SMALL.block, blockToPartSet(SMALL.block));
		for (let fill = 10; fill < 40; fill++) under.want(proposed(fill, 10).key);
		assert.notEqual(under.block(SMALL.key), null);
		const last = proposed(39, 10);
		assert.notEqual(under.parts(last.header), null, "the newest is there");
		assert.equal(under.parts(proposed(10, 10).header), null, "the oldest went");
	});

	it("never drops lock and valid block, however many rounds propose", () => {
		const [lock, valid] = [proposed(5, 10), proposed(6, 10)];
		const under = new BlockAssembler(1, -1n, () => [lock.key, undefined, valid.key]);
		for (const each of [lock, valid]) under.put(each.id, each.block, blockToPartSet(each.block));
		for (let fill = 10; fill < 40; fill++) {
			const { block, id } = proposed(fill, 10);
			under.put(id, block, blockToPartSet(block));
		}
		for (const each of [lock, valid]) assert.notEqual(under.block(each.key), null);
		assert.equal(under.block(proposed(31, 10).key), null);
		assert.notEqual(under.block(proposed(39, 10).key), null);
	});
});
