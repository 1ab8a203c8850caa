import assert from "node:assert/strict";
import { test } from "node:test";
import { verifySignature } from "@cairn/crypto";
import { PRECOMMIT, PREVOTE, type Vote } from "@cairn/types";
import type { Admission } from "../core/engine.ts";
import { CHAIN_ID, signProposalWith } from "../testing/fixture.ts";
import { Lab } from "../testing/lab.ts";
import { TendermintEngine } from "./engine.ts";
import type { TendermintMessage } from "./protocol.ts";

function follower(extensions = false): Lab {
	return new Lab({ self: new Lab().leader(3), params: { extensions } });
}

function admit(lab: Lab, message: TendermintMessage, peer = "peer"): Admission {
	return lab.engine.admit({ peer, signer: null, epoch: 0 }, message);
}

function admitVote(lab: Lab, vote: Vote): Admission {
	return admit(lab, { kind: "vote", vote });
}

test("a vote of this height is verified under its epoch, with every signature it has", () => {
	const lab = follower(true).startRound();
	const [first = 0] = lab.others;
	const publicKey = lab.validators.set.getByIndex(first)?.publicKey;
	assert.ok(publicKey !== undefined);
	for (const [type, name, count] of [
		[PREVOTE, "a", 1],
		[PRECOMMIT, "a", 2],
		[PRECOMMIT, "", 1],
	] as const) {
		const vote = lab.vote(type, first, 0, name);
		const admission = admitVote(lab, vote);
		assert.ok(admission.kind === "verify" && admission.epoch.number === 1);
		const claims = lab.engine.claims({ kind: "vote", vote }, admission.epoch);
		assert.equal(claims.length, count);
		for (const { index, signBytes, signature } of claims) {
			assert.equal(index, first);
			assert.ok(verifySignature(publicKey, signBytes, signature));
		}
	}
});

test("a proposal is the claim of the leader of its round", () => {
	const lab = follower().startRound();
	lab.fire("propose", 0);
	lab.precommits(0, "");
	lab.fire("precommit", 0);
	const leader = lab.leader(1);
	const key = lab.validators.keys[leader];
	assert.ok(key !== undefined);
	const proposal = signProposalWith(key, {
		height: 1,
		round: 1,
		polRound: -1,
		blockId: lab.id("a"),
		timestamp: 5n,
		signature: new Uint8Array(0),
	});
	const message = { kind: "proposal", proposal } as const;
	const admission = admit(lab, message);
	assert.ok(admission.kind === "verify");
	const [claim] = lab.engine.claims(message, admission.epoch);
	assert.equal(claim?.index, leader);
	const publicKey = lab.validators.set.getByIndex(leader)?.publicKey;
	assert.ok(publicKey !== undefined && claim !== undefined);
	assert.ok(verifySignature(publicKey, claim.signBytes, claim.signature));
});

test("the leader of a round left behind can still be named, for a proposal that was verified a moment too late", () => {
	const lab = follower().startRound();
	const place = { polRound: -1, blockId: lab.id("a"), timestamp: 5n, signature: new Uint8Array(64) };
	const leaderAt = (height: number, round: number) => {
		const proposal = { height, round, ...place };
		return lab.engine.claims({ kind: "proposal", proposal }, lab.epoch(height))[0]?.index;
	};
	for (const round of [0, 1, 2, 5]) assert.equal(leaderAt(1, round), lab.leader(round), `round ${round}`);
	assert.equal(leaderAt(2, 0), lab.leader(0, 2));
});

test("what is just ahead waits, what is far ahead or behind is dropped without blame", () => {
	const lab = follower().startRound();
	const [first = 0] = lab.others;
	const vote = (round: number, height: number) => lab.vote(PREVOTE, first, round, "a", height);
	assert.deepEqual(admitVote(lab, vote(0, 2)), { kind: "later", until: { height: 2 } });
	assert.deepEqual(admitVote(lab, vote(1, 2)), { kind: "later", until: { height: 2 } });
	for (const far of [vote(2, 2), vote(0, 3)]) {
		const admission = admitVote(lab, far);
		assert.ok(admission.kind === "drop" && !admission.fault);
	}
	const proposal = {
		height: 1,
		round: 1,
		polRound: -1,
		blockId: lab.id("a"),
		timestamp: 0n,
		signature: new Uint8Array(64),
	};
	const place = (height: number, round: number) =>
		admit(lab, { kind: "proposal", proposal: { ...proposal, height, round } });
	assert.deepEqual(place(1, 1), { kind: "later", until: { round: 1 } });
	assert.deepEqual(place(2, 0), { kind: "later", until: { height: 2 } });
	for (const [height, round] of [
		[1, 2],
		[2, 1],
		[3, 0],
	] as const) {
		assert.equal(place(height, round).kind, "drop");
	}
});

test("a known vote and a second proposal cost no verification", () => {
	const lab = follower().startRound();
	const [first = 0] = lab.others;
	const vote = lab.vote(PREVOTE, first, 0, "a");
	lab.message({ kind: "vote", vote });
	assert.deepEqual(admitVote(lab, vote), { kind: "drop", why: "a known vote", fault: false });
	assert.equal(admitVote(lab, lab.vote(PREVOTE, first, 0, "b")).kind, "verify", "a conflicting one is worth it");
	lab.proposal("a", 0);
	const { proposal } = lab.engine.gossip();
	assert.ok(proposal !== null);
	assert.deepEqual(admit(lab, { kind: "proposal", proposal }), {
		kind: "drop",
		why: "this round has a proposal",
		fault: false,
	});
});

test("what no honest peer passes on is dropped with blame", () => {
	const lab = follower().startRound();
	const [first = 0, second = 0] = lab.others;
	const vote = lab.vote(PREVOTE, first, 0, "a");
	const extended = follower(true).vote(PRECOMMIT, first, 0, "a");
	const bad = [{ ...vote, validatorIndex: second }, { ...vote, validatorIndex: 9 }, extended];
	for (const each of bad) {
		const admission = admitVote(lab, each);
		assert.ok(admission.kind === "drop" && admission.fault);
	}
	const other = follower(true).startRound();
	const bare = { ...extended, extension: new Uint8Array(0), extensionSignature: new Uint8Array(0) };
	const admission = admitVote(other, bare);
	assert.ok(admission.kind === "drop" && admission.fault);
});

test("a round that the peer may not open is dropped", () => {
	const lab = follower().startRound();
	const [first = 0] = lab.others;
	for (const round of [5, 6]) lab.message({ kind: "vote", vote: lab.vote(PREVOTE, first, round, "a") }, "p");
	const message = { kind: "vote", vote: lab.vote(PREVOTE, first, 7, "a") } as const;
	assert.equal(admit(lab, message, "p").kind, "drop");
	assert.equal(admit(lab, message, "q").kind, "verify");
});

test("late precommits are judged by the last epoch, as long as the commit timeout runs", () => {
	const lab = follower().startRound();
	const [first = 0, second = 0, third = 0] = lab.others;
	lab.proposal("a", 0);
	lab.prevotes(0, "a");
	lab.precommits(0, "a", [first, second]);
	lab.feed(lab.appliedInput(1, lab.key("a")));
	const vote = lab.vote(PRECOMMIT, third, 0, "a", 1);
	const admission = admitVote(lab, vote);
	assert.ok(admission.kind === "verify" && admission.epoch.number === 1);
	assert.equal(lab.engine.claims({ kind: "vote", vote }, admission.epoch)[0]?.index, third);
	assert.equal(admitVote(lab, lab.vote(PREVOTE, third, 0, "a", 1)).kind, "drop");
	assert.equal(admitVote(lab, lab.vote(PRECOMMIT, third, 1, "a", 1)).kind, "drop");
	assert.equal(admitVote(lab, lab.vote(PRECOMMIT, first, 0, "a", 1)).kind, "drop", "known");
	lab.fire("newHeight", 0);
	assert.equal(admitVote(lab, vote).kind, "drop");
});

test("a claim of a majority has no signature; it is taken for rounds followed", () => {
	const lab = follower().startRound();
	const claim = { kind: "majorityClaim", height: 1, round: 1, type: PREVOTE, blockId: lab.id("a") } as const;
	const admission = admit(lab, claim);
	assert.ok(admission.kind === "verify");
	assert.deepEqual(lab.engine.claims(claim, admission.epoch), []);
	assert.equal(admit(lab, { ...claim, round: 2 }).kind, "drop");
	assert.equal(admit(lab, { ...claim, height: 2 }).kind, "drop");
});

test("an engine that was not started drops everything, and shows an empty view", () => {
	const engine = new TendermintEngine({ chainId: CHAIN_ID });
	const vote = new Lab().vote(PREVOTE, 0, 0, "a");
	assert.equal(engine.admit({ peer: "p", signer: null, epoch: 0 }, { kind: "vote", vote }).kind, "drop");
	assert.equal(engine.view().step, "NotStarted");
	assert.equal(engine.digest(), "");
});
