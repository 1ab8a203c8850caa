import assert from "node:assert/strict";
import { test } from "node:test";
import { verifySignature } from "@cairn/crypto";
import { PRECOMMIT, voteExtensionSignBytes } from "@cairn/types";
import { CHAIN_ID } from "../testing/fixture.ts";
import { Lab } from "../testing/lab.ts";

function extending(): Lab {
	return new Lab({ self: new Lab().leader(3), params: { extensions: true } });
}

test("a precommit for a block is extended, checked by the own application, and signed twice", () => {
	const lab = extending().startRound();
	lab.proposal("a", 0);
	lab.prevotes(0, "a");
	assert.deepEqual(
		lab.asked("extend").map(({ block, round }) => [lab.nameOf(block), round]),
		[["a", 0]],
	);
	const [own] = lab.asked("checkExtension");
	assert.deepEqual(own?.extension, Uint8Array.of(1, 2, 3));
	assert.equal(own?.validator, lab.self);
	const vote = lab.ownVotes.at(-1);
	assert.ok(vote !== undefined && vote.type === PRECOMMIT);
	assert.deepEqual(vote.extension, Uint8Array.of(1, 2, 3));
	const key = lab.validators.set.getByIndex(lab.self ?? -1)?.publicKey;
	assert.ok(key !== undefined && verifySignature(key, voteExtensionSignBytes(CHAIN_ID, vote), vote.extensionSignature));
	assert.equal(
		lab.engine
			.gossip()
			.votes(0)
			?.precommits.getByIndex(lab.self ?? -1),
		vote,
	);
});

test("prevotes and precommits for nil are not extended", () => {
	const lab = extending().startRound();
	lab.fire("propose", 0);
	lab.prevotes(0, "");
	assert.equal(lab.asked("extend").length, 0);
	assert.deepEqual(
		lab.of("sign").map(({ statement }) => statement.kind === "vote" && statement.extended),
		[false, false],
	);
	assert.equal(lab.lastVote, "precommit/0/nil");
});

test("an empty extension is signed without asking the application", () => {
	const lab = extending();
	lab.policy.extend = new Uint8Array(0);
	lab.startRound();
	lab.proposal("a", 0);
	lab.prevotes(0, "a");
	assert.equal(lab.asked("checkExtension").length, 0);
	assert.equal(lab.lastVote, "precommit/0/a");
	assert.equal((lab.ownVotes.at(-1)?.extensionSignature.length ?? 0) > 0, true);
});

test("an application that refuses its own extension stops the node, and is named as the culprit", () => {
	const lab = extending();
	lab.policy.checkExtension = () => false;
	lab.startRound();
	lab.proposal("a", 0);
	assert.throws(() => lab.prevotes(0, "a"), { code: "own-extension-refused", blame: "app" });
});

test("without an extension there is no precommit, and the node goes on", () => {
	const lab = extending();
	lab.policy.extend = "fail";
	lab.startRound();
	lab.proposal("a", 0);
	lab.prevotes(0, "a");
	assert.equal(lab.lastVote, "prevote/0/a");
	assert.equal(lab.locked, "a@0", "the lock stands: the polka was seen");
	lab.precommits(0, "a");
	assert.equal(lab.committed?.name, "a");
});

test("a peer's precommit counts only when the application accepted its extension", () => {
	const lab = extending().startRound();
	lab.policy.checkExtension = () => "hold";
	lab.proposal("a", 0);
	const [first = 0] = lab.others;
	const vote = lab.vote(PRECOMMIT, first, 0, "a");
	assert.equal(lab.message({ kind: "vote", vote }).kind, "ok");
	assert.equal(lab.engine.gossip().votes(0)?.precommits.getByIndex(first), null);
	assert.deepEqual(lab.message({ kind: "vote", vote }), { kind: "ignored", why: "this vote is being checked" });
	lab.policy.checkExtension = () => true;
	lab.release("ask");
	assert.equal(lab.engine.gossip().votes(0)?.precommits.getByIndex(first), vote);
	assert.deepEqual(lab.message({ kind: "vote", vote }), { kind: "ignored", why: "known vote" });
});

test("a refused extension refuses the vote", () => {
	const lab = extending().startRound();
	lab.policy.checkExtension = (extension) => extension.length !== 1;
	lab.precommits(0, "a");
	assert.ok(lab.marks.has("T62"));
	assert.equal(lab.engine.gossip().votes(0)?.precommits.power, 0n);
	assert.equal(lab.of("commit").length, 0);
});

test("a check that fails leaves the vote out, and it may come again", () => {
	const lab = extending().startRound();
	lab.policy.checkExtension = () => "fail";
	const [first = 0] = lab.others;
	const vote = lab.vote(PRECOMMIT, first, 0, "a");
	lab.message({ kind: "vote", vote });
	lab.policy.checkExtension = () => true;
	assert.equal(lab.message({ kind: "vote", vote }).kind, "ok");
	assert.equal(lab.engine.gossip().votes(0)?.precommits.getByIndex(first), vote);
});

test("precommits without, or with a needless, extension signature are refused", () => {
	const lab = extending().startRound();
	const [first = 0] = lab.others;
	const bare = {
		...lab.vote(PRECOMMIT, first, 0, "a"),
		extension: new Uint8Array(0),
		extensionSignature: new Uint8Array(0),
	};
	const missing = lab.message({ kind: "vote", vote: bare });
	assert.equal(missing.kind === "rejected" && missing.code, "missing-extension-signature");

	const plain = new Lab({ self: 0 }).startRound();
	const extended = lab.vote(PRECOMMIT, first, 0, "a");
	const needless = plain.message({ kind: "vote", vote: extended });
	assert.equal(needless.kind === "rejected" && needless.code, "unexpected-extension");
});

test("one validator may have four precommits checked at a time", () => {
	const lab = extending().startRound();
	lab.policy.checkExtension = () => "hold";
	const [first = 0] = lab.others;
	const verdicts = ["a", "b", "c", "d", "e"].map((name) => {
		return lab.message({ kind: "vote", vote: lab.vote(PRECOMMIT, first, 0, name) }).kind;
	});
	assert.deepEqual(verdicts, ["ok", "ok", "ok", "ok", "ignored"]);
});

test("the commit carries the extensions, and the next leader builds on them", () => {
	const self = new Lab().leader(0, 2);
	const lab = new Lab({ self, params: { extensions: true } }).startRound();
	lab.proposal("a", 0);
	const name = lab.leader(0) === self ? "own" : "a";
	lab.prevotes(0, name);
	lab.precommits(0, name);
	const extended = lab.committed?.certificate.extended;
	const own = extended?.signatures[self];
	assert.deepEqual(own?.extension, Uint8Array.of(1, 2, 3));
	lab.feed(lab.appliedInput(1, lab.key(name)));
	lab.fire("newHeight", 0);
	assert.deepEqual(lab.asked("build").at(-1)?.proof?.extended, lab.engine.gossip().lastCommit?.makeExtendedCommit());
});

test("a leader that lacks the extensions of the last height does not propose", () => {
	const self = new Lab().leader(0, 2);
	const source = new Lab({ self: source0() }).startRound();
	source.precommits(0, "a");
	const commit = source.committed?.commit;
	assert.ok(commit !== undefined);
	const lab = new Lab({ self, params: { extensions: true } });
	lab.feed({
		kind: "start",
		tip: { height: 1, block: lab.key("a"), time: 0n, certificate: { commit, extended: null } },
		executed: 1,
		epochs: [lab.epoch(2), lab.epoch(3)],
		previous: lab.epoch(1),
		snapshot: null,
	});
	lab.fire("newHeight", 0);
	assert.ok(lab.marks.has("T13"));
	assert.equal(lab.asked("build").length, 0);
	assert.equal(lab.where, "2/0/RoundStepPropose");
});

function source0(): number {
	return new Lab().leader(3);
}

test("precommits whose extension was still being checked count for the last commit when the height is over", () => {
	const lab = extending().startRound();
	lab.proposal("a", 0);
	lab.prevotes(0, "a");
	const [first = 0, second = 0, third = 0] = lab.others;
	lab.precommits(0, "a", [first, second]);
	lab.policy.checkExtension = () => "hold";
	lab.message({ kind: "vote", vote: lab.vote(PRECOMMIT, third, 0, "a") });
	assert.equal(lab.engine.gossip().votes(0)?.precommits.hasAll, false);
	lab.feed(lab.appliedInput(1, lab.key("a")));
	assert.equal(lab.engine.gossip().lastCommit?.hasAll, true);
});
