import assert from "node:assert/strict";
import { test } from "node:test";
import { PRECOMMIT, PREVOTE } from "@cairn/types";
import { newHeightVotes, voteOf } from "../testing/fixture.ts";

test("a peer may open two rounds ahead, another peer two more", () => {
	const { votes, validators, block } = newHeightVotes(4);
	const vote = (round: number, index: number) =>
		voteOf(validators, index, { type: PRECOMMIT, height: 1, round, blockId: block("a") });
	assert.equal(votes.add(vote(999, 0), "peer1")?.added, true);
	assert.equal(votes.add(vote(1000, 0), "peer1")?.added, true);
	assert.equal(votes.accepts(1001, "peer1"), false);
	assert.equal(votes.add(vote(1001, 0), "peer1"), null);
	assert.equal(votes.votes(1001), null);
	assert.equal(votes.add(vote(1001, 0), "peer2")?.added, true);
	assert.equal(votes.add(vote(1001, 1), "peer1")?.added, true, "a round that another peer opened");
	assert.deepEqual(votes.rounds(), [0, 999, 1000, 1001]);
});

test("rounds are followed without a gap, and those opened before keep their votes", () => {
	const { votes, validators, block } = newHeightVotes(4);
	votes.add(voteOf(validators, 2, { type: PREVOTE, height: 1, round: 3, blockId: block("a") }), "peer1");
	votes.setRound(5);
	assert.deepEqual(votes.rounds(), [0, 1, 2, 3, 4, 5]);
	assert.equal(votes.prevotes(3)?.bitArray().toString(), "__x_");
	assert.equal(votes.round, 5);
});

test("polInfo names the highest round with +2/3 prevotes, for a block or nil", () => {
	const { votes, validators, block } = newHeightVotes(4);
	assert.equal(votes.polInfo(), null);
	votes.setRound(4);
	for (const index of [0, 1, 2]) {
		votes.add(voteOf(validators, index, { type: PREVOTE, height: 1, round: 1, blockId: block("a") }), "p");
	}
	assert.deepEqual(votes.polInfo(), { round: 1, blockId: block("a") });
	for (const index of [1, 2, 3]) {
		votes.add(voteOf(validators, index, { type: PREVOTE, height: 1, round: 3, blockId: block("") }), "p");
	}
	assert.deepEqual(votes.polInfo(), { round: 3, blockId: block("") });
});

test("a claim of a majority is kept per round and type, one for each peer", () => {
	const { votes, block } = newHeightVotes(4);
	assert.equal(votes.setPeerMajority(0, PREVOTE, "p", block("a")), true);
	assert.equal(votes.setPeerMajority(0, PREVOTE, "p", block("a")), true);
	assert.equal(votes.setPeerMajority(0, PREVOTE, "p", block("b")), false);
	assert.equal(votes.setPeerMajority(0, PRECOMMIT, "p", block("b")), true);
	assert.equal(votes.setPeerMajority(7, PREVOTE, "p", block("b")), true, "a round not followed is ignored");
});
