import assert from "node:assert/strict";
import { test } from "node:test";
import { BitArray, type Height, PRECOMMIT, PREVOTE, type Proposal, type Round } from "@cairn/types";
import type { NewRoundStep } from "./messages.ts";
import { PeerRoundState } from "./peer-round-state.ts";

const NOW = 1_700_000_000_000_000_000n;
const HEADER = { total: 3, hash: new Uint8Array(32).fill(1) };
const OTHER = { total: 5, hash: new Uint8Array(32).fill(2) };

function step(height: Height, round: Round, at = 1, lastCommitRound = 0): NewRoundStep {
	return { kind: "newRoundStep", height, round, step: at, secondsSinceStart: 2n, lastCommitRound };
}

function at(height: Height, round: Round, atStep = 3): PeerRoundState {
	const state = new PeerRoundState();
	state.applyStep(step(height, round, atStep), NOW);
	state.ensureVotes(height, 4);
	return state;
}

function proposal(height: Height, round: Round, polRound = -1): Proposal {
	return {
		height,
		round,
		polRound,
		blockId: { hash: new Uint8Array(32).fill(9), partSetHeader: HEADER },
		timestamp: NOW,
		signature: new Uint8Array(64),
	};
}

function bits(text: string): BitArray {
	return BitArray.fromJson(text);
}

test("old and repeated steps change nothing", () => {
	const state = at(5, 2, 4);
	for (const [height, round, atStep] of [
		[5, 2, 4],
		[5, 2, 3],
		[5, 1, 8],
		[4, 9, 8],
	] as const) {
		assert.equal(state.applyStep(step(height, round, atStep), NOW), false);
	}
	assert.equal(state.applyStep(step(5, 2, 5), NOW), true);
	assert.deepEqual([state.height, state.round, state.step], [5, 2, 5]);
	assert.equal(state.startTime, NOW - 2_000_000_000n);
});

test("an absurd time since the start is bounded", () => {
	const state = new PeerRoundState();
	state.applyStep({ ...step(1, 0), secondsSinceStart: -9_223_372_036_854_775_808n }, NOW);
	assert.ok(state.startTime > NOW);
});

test("a new round forgets what was sent for the round before: it may have been dropped", () => {
	const state = at(5, 0);
	assert.ok(state.setProposal(proposal(5, 0), true));
	state.parts?.assume(0);
	state.tellVote(5, 0, PREVOTE, 1);
	state.applyStep(step(5, 1), NOW);
	assert.equal(state.hasProposal, false);
	assert.equal(state.parts, null);
	assert.equal(state.prevotes, null);
	assert.equal(state.polRound, -1);
});

test("precommits of a height become its last commit when the peer moves on from the committed round", () => {
	const state = at(5, 2);
	state.tellVote(5, 2, PRECOMMIT, 3);
	state.applyStep(step(6, 0, 1, 2), NOW);
	assert.equal(state.votesOf(5, 2, PRECOMMIT)?.get(3), true);
	assert.equal(state.votesOf(5, 1, PRECOMMIT), null);
	const other = at(5, 2);
	other.tellVote(5, 2, PRECOMMIT, 3);
	other.applyStep(step(6, 0, 1, 1), NOW);
	assert.equal(other.lastCommit, null, "committed in another round: nothing is known");
});

test("precommits of a round caught up with are kept when the peer reaches that round", () => {
	const state = at(5, 0);
	state.ensureCatchUp(5, 3, 4);
	state.votesOf(5, 3, PRECOMMIT)?.assume(2);
	state.applyStep(step(5, 3), NOW);
	assert.equal(state.votesOf(5, 3, PRECOMMIT)?.get(2), true);
	state.applyStep(step(6, 0), NOW);
	assert.equal(state.catchUpRound, -1);
});

test("votes of other heights and rounds are not followed", () => {
	const state = at(5, 1);
	assert.equal(state.votesOf(5, 0, PREVOTE), null);
	assert.equal(state.votesOf(7, 1, PREVOTE), null);
	assert.equal(state.votesOf(4, 0, PREVOTE), null);
	state.tellVote(5, 0, PREVOTE, 1);
	state.tellVote(5, 1, PREVOTE, 400);
	assert.equal(state.prevotes?.bits().isEmpty(), true);
});

test("a valid block of the peer's round tells which parts it collects; a committed one of any round", () => {
	const state = at(5, 1);
	const message = { kind: "newValidBlock", height: 5, round: 0, header: OTHER, parts: bits("x____") } as const;
	assert.equal(state.applyValidBlock({ ...message, isCommit: false }), false);
	assert.equal(state.applyValidBlock({ ...message, height: 6, isCommit: true }), false);
	assert.equal(state.applyValidBlock({ ...message, isCommit: true }), true);
	assert.ok(state.collects(OTHER) && state.isWaitingForParts);
	assert.equal(state.parts?.toJSON(), "x____");
	state.setProposal(proposal(5, 1), true);
	assert.ok(state.collects(OTHER), "a later proposal does not change what it collects");
});

test("parts on their way count as delivered only if the peer collected that block when they were sent", () => {
	const state = at(5, 0);
	state.setProposal(proposal(5, 0), true);
	state.parts?.assume(2);
	const same = {
		kind: "newValidBlock",
		height: 5,
		round: 0,
		header: HEADER,
		parts: bits("x__"),
		isCommit: false,
	} as const;
	state.applyValidBlock(same);
	assert.equal(state.parts?.toJSON(), "x_x");
	state.applyValidBlock({ ...same, header: OTHER, parts: bits("_____") });
	assert.equal(state.parts?.toJSON(), "_____");
});

test("bits of votes overrule what we believed, for the votes we asked about", () => {
	const state = at(5, 0);
	for (const index of [0, 1, 3]) state.prevotes?.assume(index);
	const blockId = proposal(5, 0).blockId;
	const message = { kind: "voteSetBits", height: 5, round: 0, type: PREVOTE, blockId, bits: bits("x___") } as const;
	state.applyVoteSetBits(message, bits("xx__"));
	assert.equal(state.prevotes?.toJSON(), "x__x", "vote 1 was lost; vote 3 is for another block");
	state.applyVoteSetBits({ ...message, bits: bits("___x") }, null);
	assert.equal(state.prevotes?.toJSON(), "___x");
});

test("what was only assumed can be forgotten, what the peer told cannot", () => {
	const state = at(5, 0);
	state.setProposal(proposal(5, 0, 0), true);
	state.parts?.assume(0);
	state.parts?.tell(1);
	state.prevotes?.assume(2);
	state.tellVote(5, 0, PREVOTE, 3);
	state.forgetAssumed();
	assert.equal(state.hasProposal, false);
	assert.equal(state.parts?.toJSON(), "_x_");
	assert.equal(state.prevotes?.toJSON(), "___x");
	const told = at(5, 0);
	told.setProposal(proposal(5, 0), true);
	told.setProposal(proposal(5, 0), false);
	told.forgetAssumed();
	assert.equal(told.hasProposal, true);
});

test("a proof of lock counts for the proposal it was asked for", () => {
	const state = at(5, 4);
	state.setProposal(proposal(5, 4, 2), false);
	assert.equal(state.applyPol({ kind: "proposalPol", height: 5, polRound: 1, bits: bits("xxxx") }), false);
	assert.equal(state.applyPol({ kind: "proposalPol", height: 5, polRound: 2, bits: bits("xx__") }), true);
	assert.equal(state.votesOf(5, 2, PREVOTE)?.toJSON(), "xx__");
	assert.equal(state.votesOf(5, 2, PRECOMMIT), null);
});
