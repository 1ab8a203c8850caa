import assert from "node:assert/strict";
import { test } from "node:test";
import { PRECOMMIT, PREVOTE } from "@cairn/types";
import { GENESIS_TIME, voteOf } from "../testing/fixture.ts";
import { Lab } from "../testing/lab.ts";

function follower(): Lab {
	return new Lab({ self: new Lab().leader(3) });
}

test("StateSlashing: conflicting votes of a peer are evidence, every time they are seen", () => {
	const lab = follower().startRound();
	const [first = 0] = lab.others;
	for (const type of [PREVOTE, PRECOMMIT] as const) {
		const voteA = lab.vote(type, first, 0, "a");
		const voteB = lab.vote(type, first, 0, "b");
		assert.equal(lab.message({ kind: "vote", vote: voteA }).kind, "ok");
		assert.deepEqual(lab.message({ kind: "vote", vote: voteB }), { kind: "ignored", why: "conflicting votes" });
		assert.deepEqual(lab.of("accuse").at(-1), { kind: "accuse", epoch: 1, evidence: { voteA, voteB } });
		assert.deepEqual(lab.engine.gossip().votes(0)?.prevotes.getByIndex(first)?.blockId, lab.id("a"));
	}
});

test("a conflicting vote counts once a peer claims a majority for its block", () => {
	const lab = follower().startRound();
	const [first = 0, second = 0, third = 0] = lab.others;
	lab.prevotes(0, "x", [first]);
	lab.prevotes(0, "a", [second, third]);
	lab.proposal("a", 0);
	assert.equal(lab.locked, "a@0", "this node's own prevote makes +2/3");
	const other = follower().startRound();
	other.fire("propose", 0);
	other.prevotes(0, "x", [first]);
	other.prevotes(0, "a", [second, third]);
	assert.equal(other.valid, null);
	const claim = { kind: "majorityClaim", height: 1, round: 0, type: PREVOTE, blockId: other.id("a") } as const;
	assert.equal(other.message(claim).kind, "ok");
	other.prevotes(0, "a", [first]);
	assert.equal(other.of("accuse").length, 1);
	assert.deepEqual(other.engine.gossip().polInfo(), { round: 0, blockId: other.id("a") });
});

test("a peer that claims two majorities is to blame; claims of other heights are not looked at", () => {
	const lab = follower().startRound();
	const claim = { kind: "majorityClaim", height: 1, round: 0, type: PREVOTE, blockId: lab.id("a") } as const;
	assert.equal(lab.message(claim).kind, "ok");
	const second = lab.message({ ...claim, blockId: lab.id("b") });
	assert.equal(second.kind === "rejected" && second.code, "conflicting-majority-claim");
	assert.equal(lab.message({ ...claim, height: 2 }).kind, "ignored");
});

test("own conflicting votes are no evidence but an alarm", () => {
	const lab = follower().startRound();
	lab.proposal("a", 0);
	const verdict = lab.message({ kind: "vote", vote: lab.vote(PREVOTE, lab.self ?? 0, 0, "b") });
	assert.equal(verdict.kind === "rejected" && verdict.code, "own-conflicting-votes");
	assert.equal(lab.of("accuse").length, 0);
});

test("StateDoesntCrashOnInvalidVote: wrong index, wrong address, unknown validator are refused", () => {
	const lab = follower().startRound();
	const [first = 0, second = 0] = lab.others;
	const vote = lab.vote(PREVOTE, first, 0, "a");
	const cases = [
		[{ ...vote, validatorIndex: second }, "invalid-validator-address"],
		[{ ...vote, validatorIndex: 4 }, "invalid-validator-index"],
		[{ ...vote, validatorIndex: -1 }, "invalid-validator-index"],
		[{ ...vote, validatorAddress: new Uint8Array(0) }, "invalid-validator-address"],
	] as const;
	for (const [bad, code] of cases) {
		const verdict = lab.message({ kind: "vote", vote: bad });
		assert.equal(verdict.kind === "rejected" && verdict.code, code);
	}
});

test("the same vote twice is ignored, with another signature too", () => {
	const lab = follower().startRound();
	const [first = 0] = lab.others;
	const vote = lab.vote(PREVOTE, first, 0, "a");
	lab.message({ kind: "vote", vote });
	assert.equal(lab.message({ kind: "vote", vote }).kind, "ignored");
	const fields = { type: PREVOTE, height: 1, round: 0, blockId: lab.id("a"), timestamp: GENESIS_TIME + 1n } as const;
	assert.equal(lab.message({ kind: "vote", vote: voteOf(lab.validators, first, fields) }).kind, "ignored");
	assert.equal(lab.of("accuse").length, 0);
});

test("votes of other heights are ignored; a peer may open two rounds ahead", () => {
	const lab = follower().startRound();
	const [first = 0, second = 0] = lab.others;
	assert.equal(lab.message({ kind: "vote", vote: lab.vote(PREVOTE, first, 0, "a", 2) }).kind, "ignored");
	assert.equal(lab.message({ kind: "vote", vote: lab.vote(PREVOTE, first, 7, "a") }).kind, "ok");
	assert.equal(lab.message({ kind: "vote", vote: lab.vote(PREVOTE, first, 8, "a") }).kind, "ok");
	assert.equal(lab.message({ kind: "vote", vote: lab.vote(PREVOTE, first, 9, "a") }).kind, "ignored");
	assert.equal(lab.message({ kind: "vote", vote: lab.vote(PREVOTE, second, 9, "a") }, "other").kind, "ok");
});

test("why rules must not mix: a polka for nil frees a locked v0.40 node, and another block is decided", () => {
	// The story of docs/spec/tendermint.md, seen from V; P, locked on a, prevotes nil in round 1.
	const lab = follower().startRound();
	lab.proposal("a", 0);
	lab.prevotes(0, "a");
	assert.equal(lab.locked, "a@0");
	lab.precommits(0, "", lab.others.slice(0, 2));
	lab.fire("precommit", 0);
	lab.fire("propose", 1);
	lab.prevotes(1, "");
	assert.equal(lab.locked, null);
	lab.precommits(1, "");
	lab.fire("precommit", 1);
	lab.proposal("b", 2);
	const [first = 0, second = 0] = lab.others;
	lab.prevotes(2, "b", [first, second]);
	lab.precommits(2, "b", [first, second]);
	assert.equal(lab.committed?.name, "b", "decided without the node that stayed locked on a");
});
