import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { privateKeyFromSeed, publicKeyOf } from "@cairn/crypto";
import { fromHex, toHex } from "@cairn/kit";
import fc from "fast-check";
import { newValidator, type Validator, ValidatorSet } from "./index.ts";
import { errorOf, loadVector, type ValidatorVector, validatorOf } from "./support.test.ts";

interface SetVector {
	readonly addresses: readonly string[];
	readonly powers: readonly string[];
	readonly priorities: readonly string[];
	readonly proposer: string;
	readonly total_voting_power: string;
}

const vectors = loadVector("proposer.json");

function shapeOf(set: ValidatorSet): SetVector {
	return {
		addresses: set.validators.map(({ address }) => toHex(address)),
		powers: set.validators.map(({ votingPower }) => String(votingPower)),
		priorities: set.validators.map(({ proposerPriority }) => String(proposerPriority)),
		proposer: set.proposer === null ? "" : toHex(set.proposer.address),
		total_voting_power: String(set.totalPower),
	};
}

function inputOf(vector: { readonly input: readonly ValidatorVector[] }): Validator[] {
	return vector.input.map(validatorOf);
}

function changeOf(vector: Pick<ValidatorVector, "pub_key" | "voting_power">): Validator {
	return validatorOf({ ...vector, pub_key_type: "ed25519", proposer_priority: "0" });
}

test("two hundred turns of each set are Go's, priority by priority", () => {
	for (const vector of vectors.rotation) {
		let set = ValidatorSet.create(inputOf(vector));
		assert.deepEqual(shapeOf(set), vector.after_new, vector.name);
		for (const [round, expected] of vector.rounds.priorities.entries()) {
			set = set.copyIncrementProposerPriority(1);
			const { priorities, proposer, addresses } = shapeOf(set);
			assert.equal(addresses.indexOf(proposer), vector.rounds.proposer_index[round], `${vector.name} ${round}`);
			if (Array.isArray(expected)) assert.deepEqual(priorities, expected, `${vector.name} ${round}`);
			else assert.equal(createHash("sha256").update(priorities.join(",")).digest("hex"), expected);
		}
		for (const { times, result } of vector.jumps_from_final) {
			assert.deepEqual(shapeOf(set.copyIncrementProposerPriority(times)), result, `${vector.name} by ${times}`);
		}
	}
});

test("additions, changes and removals are Go's, errors included", () => {
	let refused = 0;
	for (const vector of vectors.updates) {
		let set = ValidatorSet.create(inputOf(vector));
		assert.deepEqual(shapeOf(set), vector.after_new);
		for (const step of vector.steps) {
			if (step.op === "increment") set = set.copyIncrementProposerPriority(step.times);
			else {
				const changes: Validator[] = step.changes.map(changeOf);
				const before = shapeOf(set);
				const error = errorOf(() => {
					set = set.withUpdates(changes);
				});
				assert.equal(error !== null, step.error !== null, step.error);
				if (error !== null) {
					refused++;
					assert.deepEqual(shapeOf(set), before);
				}
			}
			if (step.result !== undefined && step.result !== null) assert.deepEqual(shapeOf(set), step.result);
			if (step.hash !== undefined && step.hash !== null) assert.equal(toHex(set.hash()), step.hash);
		}
	}
	assert.ok(refused > 0);
});

const KEYS = Array.from({ length: 12 }, (_, i) => {
	return publicKeyOf(privateKeyFromSeed("ed25519", new Uint8Array(32).fill(i + 1)));
});

function setOf(powers: readonly bigint[]): ValidatorSet {
	return ValidatorSet.create(powers.map((power, i) => newValidator(KEYS[i] as (typeof KEYS)[0], power)));
}

const powers = fc.array(fc.bigInt(1n, 1000n), { minLength: 1, maxLength: KEYS.length });

test("priorities stay centred and within twice the total power", () => {
	fc.assert(
		fc.property(powers, fc.integer({ min: 1, max: 50 }), (each, times) => {
			const set = setOf(each).copyIncrementProposerPriority(times);
			const priorities = set.validators.map(({ proposerPriority }) => proposerPriority);
			const sum = priorities.reduce((a, b) => a + b, 0n);
			const size = BigInt(set.size);
			assert.ok(sum < size && sum > -size, `sum ${sum}`);
			const sorted = [...priorities].sort((a, b) => (a < b ? -1 : 1));
			const distance = (sorted.at(-1) as bigint) - (sorted[0] as bigint);
			assert.ok(distance <= 2n * set.totalPower, `distance ${distance}`);
		}),
	);
});

test("in as many turns as there is power, each validator proposes as often as it has power", () => {
	fc.assert(
		fc.property(fc.array(fc.bigInt(1n, 12n), { minLength: 1, maxLength: 6 }), (each) => {
			let set = setOf(each);
			const turns = new Map<string, bigint>();
			for (let i = 0n; i < set.totalPower; i++) {
				const address = toHex(set.proposer?.address ?? new Uint8Array(0));
				turns.set(address, (turns.get(address) ?? 0n) + 1n);
				set = set.copyIncrementProposerPriority(1);
			}
			for (const { address, votingPower } of set.validators) {
				const difference = (turns.get(toHex(address)) ?? 0n) - votingPower;
				assert.ok(difference >= -1n && difference <= 1n, `power ${votingPower}, off by ${difference}`);
			}
		}),
		{ numRuns: 60 },
	);
});

test("rotation leaves the set that it starts from alone, and shares its hash", () => {
	const set = setOf([5n, 3n, 1n]);
	const before = shapeOf(set);
	const rotated = set.copyIncrementProposerPriority(3);
	assert.deepEqual(shapeOf(set), before);
	assert.equal(rotated.hash(), set.hash());
	assert.notDeepEqual(rotated.proposerPriorityHash(), set.proposerPriorityHash());
});

test("validators are found by index and by address", () => {
	const set = setOf([5n, 3n, 1n]);
	for (const [index, validator] of set.validators.entries()) {
		assert.deepEqual(set.getByAddress(validator.address.slice()), { index, validator });
		assert.equal(set.getByIndex(index), validator);
	}
	assert.equal(set.getByAddress(new Uint8Array(20)), null);
	assert.equal(set.hasAddress(new Uint8Array(20)), false);
	assert.equal(set.getByIndex(3), null);
	assert.equal(set.getByIndex(-1), null);
	assert.ok(set.allKeysHaveSameType);
});

test("a set rebuilt from its validators has the proposer of the last turn", () => {
	const set = setOf([5n, 3n, 1n]).copyIncrementProposerPriority(1);
	const rebuilt = ValidatorSet.fromExisting([...set.validators].reverse());
	assert.deepEqual(shapeOf(rebuilt), shapeOf(set));
	assert.ok(errorOf(() => ValidatorSet.fromExisting([])));
});

test("duplicates, removals from nothing and excessive power make no set", () => {
	const [a, b] = KEYS as [(typeof KEYS)[0], (typeof KEYS)[0]];
	const max = 1152921504606846975n;
	assert.ok(errorOf(() => ValidatorSet.create([newValidator(a, 1n), newValidator(a, 2n)])));
	assert.ok(errorOf(() => ValidatorSet.create([newValidator(a, 0n)])));
	assert.ok(errorOf(() => ValidatorSet.create([newValidator(a, -1n)])));
	assert.ok(errorOf(() => ValidatorSet.create([newValidator(a, max), newValidator(b, 1n)])));
	assert.equal(ValidatorSet.create([newValidator(a, max)]).totalPower, max);
	assert.equal(ValidatorSet.create([]).size, 0);
	assert.equal(ValidatorSet.create([]).proposer, null);
	assert.ok(
		errorOf(() => setOf([1n]).withUpdates([newValidator(a, 0n)])),
		"empty result",
	);
	assert.ok(
		errorOf(() => setOf([1n, 1n]).withUpdates([newValidator(KEYS[5] as typeof a, 0n)])),
		"unknown",
	);
});

test("priorities from a peer may be anything: rotation gives a set or a typed error, never a crash", () => {
	const int64 = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);
	fc.assert(
		fc.property(fc.array(int64, { minLength: 2, maxLength: 5 }), (priorities) => {
			const base = setOf(priorities.map(() => 7n));
			const validators = base.validators.map((each, i) => ({ ...each, proposerPriority: priorities[i] as bigint }));
			const set = ValidatorSet.fromParts(validators, validators[0] as Validator);
			errorOf(() => assert.equal(set.copyIncrementProposerPriority(1).size, set.size));
		}),
	);
});

test("the hash of priorities tells apart what differs by a constant (#5820)", () => {
	const base = setOf([2n, 2n]);
	const shifted = base.validators.map((each) => ({ ...each, proposerPriority: each.proposerPriority + 5n }));
	const set = ValidatorSet.fromParts(shifted, shifted[0] as Validator);
	assert.notDeepEqual(set.proposerPriorityHash(), base.proposerPriorityHash());
	assert.equal(ValidatorSet.create([]).proposerPriorityHash().length, 0);
	assert.deepEqual(
		base.validators.map(({ proposerPriority }) => proposerPriority),
		[-2n, 2n],
	);
	const expected = createHash("sha256").update(fromHex("0304")).digest("hex");
	assert.equal(toHex(base.proposerPriorityHash()), expected);
});
