import assert from "node:assert/strict";
import { test } from "node:test";
import { PRECOMMIT } from "@cairn/types";
import { Lab } from "../testing/lab.ts";

/** Four equal validators; this node leads round 3 only. */
function follower(): Lab {
	return new Lab({ self: new Lab().leader(3) });
}

/** Locked on `a` in round 0, round 1 entered by the precommit timeout. */
function lockedOnA(): Lab {
	const lab = follower().startRound();
	lab.proposal("a", 0);
	lab.prevotes(0, "a");
	assert.equal(lab.lastVote, "precommit/0/a");
	assert.equal(lab.locked, "a@0");
	lab.precommits(0, "");
	assert.equal(lab.where, "1/0/RoundStepPrecommit");
	lab.fire("precommit", 0);
	assert.equal(lab.where, "1/1/RoundStepPropose");
	return lab;
}

test("rule 1, StateLockNoPOL: a locked node prevotes its lock, whatever is proposed", () => {
	const lab = lockedOnA();
	lab.proposal("b", 1);
	assert.equal(lab.lastVote, "prevote/1/a");
	assert.deepEqual(
		lab.asked("check").map(({ block }) => lab.nameOf(block)),
		["a"],
		"a lock needs no other verdict",
	);
	lab.prevotes(1, "b", lab.others.slice(0, 2));
	lab.fire("prevote", 1);
	assert.equal(lab.lastVote, "precommit/1/nil");
	assert.equal(lab.locked, "a@0", "no polka, no unlock");
	lab.precommits(1, "");
	lab.fire("precommit", 1);
	lab.fire("propose", 2);
	assert.equal(lab.lastVote, "prevote/2/a", "without a proposal too");
});

test("rule 2: an unlocked node prevotes any complete, valid, accepted block", () => {
	const lab = follower().startRound();
	lab.proposal("a", 0);
	assert.equal(lab.lastVote, "prevote/0/a");
	assert.equal(lab.locked, null);
});

/** In round 1 without any vote of round 0. */
function inRoundOne(): Lab {
	const lab = follower().startRound();
	lab.fire("propose", 0);
	lab.precommits(0, "");
	lab.fire("precommit", 0);
	assert.equal(lab.where, "1/1/RoundStepPropose");
	return lab;
}

test("rule 2: after the propose timeout the POL that the proposal names need not have been seen", () => {
	const lab = inRoundOne();
	lab.proposal("c", 1, 0);
	assert.equal(lab.where, "1/1/RoundStepPropose", "the proposal is not complete without its POL");
	lab.fire("propose", 1);
	assert.equal(lab.lastVote, "prevote/1/c");
});

test("rule 2: the POL that a proposal names may arrive after it, and ends the wait", () => {
	const lab = inRoundOne();
	lab.proposal("c", 1, 0);
	lab.prevotes(0, "c");
	assert.ok(lab.marks.has("T38"));
	assert.equal(lab.lastVote, "prevote/1/c");
});

test("rule 3, StateLockPOLUnlock: a polka for nil at a later round unlocks on arrival", () => {
	const lab = lockedOnA();
	lab.fire("propose", 1);
	assert.equal(lab.lastVote, "prevote/1/a");
	lab.prevotes(1, "", lab.others);
	assert.ok(lab.marks.has("T32"));
	assert.equal(lab.locked, null);
	assert.equal(lab.lastVote, "precommit/1/nil");
	lab.precommits(1, "");
	lab.fire("precommit", 1);
	lab.proposal("b", 2);
	assert.equal(lab.lastVote, "prevote/2/b", "free to prevote another block");
});

test("rule 3: a polka that arrives late, for an earlier round above the lock's, unlocks as well", () => {
	const lab = lockedOnA();
	lab.fire("propose", 1);
	lab.precommits(1, "");
	lab.fire("precommit", 1);
	assert.equal(lab.where, "1/2/RoundStepPropose");
	assert.equal(lab.locked, "a@0");
	lab.prevotes(1, "b");
	assert.equal(lab.locked, null);
	assert.equal(lab.valid, "a@0", "a late polka makes no valid value");
});

test("rule 3: no polka at or below the lock's round, and none of a later round than the current, unlocks", () => {
	const lab = follower().startRound();
	lab.fire("propose", 0);
	lab.precommits(0, "");
	lab.fire("precommit", 0);
	lab.proposal("a", 1);
	lab.prevotes(1, "a");
	assert.equal(lab.locked, "a@1");
	lab.prevotes(0, "b");
	assert.equal(lab.locked, "a@1", "StateLockPOLSafety2: an old polka does not unlock");
	lab.precommits(1, "");
	lab.fire("precommit", 1);
	lab.prevotes(4, "b", lab.others.slice(0, 2));
	assert.equal(lab.locked, "a@1");
	assert.equal(lab.where, "1/2/RoundStepPropose");
});

test("rule 3: an equal polka of a later round keeps the lock", () => {
	const lab = lockedOnA();
	lab.prevotes(1, "a", lab.others);
	lab.fire("propose", 1);
	assert.equal(lab.locked, "a@0", "it is raised at precommit only");
	lab.fire("prevote", 1);
	assert.equal(lab.locked, "a@1");
});

test("rule 4, StateLockPOLRelock: a polka for the lock raises its round", () => {
	const lab = lockedOnA();
	lab.proposal("a", 1, 0);
	assert.equal(lab.lastVote, "prevote/1/a");
	lab.prevotes(1, "a");
	assert.equal(lab.lastVote, "precommit/1/a");
	assert.equal(lab.locked, "a@1");
	assert.equal(lab.events("Relock"), 1);
	assert.equal(lab.valid, "a@1");
});

test("rule 4, StateLockPOLUnlockOnUnknownBlock: a polka for a block not here unlocks and fetches", () => {
	const lab = lockedOnA();
	lab.policy.fetch = () => "hold";
	lab.fire("propose", 1);
	lab.prevotes(1, "b");
	assert.equal(lab.where, "1/1/RoundStepPrevoteWait");
	assert.equal(lab.locked, null, "the arrival of the polka unlocked already");
	assert.deepEqual(lab.fetched.at(-1), "b");
	lab.fire("prevote", 1);
	assert.equal(lab.lastVote, "precommit/1/nil");
	assert.ok(lab.marks.has("T44"));
	assert.equal(lab.locked, null);
	lab.precommits(1, "");
	lab.fire("precommit", 1);
	lab.policy.fetch = () => "answer";
	lab.proposal("b", 2);
	assert.equal(lab.lastVote, "prevote/2/b");
	lab.prevotes(2, "b");
	assert.equal(lab.locked, "b@2");
	assert.equal(lab.lastVote, "precommit/2/b");
});

test("rule 4: the lock's own polka, seen without a proposal, is precommitted at the prevote timeout", () => {
	const lab = lockedOnA();
	lab.policy.fetch = () => "hold";
	lab.fire("propose", 1);
	lab.prevotes(1, "a", lab.others.slice(0, 2));
	assert.equal(lab.where, "1/1/RoundStepPrevoteWait", "the proposal is not complete");
	lab.fire("prevote", 1);
	assert.equal(lab.lastVote, "precommit/1/a");
	assert.equal(lab.locked, "a@1");
});

test("rule 5: only a polka of the current round makes a valid value", () => {
	const lab = follower().startRound();
	lab.proposal("a", 0);
	lab.precommits(0, "");
	lab.fire("precommit", 0);
	lab.prevotes(0, "a");
	assert.equal(lab.valid, null);
	assert.equal(lab.locked, null);
	lab.proposal("b", 1);
	lab.prevotes(1, "b", lab.others.slice(0, 2));
	assert.equal(lab.valid, "b@1");
	assert.equal(lab.locked, "b@1");
});

test("rule 5: the block of a polka may arrive after it, in time to become the valid value and the lock", () => {
	const lab = follower().startRound();
	lab.policy.fetch = () => "hold";
	lab.proposal("a", 0);
	lab.fire("propose", 0);
	assert.equal(lab.lastVote, "prevote/0/nil");
	lab.prevotes(0, "a");
	assert.equal(lab.valid, null);
	assert.equal(lab.where, "1/0/RoundStepPrevoteWait");
	lab.block("a");
	assert.equal(lab.valid, "a@0");
	assert.equal(lab.lastVote, "precommit/0/a");
	assert.equal(lab.locked, "a@0");
});

test("rule 6: only +2/3 of prevotes or of precommits skip rounds, not a third", () => {
	const lab = follower().startRound();
	lab.prevotes(2, "", lab.others.slice(0, 2));
	assert.equal(lab.where, "1/0/RoundStepPropose");
	lab.precommits(2, "", lab.others.slice(2));
	assert.equal(lab.where, "1/0/RoundStepPropose", "prevotes and precommits do not add up");
	lab.prevotes(2, "x", lab.others.slice(2));
	assert.equal(lab.where, "1/2/RoundStepPropose");
	lab.precommits(5, "", lab.others.slice(0, 1));
	lab.precommits(5, "y", lab.others.slice(1));
	assert.equal(lab.where, "1/5/RoundStepPropose");
	assert.ok(lab.marks.has("T35") && lab.marks.has("T50"));
	assert.equal(lab.timers.at(-1), "precommit/1/5");
});

test("rule 7: +2/3 precommits of any round commit, of an earlier and of a later one", () => {
	const relocked = lockedOnA();
	relocked.precommits(1, "a");
	assert.equal(relocked.committed?.name, "a");
	assert.equal(relocked.committed?.commit.round, 1);

	const lab = follower().startRound();
	lab.proposal("a", 0);
	lab.precommits(1, "", lab.others.slice(0, 2));
	lab.prevotes(1, "");
	assert.equal(lab.where.startsWith("1/1/"), true);
	lab.precommits(0, "a");
	assert.equal(lab.committed?.name, "a");
	assert.equal(lab.committed?.commit.round, 0);
	assert.equal(lab.where, "1/1/RoundStepCommit");

	const ahead = follower().startRound();
	ahead.precommits(3, "z");
	assert.equal(ahead.where, "1/3/RoundStepCommit");
	assert.equal(ahead.committed?.commit.round, 3);
	assert.deepEqual(ahead.votesSent, ["precommit/3/nil"], "a block not seen before is not precommitted");
});

test("rule 8: a leader proposes the valid value again, with the round of its polka", () => {
	const self = new Lab().leader(1);
	const lab = new Lab({ self }).startRound();
	lab.proposal("a", 0);
	lab.prevotes(0, "a");
	lab.precommits(0, "");
	lab.fire("precommit", 0);
	assert.equal(lab.asked("build").length, 0);
	const [proposal] = lab.proposalsSent;
	assert.deepEqual(proposal?.blockId, lab.id("a"));
	assert.equal(proposal?.polRound, 0);
	assert.equal(proposal?.round, 1);
	assert.equal(lab.lastVote, "prevote/1/a");
});

test("rule 8: a valid value outlives the lock", () => {
	const self = new Lab().leader(2);
	const lab = new Lab({ self }).startRound();
	lab.proposal("a", 0);
	lab.prevotes(0, "a");
	lab.precommits(0, "");
	lab.fire("precommit", 0);
	lab.prevotes(1, "");
	assert.equal(lab.locked, null);
	assert.equal(lab.valid, "a@0");
	lab.precommits(1, "");
	lab.fire("precommit", 1);
	assert.equal(lab.proposalsSent[0]?.polRound, 0);
	assert.deepEqual(lab.proposalsSent[0]?.blockId, lab.id("a"));
});

test("rule 10: an invalid block gets a prevote for nil; with a polka it is checked again, and halts if it stays so", () => {
	const lab = follower().startRound();
	lab.policy.check = () => "invalid";
	lab.proposal("a", 0);
	assert.equal(lab.lastVote, "prevote/0/nil");
	const [first, second] = lab.others;
	lab.prevotes(0, "a", [first ?? 0, second ?? 0]);
	assert.throws(() => lab.prevotes(0, "a", lab.others.slice(2)), /\+2\/3 prevoted an invalid block/);
});

test("rule 10: a block that was ahead of the clock and is not any more is locked after all", () => {
	const lab = follower().startRound();
	lab.policy.check = () => "invalid";
	lab.proposal("a", 0);
	assert.equal(lab.lastVote, "prevote/0/nil");
	lab.policy.check = () => "valid";
	lab.prevotes(0, "a");
	assert.equal(lab.lastVote, "precommit/0/a");
	assert.equal(lab.locked, "a@0");
});

test("rule 10: the verdict invalid holds for one round only", () => {
	const lab = follower().startRound();
	lab.policy.check = () => "invalid";
	lab.proposal("a", 0);
	lab.precommits(0, "");
	lab.fire("precommit", 0);
	lab.policy.check = () => "valid";
	lab.proposal("a", 1);
	assert.equal(lab.lastVote, "prevote/1/a");
});

test("a block that the application rejects gets a prevote for nil, and yet is locked on a polka", () => {
	const lab = follower().startRound();
	lab.policy.check = () => "appRejected";
	lab.proposal("a", 0);
	assert.equal(lab.lastVote, "prevote/0/nil");
	lab.prevotes(0, "a");
	assert.equal(lab.lastVote, "precommit/0/a");
	assert.equal(lab.locked, "a@0");
	assert.equal(lab.asked("check").length, 1);
});

test("StateLockPOLSafety1: prevotes of an old round cannot make a node prevote against its lock", () => {
	const lab = follower().startRound();
	lab.fire("propose", 0);
	const late = lab.others.map((index) => lab.vote(1, index, 0, "old"));
	lab.precommits(0, "");
	lab.fire("precommit", 0);
	lab.proposal("b", 1);
	lab.prevotes(1, "b");
	assert.equal(lab.locked, "b@1");
	lab.precommits(1, "");
	lab.fire("precommit", 1);
	lab.fire("propose", 2);
	assert.equal(lab.lastVote, "prevote/2/b");
	for (const vote of late) lab.message({ kind: "vote", vote });
	assert.equal(lab.locked, "b@1");
	assert.equal(lab.valid, "b@1");
});

test("StateHalt1: a node that precommitted commits with a late precommit of an earlier round", () => {
	const lab = follower().startRound();
	lab.proposal("a", 0);
	lab.prevotes(0, "a");
	const [first = 0, second = 0, third = 0] = lab.others;
	lab.precommits(0, "a", [first]);
	lab.precommits(0, "", [second]);
	lab.fire("precommit", 0);
	assert.equal(lab.where, "1/1/RoundStepPropose");
	lab.message({ kind: "vote", vote: lab.vote(PRECOMMIT, third, 0, "a") });
	assert.equal(lab.committed?.name, "a");
	assert.equal(lab.where, "1/1/RoundStepCommit");
});
