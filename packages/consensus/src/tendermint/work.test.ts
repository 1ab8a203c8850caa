import assert from "node:assert/strict";
import { test } from "node:test";
import { Lab, type LabOptions } from "../testing/lab.ts";

/** Height 2, whose leader this node is, in the wait after the commit of height 1. */
function atSecondHeight(options: LabOptions, changed: boolean): Lab {
	const lab = new Lab({ self: new Lab().leader(0, 2), ...options }).startRound();
	lab.precommits(0, "a");
	lab.feed(lab.appliedInput(1, lab.key("a"), changed));
	assert.equal(lab.where, "2/0/RoundStepNewHeight");
	return lab;
}

const patient: LabOptions = { params: { waitForWork: true } };

test("rule 9: the first height needs a proof block, so nobody waits", () => {
	const lab = new Lab({ self: new Lab().leader(0), ...patient }).startRound();
	assert.equal(lab.proposalsSent.length, 1);
});

test("rule 9: with create_empty_blocks = false round 0 waits for transactions, the leader and everybody else", () => {
	const lab = atSecondHeight(patient, false);
	lab.fire("newHeight", 0);
	assert.equal(lab.where, "2/0/RoundStepNewRound");
	assert.ok(lab.marks.has("T8"));
	assert.equal(lab.timers.at(-1), "newHeight/2/0", "no timer runs");
	assert.equal(lab.feed({ kind: "work", height: 1 }).kind, "ignored");
	assert.equal(lab.where, "2/0/RoundStepNewRound");
	lab.feed({ kind: "work", height: 2 });
	assert.ok(lab.marks.has("T9"));
	assert.equal(lab.asked("build").length, 1);
	assert.equal(lab.lastVote, "prevote/0/own");

	const follower = atSecondHeight({ ...patient, self: new Lab().leader(1, 2) }, false);
	follower.fire("newHeight", 0);
	assert.equal(follower.where, "2/0/RoundStepNewRound");
	follower.proposal("b", 0, -1, 2);
	follower.feed(follower.blockInput("b", 2));
	assert.equal(follower.lastVote, "prevote/0/b", "a proposal ends the wait of the others");
});

test("rule 9: a changed application hash asks for a proof block at once", () => {
	const lab = atSecondHeight(patient, true);
	lab.fire("newHeight", 0);
	assert.equal(lab.asked("build").length, 1);
});

test("rule 9: transactions that come during the commit timeout are remembered", () => {
	const lab = atSecondHeight(patient, false);
	lab.feed({ kind: "work", height: 2 });
	assert.equal(lab.where, "2/0/RoundStepNewHeight");
	lab.fire("newHeight", 0);
	assert.equal(lab.asked("build").length, 1);
});

test("rule 9: transactions may be announced for the next height while this one is being applied", () => {
	const lab = new Lab({ self: new Lab().leader(0, 2), ...patient }).startRound();
	lab.precommits(0, "a");
	assert.equal(lab.where, "1/0/RoundStepCommit");
	assert.equal(lab.feed({ kind: "work", height: 2 }).kind, "ok");
	assert.equal(lab.feed({ kind: "work", height: 3 }).kind, "ignored");
	lab.feed(lab.appliedInput(1, lab.key("a"), false));
	lab.fire("newHeight", 0);
	assert.equal(lab.asked("build").at(-1)?.height, 2);
});

test("rule 9: later rounds do not wait", () => {
	const lab = atSecondHeight({ ...patient, self: new Lab().leader(1, 2) }, false);
	lab.fire("newHeight", 0);
	for (const index of lab.others) lab.message({ kind: "vote", vote: lab.vote(1, index, 1, "", 2) });
	assert.equal(lab.asked("build").at(-1)?.round, 1);
});

test("create_empty_blocks_interval ends the wait", () => {
	const lab = atSecondHeight({ timeouts: { createEmptyBlocksInterval: 5000 } }, false);
	lab.fire("newHeight", 0);
	assert.equal(lab.where, "2/0/RoundStepNewRound");
	const { timer, after } = lab.of("setTimer").at(-1) ?? {};
	assert.deepEqual([timer, after], ["newRound/2/0", 5000]);
	lab.fire("newRound", 0);
	assert.equal(lab.asked("build").length, 1);
});

test("a log of CometBFT may hold the end of that wait without the start of the round", () => {
	const lab = atSecondHeight(patient, false);
	lab.fire("newRound", 0);
	assert.equal(lab.asked("build").length, 1);
	assert.equal(lab.engine.gossip().votesRound, 1);
});

test("after a restart a proof block is due unless the host says that nothing changed", () => {
	const source = new Lab({ self: new Lab().leader(3) }).startRound();
	source.precommits(0, "a");
	const certificate = source.committed?.certificate;
	assert.ok(certificate !== undefined);
	for (const changed of [undefined, true, false]) {
		const lab = new Lab({ self: new Lab().leader(0, 2), ...patient });
		lab.feed({
			kind: "start",
			tip: { height: 1, block: lab.key("a"), time: 0n, certificate },
			executed: 1,
			epochs: [lab.epoch(2), lab.epoch(3)],
			previous: lab.epoch(1),
			snapshot: null,
			...(changed === undefined ? {} : { changed }),
		});
		lab.fire("newHeight", 0);
		assert.equal(lab.asked("build").length, changed === false ? 0 : 1, String(changed));
	}
});
