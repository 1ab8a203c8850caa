import assert from "node:assert/strict";
import { test } from "node:test";
import { BLOCK_ID_FLAG_ABSENT, BLOCK_ID_FLAG_COMMIT, PRECOMMIT, PREVOTE } from "@cairn/types";
import { GENESIS_TIME } from "../testing/fixture.ts";
import { Lab } from "../testing/lab.ts";

const MS = 1_000_000n;

function follower(): Lab {
	return new Lab({ self: new Lab().leader(3) });
}

test("StateFullRound1: one validator proposes, votes, commits, and goes on after timeout_commit", () => {
	const lab = new Lab({ powers: [10n] });
	lab.policy.apply = true;
	lab.startRound();
	assert.equal(lab.committed?.name, "own");
	assert.deepEqual(lab.votesSent, ["prevote/0/own", "precommit/0/own"]);
	assert.equal(lab.where, "2/0/RoundStepNewHeight");
	lab.fire("newHeight", 0);
	assert.deepEqual(
		lab.asked("build").map(({ height, proof }) => [height, proof?.commit.height ?? null]),
		[
			[1, null],
			[2, 1],
		],
	);
	assert.equal(lab.where, "3/0/RoundStepNewHeight");
	assert.deepEqual(lab.timers, ["newHeight/1/0", "propose/1/0", "newHeight/2/0", "propose/2/0", "newHeight/3/0"]);
});

test("StateFullRoundNil: without a proposal everything is nil", () => {
	const lab = follower().startRound();
	lab.fire("propose", 0);
	assert.equal(lab.events("TimeoutPropose"), 1);
	lab.prevotes(0, "");
	assert.deepEqual(lab.votesSent, ["prevote/0/nil", "precommit/0/nil"]);
	assert.equal(lab.where, "1/0/RoundStepPrecommit");
});

test("StateFullRound2: two more validators, no timeout needed but that of the start", () => {
	const lab = follower().startRound();
	lab.proposal("a", 0);
	const [first = 0, second = 0, third = 0] = lab.others;
	lab.prevotes(0, "a", [first, second]);
	assert.equal(lab.lastVote, "precommit/0/a");
	lab.precommits(0, "a", [first, third]);
	assert.equal(lab.committed?.name, "a");
	const flags = lab.committed?.commit.signatures.map(({ blockIdFlag }) => blockIdFlag) ?? [];
	assert.equal(flags[second], BLOCK_ID_FLAG_ABSENT);
	assert.equal(flags.filter((flag) => flag === BLOCK_ID_FLAG_COMMIT).length, 3);
	assert.equal(lab.where, "1/0/RoundStepCommit", "until the block is applied");
});

test("the names of events and steps are CometBFT's, in its order", () => {
	const lab = follower().startRound();
	lab.policy.apply = true;
	lab.proposal("a", 0);
	lab.prevotes(0, "a", lab.others.slice(0, 2));
	lab.precommits(0, "a", lab.others.slice(0, 2));
	const events = lab
		.of("announce")
		.map(({ event }) => `${event.name} ${event.height}/${event.round}/${event.step.slice(9)}`);
	assert.deepEqual(events, [
		"NewRoundStep 1/0/NewHeight",
		"NewRound 1/0/NewRound",
		"NewRoundStep 1/0/Propose",
		"CompleteProposal 1/0/Propose",
		"NewRoundStep 1/0/Prevote",
		"Vote 1/0/Prevote",
		"Vote 1/0/Prevote",
		"Vote 1/0/Prevote",
		"ValidBlock 1/0/Prevote",
		"Polka 1/0/Prevote",
		"Lock 1/0/Prevote",
		"NewRoundStep 1/0/Precommit",
		"Vote 1/0/Precommit",
		"Vote 1/0/Precommit",
		"Vote 1/0/Precommit",
		"NewRoundStep 1/0/Commit",
		"NewRoundStep 2/0/NewHeight",
	]);
});

test("step timeouts grow by their delta each round; the engine has one timer, as Go's ticker", () => {
	const lab = follower().startRound();
	lab.fire("propose", 0);
	lab.prevotes(0, "", lab.others.slice(0, 1));
	lab.prevotes(0, "x", lab.others.slice(1, 2));
	lab.fire("prevote", 0);
	lab.precommits(0, "", lab.others.slice(0, 1));
	lab.precommits(0, "x", lab.others.slice(1, 2));
	lab.fire("precommit", 0);
	lab.fire("propose", 1);
	lab.prevotes(1, "", lab.others.slice(0, 1));
	lab.prevotes(1, "x", lab.others.slice(1, 2));
	const timers = lab.of("setTimer").map(({ timer, after }) => `${timer} ${after}`);
	assert.deepEqual(timers, [
		"newHeight/1/0 1000",
		"propose/1/0 3000",
		"prevote/1/0 1000",
		"precommit/1/0 1000",
		"propose/1/1 3500",
		"prevote/1/1 1500",
	]);
	assert.equal(lab.of("cancelTimer").length, 0, "each had fired");
});

test("a later timer replaces one under way, an earlier or equal one is not set", () => {
	const lab = follower().startRound();
	lab.precommits(0, "", lab.others.slice(0, 2));
	lab.precommits(0, "x", lab.others.slice(2));
	assert.deepEqual(lab.timers, ["newHeight/1/0", "propose/1/0", "precommit/1/0"]);
	assert.deepEqual(
		lab.of("cancelTimer").map(({ timer }) => timer),
		["propose/1/0"],
	);
	lab.prevotes(0, "", lab.others.slice(0, 2));
	lab.prevotes(0, "x", lab.others.slice(2));
	assert.equal(lab.timers.length, 3, "prevote wait is below precommit wait");
	lab.fire("precommit", 0);
	assert.equal(lab.lastVote, "precommit/0/nil");
	assert.equal(lab.where, "1/1/RoundStepPropose");
});

test("a stale timer is ignored: of another height, of an earlier round, of a step behind, or no timer at all", () => {
	const lab = follower().startRound();
	lab.fire("propose", 0);
	const before = lab.engine.digest();
	assert.equal(lab.feed({ kind: "timer", timer: "propose/1/0" }).kind, "ignored");
	assert.equal(lab.feed({ kind: "timer", timer: "newHeight/1/0" }).kind, "ignored");
	assert.equal(lab.feed({ kind: "timer", timer: "prevote/2/0" }).kind, "ignored");
	assert.equal(lab.feed({ kind: "timer", timer: "sunrise/1/0" }).kind, "ignored");
	assert.equal(lab.feed({ kind: "timer", timer: "propose/1/-1" }).kind, "ignored");
	assert.equal(lab.engine.digest(), before);
});

test("the timeout of commit runs from the moment of +2/3 precommits; late ones still enter the last commit", () => {
	const lab = follower().startRound();
	lab.proposal("a", 0);
	const [first = 0, second = 0, third = 0] = lab.others;
	lab.prevotes(0, "a");
	lab.precommits(0, "a", [first, second]);
	lab.pass(400);
	lab.feed(lab.appliedInput(1, lab.key("a")));
	assert.equal(lab.of("setTimer").at(-1)?.after, 600);
	lab.message({ kind: "vote", vote: lab.vote(PRECOMMIT, third, 0, "a") });
	assert.ok(lab.marks.has("T60"));
	assert.equal(lab.engine.gossip().lastCommit?.hasAll, true);
	lab.fire("newHeight", 0);
	const again = lab.message({ kind: "vote", vote: lab.vote(PRECOMMIT, third, 0, "a") });
	assert.deepEqual(again, { kind: "ignored", why: "precommit came after the commit timeout" });
});

test("skipTimeoutCommit: with all precommits in, the next height starts at once, else with the last one", () => {
	const all = new Lab({ self: 0, timeouts: { skipTimeoutCommit: 1 } }).startRound();
	all.policy.apply = true;
	if (all.leader(0) !== 0) all.proposal("a", 0);
	const name = all.leader(0) === 0 ? "own" : "a";
	all.prevotes(0, name);
	all.precommits(0, name, all.others.slice(0, 2));
	assert.equal(all.where, "2/0/RoundStepNewHeight");
	const last = all.others[2] ?? 0;
	all.message({ kind: "vote", vote: all.vote(PRECOMMIT, last, 0, name, 1) });
	assert.ok(all.marks.has("T5"));
	assert.equal(all.where.startsWith("2/0/RoundStepPropose") || all.where.startsWith("2/0/RoundStepPrevote"), true);
});

test("StateProposerSelection: leaders rotate with the rounds, and from height to height", () => {
	const lab = follower().startRound();
	for (const round of [0, 1, 2]) {
		assert.equal(lab.engine.view().leader, lab.leader(round), `round ${round}`);
		lab.fire("propose", round);
		lab.precommits(round, "");
		lab.fire("precommit", round);
	}
	lab.precommits(3, "a");
	lab.feed(lab.appliedInput(1, lab.key("a")));
	assert.equal(lab.engine.view().leader, lab.leader(0, 2));
});

test("StateEnterProposeNoPrivValidator: a node outside the set only follows", () => {
	const lab = new Lab({ self: null }).startRound();
	lab.proposal("a", 0);
	lab.prevotes(0, "a");
	lab.precommits(0, "a");
	assert.deepEqual(lab.votesSent, []);
	assert.equal(lab.of("sign").length, 0);
	assert.equal(lab.committed?.name, "a");
});

test("the leader builds on the decided chain, signs, and only then the proposal counts", () => {
	const lab = new Lab({ self: new Lab().leader(0) });
	lab.policy.build = "hold";
	lab.startRound();
	const [question] = lab.asked("build");
	assert.deepEqual(question?.anchor, { height: 0, block: null });
	assert.equal(question?.proof, null);
	assert.equal(question?.deadline, 3000);
	lab.policy.build = "own";
	lab.policy.sign = "hold";
	lab.release("ask");
	assert.equal(lab.engine.gossip().proposal, null);
	lab.policy.sign = "answer";
	lab.release("sign");
	assert.equal(lab.engine.gossip().proposal?.round, 0);
	assert.equal(lab.lastVote, "prevote/0/own");
	assert.deepEqual(lab.fetched, [], "an own block is here");
});

test("a block built after the node went on is not proposed", () => {
	const lab = new Lab({ self: new Lab().leader(0) });
	lab.policy.build = "hold";
	lab.startRound();
	lab.fire("propose", 0);
	assert.equal(lab.lastVote, "prevote/0/nil");
	lab.policy.build = "own";
	lab.release("ask");
	assert.deepEqual(lab.proposalsSent, []);
	lab.precommits(0, "");
	lab.fire("precommit", 0);
	assert.equal(lab.where, "1/1/RoundStepPropose");
});

test("a build that fails costs the round, nothing else", () => {
	const lab = new Lab({ self: new Lab().leader(0) });
	lab.policy.build = "fail";
	lab.startRound();
	assert.equal(lab.where, "1/0/RoundStepPropose");
	lab.fire("propose", 0);
	assert.equal(lab.lastVote, "prevote/0/nil");
});

test("StateBadProposal: a POL round at or above its round, or too many parts, is refused", () => {
	const lab = new Lab({ self: new Lab().leader(3), params: { maxBlockBytes: 65_536 } }).startRound();
	const bad = lab.proposal("a", 0, 0);
	assert.equal(bad.kind === "rejected" && bad.code, "invalid-proposal-pol-round");
	const large = { ...lab.id("a"), partSetHeader: { ...lab.id("a").partSetHeader, total: 2 } };
	const verdict = lab.message({
		kind: "proposal",
		proposal: { height: 1, round: 0, polRound: -1, blockId: large, timestamp: 0n, signature: new Uint8Array(64) },
	});
	assert.equal(verdict.kind === "rejected" && verdict.code, "proposal-too-many-parts");
	assert.equal(lab.engine.gossip().proposal, null);
});

test("only the first proposal of the current round counts", () => {
	const lab = follower().startRound();
	assert.equal(lab.proposal("late", 1).kind, "ignored");
	assert.equal(lab.proposal("a", 0).kind, "ok");
	assert.equal(lab.proposal("b", 0).kind, "ignored");
	assert.equal(lab.lastVote, "prevote/0/a");
});

test("a proposal of the first round may come, and be prevoted, before that round starts", () => {
	const lab = follower().start();
	lab.proposal("a", 0);
	assert.equal(lab.lastVote, "prevote/0/a");
	assert.equal(lab.where, "1/0/RoundStepPrevote");
	assert.equal(lab.fire("newHeight", 0).kind, "ignored");
});

test("no verdict when the propose timeout has passed: the prevote is nil", () => {
	const lab = follower().startRound();
	lab.policy.check = () => "hold";
	lab.proposal("a", 0);
	assert.equal(lab.where, "1/0/RoundStepPropose");
	lab.fire("propose", 0);
	assert.equal(lab.lastVote, "prevote/0/nil");
	assert.ok(lab.marks.has("T30"));
	lab.policy.check = () => "valid";
	lab.release("ask");
	assert.equal(lab.lastVote, "prevote/0/nil", "said once");
	lab.prevotes(0, "a");
	assert.equal(lab.lastVote, "precommit/0/a", "the verdict is known by now");
});

test("a precommit waits for the verdict on the block of a polka", () => {
	const lab = follower().startRound();
	lab.policy.check = () => "hold";
	lab.proposal("a", 0);
	lab.fire("propose", 0);
	lab.prevotes(0, "a");
	assert.equal(lab.where, "1/0/RoundStepPrecommit");
	assert.equal(lab.lastVote, "prevote/0/nil");
	assert.equal(lab.locked, null);
	lab.policy.check = () => "valid";
	lab.release("ask");
	assert.equal(lab.lastVote, "precommit/0/a");
	assert.equal(lab.locked, "a@0");
});

test("that wait ends with the time for prevotes: nil, unlocked, as for a block that is not here", () => {
	const lab = follower().startRound();
	lab.policy.check = () => "hold";
	lab.proposal("a", 0);
	lab.fire("propose", 0);
	lab.prevotes(0, "a");
	assert.equal(lab.timers.at(-1), "prevote/1/0");
	lab.fire("prevote", 0);
	assert.equal(lab.lastVote, "precommit/0/nil");
	assert.equal(lab.locked, null);
	lab.policy.check = () => "valid";
	lab.release("ask");
	assert.equal(lab.lastVote, "precommit/0/nil", "said once");
	assert.equal(lab.valid, "a@0");
});

test("that wait ends when the verdict cannot be had, and with the round", () => {
	const failing = follower().startRound();
	failing.policy.check = () => "hold";
	failing.proposal("a", 0);
	failing.fire("propose", 0);
	failing.prevotes(0, "a");
	failing.policy.check = () => "fail";
	failing.release("ask");
	assert.equal(failing.lastVote, "precommit/0/nil");

	const lab = follower().startRound();
	lab.policy.check = () => "hold";
	lab.proposal("a", 0);
	lab.fire("propose", 0);
	lab.prevotes(0, "a");
	lab.precommits(0, "");
	lab.fire("precommit", 0);
	assert.deepEqual(lab.votesSent.slice(1), ["precommit/0/nil"]);
	assert.equal(lab.where, "1/1/RoundStepPropose");
});

test("a node that knows the decision but not yet the verdict precommits the block when it knows", () => {
	const lab = follower().startRound();
	lab.policy.check = () => "hold";
	lab.proposal("a", 0);
	lab.prevotes(0, "a");
	lab.precommits(0, "a");
	assert.equal(lab.committed?.name, "a");
	assert.deepEqual(lab.votesSent, []);
	lab.policy.check = () => "valid";
	lab.release("ask");
	assert.equal(lab.lastVote, "precommit/0/a");
	assert.equal(lab.engine.gossip().votes(0)?.precommits.hasAll, true);
});

test("a verdict that cannot be had costs the prevote, and is asked for again in the next round", () => {
	const lab = follower().startRound();
	lab.policy.check = () => "fail";
	lab.proposal("a", 0);
	assert.equal(lab.where, "1/0/RoundStepPropose");
	lab.fire("propose", 0);
	assert.equal(lab.lastVote, "prevote/0/nil");
	lab.precommits(0, "");
	lab.fire("precommit", 0);
	lab.policy.check = () => "valid";
	lab.proposal("a", 1);
	assert.equal(lab.lastVote, "prevote/1/a");
	assert.equal(lab.asked("check").length, 2);
});

test("a valid block is checked once for the height, however often it is proposed", () => {
	const lab = follower().startRound();
	lab.proposal("a", 0);
	lab.precommits(0, "");
	lab.fire("precommit", 0);
	lab.proposal("a", 1);
	assert.equal(lab.lastVote, "prevote/1/a");
	assert.equal(lab.asked("check").length, 1);
});

test("StateCommitTimeout, block unknown: a decided block is fetched until it is here", () => {
	const lab = follower().startRound();
	lab.policy.fetch = () => "hold";
	lab.precommits(0, "a");
	assert.equal(lab.where, "1/0/RoundStepCommit");
	assert.equal(lab.of("commit").length, 0);
	assert.deepEqual(lab.fetched, ["a"]);
	assert.deepEqual(lab.of("fetch")[0]?.holders, lab.others);
	assert.equal(lab.engine.gossip().commitRound, 0);
	lab.feed({ kind: "missing", block: lab.key("a") });
	assert.deepEqual(lab.fetched, ["a", "a"]);
	assert.ok(lab.marks.has("T73"));
	assert.equal(lab.feed({ kind: "missing", block: lab.key("b") }).kind, "ignored");
	assert.equal(lab.block("b").kind, "ignored", "another block is of no use");
	lab.block("a");
	assert.equal(lab.committed?.name, "a");
});

test("a decided height starts no further round, whatever the others do", () => {
	const lab = follower().startRound();
	lab.policy.fetch = () => "hold";
	lab.precommits(0, "a");
	lab.prevotes(1, "");
	lab.precommits(1, "");
	assert.equal(lab.where, "1/0/RoundStepCommit");
	lab.block("a");
	assert.equal(lab.committed?.name, "a");
	assert.deepEqual(lab.votesSent, ["precommit/0/nil"]);
});

test("a locked block that is decided needs no fetch", () => {
	const lab = follower().startRound();
	lab.proposal("a", 0);
	lab.prevotes(0, "a");
	lab.fire("precommit", 0);
	assert.equal(lab.where, "1/1/RoundStepPropose");
	lab.policy.fetch = () => "hold";
	lab.precommits(0, "a", lab.others.slice(0, 2));
	assert.equal(lab.committed?.name, "a");
});

test("the time of a vote is the clock's, and later than the block locked or proposed", () => {
	const lab = follower();
	lab.blockTimes.set(lab.key("a"), GENESIS_TIME + 60_000n * MS);
	lab.startRound();
	lab.proposal("a", 0);
	lab.prevotes(0, "a");
	lab.precommits(0, "");
	lab.fire("precommit", 0);
	lab.pass(120_000);
	lab.fire("propose", 1);
	const times = lab.ownVotes.map(({ timestamp }) => timestamp - GENESIS_TIME);
	assert.deepEqual(times, [60_001n * MS, 60_001n * MS, 123_000n * MS]);
});

test("a refused signature is no vote, and stops nothing", () => {
	const lab = follower();
	lab.policy.sign = "refuse";
	lab.startRound();
	lab.proposal("a", 0);
	lab.prevotes(0, "a");
	lab.precommits(0, "a");
	assert.deepEqual(lab.votesSent, []);
	assert.equal(lab.committed?.name, "a");
});

test("a signer that answers with another vote than asked is not believed; an older time is", () => {
	const lab = follower();
	lab.policy.sign = "hold";
	lab.startRound();
	lab.proposal("a", 0);
	const [effect] = lab.held;
	assert.ok(effect?.kind === "sign" && effect.statement.kind === "vote");
	const { request, statement } = effect;
	const other = { ...statement, vote: { ...statement.vote, blockId: lab.id("b") } };
	const verdict = lab.feed(lab.signedInput(request, other));
	assert.equal(verdict.kind === "rejected" && verdict.code, "signer-mismatch");

	const second = follower();
	second.policy.sign = "hold";
	second.startRound();
	second.proposal("a", 0);
	const [asked] = second.held;
	assert.ok(asked?.kind === "sign" && asked.statement.kind === "vote");
	const older = { ...asked.statement, vote: { ...asked.statement.vote, timestamp: GENESIS_TIME - 1n } };
	assert.equal(second.feed(second.signedInput(asked.request, older)).kind, "ok");
	assert.equal(second.ownVotes[0]?.timestamp, GENESIS_TIME - 1n);
});

test("each vote is asked for at its position in the lane, and positions only grow", () => {
	const lab = new Lab({ self: new Lab().leader(0) }).startRound();
	lab.prevotes(0, "own");
	lab.precommits(0, "");
	lab.fire("precommit", 0);
	lab.fire("propose", 1);
	const positions = lab.of("sign").map(({ slot }) => [slot.lane, ...slot.position].join(" "));
	assert.deepEqual(positions, ["chain 1 0 1", "chain 1 0 2", "chain 1 0 3", "chain 1 1 2"]);
});

test("timeouts tuned at run time act from the next timer on, and outlive the height", () => {
	const lab = follower().start();
	lab.feed({ kind: "tuned", timeouts: { propose: 50, commit: 5 } });
	lab.fire("newHeight", 0);
	assert.equal(lab.of("setTimer").at(-1)?.after, 50);
	lab.precommits(0, "a");
	lab.feed(lab.appliedInput(1, lab.key("a")));
	assert.equal(lab.of("setTimer").at(-1)?.after, 5);
});

test("the first height of a chain may be any", () => {
	const lab = new Lab({ initialHeight: 1000, self: new Lab().leader(3) }).startRound();
	assert.equal(lab.where, "1000/0/RoundStepPropose");
	lab.proposal("a", 0);
	assert.equal(lab.lastVote, "prevote/0/a");
	const vote = lab.vote(PREVOTE, lab.others[0] ?? 0, 0, "a");
	assert.equal(lab.message({ kind: "vote", vote }).kind, "ok");
});
