import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { privateKeyFromSeed, publicKeyOf } from "@cairn/crypto";
import { type ChainState, newValidator, ValidatorSet } from "@cairn/types";
import { Lab, TIMEOUTS } from "../testing/consensus-lab.ts";
import { EpochMaker, MemberRegistry } from "./epochs.ts";

const LAB = new Lab(3);
const OTHER = newValidator(publicKeyOf(privateKeyFromSeed("ed25519", new Uint8Array(32).fill(9))), 50n);

/** The state after the first block, in which another validator has joined. */
function grown(): ChainState {
	const validators = LAB.set.withUpdates([OTHER]).copyIncrementProposerPriority(1);
	const params = { ...LAB.state.consensusParams, abci: { voteExtensionsEnableHeight: 2 } };
	return { ...LAB.state, lastBlockHeight: 1, lastValidators: LAB.set, validators, consensusParams: params };
}

describe("epochs", () => {
	it("are one height each, with the validators that decide it", () => {
		const maker = new EpochMaker(new MemberRegistry(), null, TIMEOUTS, false);
		const first = maker.next({ ...LAB.state, initialHeight: 7 });
		assert.deepEqual([first.number, first.from, first.last, first.validators.size], [7, 7, 7, 3]);
		assert.equal(maker.previous(LAB.state), null);
		const state = grown();
		assert.deepEqual([maker.next(state).number, maker.next(state).validators.size], [2, 4]);
		const previous = maker.previous(state);
		assert.deepEqual([previous?.number, previous?.validators.size], [1, 3]);
		assert.deepEqual([previous?.params.extensions, maker.next(state).params.extensions], [false, true]);
	});

	it("keep the number of a key however its place in the set changes", () => {
		const maker = new EpochMaker(new MemberRegistry(), null, TIMEOUTS, false);
		const first = maker.next(LAB.state);
		assert.deepEqual(first.members, [0, 1, 2]);
		const next = maker.next(grown());
		for (const [index, { address }] of next.validators.validators.entries()) {
			const before = LAB.set.getByAddress(address);
			assert.equal(next.members[index], before === null ? 3 : before.index);
		}
		const reversed = ValidatorSet.create(
			[...LAB.set.validators].map((each, i) => ({ ...each, votingPower: BigInt(i + 1) })),
		);
		const members = maker.next({ ...LAB.state, validators: reversed }).members;
		assert.deepEqual([...members].sort(), [0, 1, 2]);
		assert.deepEqual(maker.next(LAB.state).members, [0, 1, 2]);
	});

	it("say where this node stands in the set, height by height", () => {
		const maker = new EpochMaker(new MemberRegistry(), OTHER.address, TIMEOUTS, false);
		const state = grown();
		assert.equal(maker.next(LAB.state).self, null);
		assert.equal(maker.previous(state)?.self, null);
		assert.equal(maker.next(state).self, state.validators.getByAddress(OTHER.address)?.index);
		assert.equal(new EpochMaker(new MemberRegistry(), null, TIMEOUTS, false).next(state).self, null);
	});

	it("carry what the configuration and the parameters say, from the next height on", () => {
		const maker = new EpochMaker(new MemberRegistry(), null, TIMEOUTS, true);
		const before = maker.next(LAB.state).params;
		assert.deepEqual([before.waitForWork, before.timeouts["propose"]], [true, 3_000]);
		assert.equal(before.maxBlockBytes, Number(LAB.state.consensusParams.block.maxBytes));
		maker.tune({ ...TIMEOUTS, propose: 50 });
		assert.equal(maker.next(LAB.state).params.timeouts["propose"], 50);
		assert.equal(before.timeouts["propose"], 3_000, "an epoch that was given away does not change");
	});
});
