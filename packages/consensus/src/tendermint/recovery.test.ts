import assert from "node:assert/strict";
import { test } from "node:test";
import { PRECOMMIT, PREVOTE } from "@cairn/types";
import type { Effect, Effects } from "../core/engine.ts";
import { CHAIN_ID } from "../testing/fixture.ts";
import { Lab } from "../testing/lab.ts";
import { TendermintEngine } from "./engine.ts";
import type { Tendermint } from "./protocol.ts";

function follower(extensions = false): Lab {
	return new Lab({ self: new Lab().leader(3), params: { extensions } });
}

/** Histories that reach many kinds of state. */
const histories: Readonly<Record<string, (lab: Lab) => void>> = {
	start: () => {},
	proposal: (lab) => {
		lab.proposal("a", 0);
	},
	"held sign": (lab) => {
		lab.policy.sign = "hold";
		lab.proposal("a", 0);
	},
	"held check": (lab) => {
		lab.policy.check = () => "hold";
		lab.proposal("a", 0);
		lab.prevotes(0, "a");
	},
	"held extension": (lab) => {
		lab.policy.checkExtension = () => "hold";
		lab.proposal("a", 0);
		lab.prevotes(0, "a");
		lab.precommits(0, "a", lab.others.slice(0, 1));
	},
	"locked, later round, conflicts": (lab) => {
		lab.proposal("a", 0);
		lab.prevotes(0, "a");
		lab.precommits(0, "");
		lab.fire("precommit", 0);
		lab.message({ kind: "majorityClaim", height: 1, round: 1, type: PREVOTE, blockId: lab.id("b") });
		lab.prevotes(1, "x", lab.others.slice(0, 1));
		lab.prevotes(1, "b");
		lab.prevotes(6, "b", lab.others.slice(0, 1));
	},
	"waiting for a decided block": (lab) => {
		lab.policy.fetch = () => "hold";
		lab.precommits(2, "a");
	},
	"committed, next height, tuned": (lab) => {
		lab.proposal("a", 0);
		lab.prevotes(0, "a");
		lab.precommits(0, "a");
		lab.feed(lab.appliedInput(1, lab.key("a")));
		lab.feed({ kind: "tuned", timeouts: { propose: 7 } });
	},
};

for (const [name, play] of Object.entries(histories)) {
	for (const extensions of [false, true]) {
		test(`snapshot and replay give the same state: ${name}${extensions ? ", extensions" : ""}`, () => {
			const lab = follower(extensions).startRound();
			play(lab);
			const digest = lab.engine.digest();
			const nowhere: Effects<Tendermint> = { inward: () => {}, outward: () => {}, mark: () => {} };

			const restored = new TendermintEngine({ chainId: CHAIN_ID });
			const [first] = lab.inputs;
			assert.ok(first?.input.kind === "start");
			restored.step({ ...first.input, snapshot: lab.engine.snapshot() }, lab.at, nowhere);
			assert.equal(restored.digest(), digest);
			assert.deepEqual(restored.view(), lab.engine.view());
			assert.deepEqual([...restored.held(1)], [...lab.engine.held(1)]);

			const replayed = new TendermintEngine({ chainId: CHAIN_ID });
			for (const { input, at } of lab.inputs) replayed.step(input, at, nowhere);
			assert.equal(replayed.digest(), digest);

			const seen: Effect<Tendermint>[][] = [[], []];
			for (const [i, engine] of [lab.engine, restored].entries()) {
				const take = (effect: Effect<Tendermint>): void => void seen[i]?.push(effect);
				const out = { inward: take, outward: take, mark: () => {} };
				engine.step({ kind: "resumed", executed: 0, epochs: [] }, lab.at, out);
				engine.step({ kind: "timer", timer: "precommit/1/0" }, lab.at, out);
			}
			assert.deepEqual(seen[1], seen[0]);
			assert.equal(restored.digest(), lab.engine.digest());
		});
	}
}

test("resumed asks again for everything open, and sets the timer with its full time", () => {
	const lab = follower().startRound();
	lab.policy.check = () => "hold";
	lab.policy.sign = "hold";
	lab.policy.fetch = (name) => (name === "a" ? "answer" : "hold");
	lab.proposal("a", 0);
	lab.fire("propose", 0);
	const sign = lab.of("sign").at(-1);
	lab.effects.length = 0;
	lab.pass(77);
	lab.feed({ kind: "resumed", executed: 0, epochs: [lab.epoch(1), lab.epoch(2)] });
	assert.deepEqual(
		lab.effects.map(({ kind }) => kind),
		["ask", "sign"],
	);
	assert.deepEqual(lab.of("sign"), [sign]);

	const waiting = follower().startRound();
	waiting.policy.fetch = () => "hold";
	waiting.proposal("a", 0);
	waiting.effects.length = 0;
	waiting.feed({ kind: "resumed", executed: 0, epochs: [] });
	assert.deepEqual(waiting.effects, [
		{ kind: "setTimer", timer: "propose/1/0", after: 3000 },
		{ kind: "fetch", height: 1, block: waiting.key("a"), holders: waiting.of("fetch")[0]?.holders },
	]);
});

test("resumed commits again what was not applied, and starts the height when its time comes", () => {
	const lab = follower().startRound();
	lab.proposal("a", 0);
	lab.precommits(0, "a");
	lab.effects.length = 0;
	lab.feed({ kind: "resumed", executed: 0, epochs: [] });
	assert.deepEqual(
		lab.of("commit").map(({ height, block }) => [height, lab.nameOf(block)]),
		[[1, "a"]],
	);
	lab.feed(lab.appliedInput(1, lab.key("a")));
	lab.pass(300);
	lab.feed({ kind: "resumed", executed: 1, epochs: [] });
	assert.deepEqual(lab.of("setTimer").at(-1), { kind: "setTimer", timer: "newHeight/2/0", after: 700 });
	lab.pass(5000);
	lab.feed({ kind: "resumed", executed: 1, epochs: [] });
	assert.equal(lab.of("setTimer").at(-1)?.after, 0);
});

test("an own vote out of the log is adopted, and nothing else is asked to be signed at its position or below", () => {
	const lab = follower().startRound();
	lab.policy.sign = "hold";
	lab.proposal("a", 0);
	assert.equal(lab.of("sign").length, 1, "the replay would prevote a");
	const self = lab.self ?? 0;
	// The node that wrote the log had no verdict in time and prevoted nil.
	assert.equal(lab.message({ kind: "vote", vote: lab.vote(PREVOTE, self, 0, "") }, "").kind, "ok");
	lab.effects.length = 0;
	lab.feed({ kind: "resumed", executed: 0, epochs: [] });
	assert.deepEqual(lab.of("sign"), []);
	assert.equal(lab.engine.gossip().votes(0)?.prevotes.getByIndex(self)?.blockId.hash.length, 0);
	lab.policy.sign = "answer";
	lab.message({ kind: "vote", vote: lab.vote(PRECOMMIT, self, 2, "") }, "");
	lab.prevotes(0, "a");
	assert.deepEqual(lab.of("sign"), [], "a precommit of round 2 was signed: round 0 is over for the signer");
	assert.equal(lab.locked, "a@0", "the rules go on all the same");
});

test("an own proposal out of the log replaces the one the replay would make", () => {
	const lab = new Lab({ self: new Lab().leader(0) });
	lab.policy.build = "hold";
	lab.startRound();
	const key = lab.validators.keys[lab.self ?? -1];
	assert.ok(key !== undefined);
	const proposal = {
		height: 1,
		round: 0,
		polRound: -1,
		blockId: lab.id("old"),
		timestamp: 0n,
		signature: new Uint8Array(64),
	};
	lab.message({ kind: "proposal", proposal }, "");
	assert.equal(lab.engine.gossip().proposal, proposal);
	lab.policy.build = "own";
	lab.release("ask");
	assert.deepEqual(lab.proposalsSent, []);
	assert.equal(lab.lastVote, "prevote/0/old");
});

test("an own precommit for a block restores the lock, unless a later polka is known to have undone it", () => {
	const lab = follower().startRound();
	lab.policy.fetch = () => "hold";
	lab.policy.sign = "refuse";
	lab.fire("propose", 0);
	lab.precommits(0, "");
	lab.fire("precommit", 0);
	lab.policy.sign = "answer";
	const self = lab.self ?? 0;
	lab.message({ kind: "vote", vote: lab.vote(PRECOMMIT, self, 0, "a") }, "");
	assert.equal(lab.locked, "a@0");
	assert.ok(lab.marks.has("T71"));
	lab.fire("propose", 1);
	assert.equal(lab.lastVote, "prevote/1/a");

	const unlocked = follower().startRound();
	unlocked.policy.fetch = () => "hold";
	unlocked.policy.sign = "refuse";
	unlocked.fire("propose", 0);
	unlocked.precommits(0, "");
	unlocked.fire("precommit", 0);
	unlocked.prevotes(1, "b");
	unlocked.message({ kind: "vote", vote: unlocked.vote(PRECOMMIT, self, 0, "a") }, "");
	assert.equal(unlocked.locked, null);
});

test("a restored lock is the valid value too: its owner proposes it when it leads", () => {
	const lab = new Lab({ self: new Lab().leader(1) });
	lab.policy.fetch = () => "hold";
	lab.policy.sign = "refuse";
	lab.startRound();
	lab.fire("propose", 0);
	lab.message({ kind: "vote", vote: lab.vote(PRECOMMIT, lab.self ?? 0, 0, "a") }, "");
	assert.equal(lab.locked, "a@0");
	assert.equal(lab.valid, null, "its body is not here");
	assert.equal(lab.feed({ kind: "missing", block: lab.key("a") }).kind, "ok");
	assert.deepEqual(lab.fetched, ["a", "a"]);
	lab.block("a");
	assert.equal(lab.valid, "a@0");
	lab.policy.sign = "answer";
	lab.precommits(0, "");
	lab.fire("precommit", 0);
	assert.deepEqual(lab.proposalsSent[0]?.blockId, lab.id("a"));
	assert.equal(lab.proposalsSent[0]?.polRound, 0);
});

test("a lock restored without its body is committed when the body comes", () => {
	const lab = follower().startRound();
	lab.policy.fetch = () => "hold";
	const self = lab.self ?? 0;
	lab.message({ kind: "vote", vote: lab.vote(PRECOMMIT, self, 0, "a") }, "");
	assert.equal(lab.locked, "a@0");
	assert.deepEqual(lab.fetched, ["a"]);
	lab.precommits(0, "a", lab.others.slice(0, 2));
	assert.equal(lab.of("commit").length, 0);
	lab.block("a");
	assert.equal(lab.committed?.name, "a");
});

test("own votes that peers bring back are remembered too: their position is given up", () => {
	const lab = follower().startRound();
	lab.message({ kind: "vote", vote: lab.vote(PREVOTE, lab.self ?? 0, 0, "") });
	lab.proposal("a", 0);
	assert.deepEqual(lab.votesSent, [], "the prevote of this round was said in an earlier life");
	assert.equal(lab.where, "1/0/RoundStepPrevote");
});

test("block sync decides a height: the engine commits it and goes on", () => {
	const source = follower().startRound();
	source.precommits(1, "a");
	const certificate = source.committed?.certificate;
	assert.ok(certificate !== undefined);
	const lab = follower().startRound();
	lab.fire("propose", 0);
	const decided = { kind: "decided", height: 1, block: lab.key("a"), time: 5n, certificate } as const;
	assert.equal(lab.feed({ ...decided, height: 2 }).kind, "ignored");
	assert.equal(lab.feed(decided).kind, "ok");
	assert.equal(lab.where, "1/0/RoundStepCommit");
	assert.equal(lab.committed?.name, "a");
	assert.equal(lab.feed(decided).kind, "ignored");
	lab.feed(lab.appliedInput(1, lab.key("a")));
	assert.equal(lab.where, "2/0/RoundStepNewHeight");
	assert.deepEqual(lab.engine.gossip().lastCommit?.makeCommit(), certificate.commit);
	assert.equal(lab.feed(decided).kind, "ignored");
});

test("a node that starts on a chain has the last commit, shows it, and takes late precommits for it", () => {
	const source = follower();
	source.policy.sign = "refuse";
	source.startRound();
	source.precommits(1, "a");
	const certificate = source.committed?.certificate;
	assert.ok(certificate !== undefined);
	const lab = follower();
	const start = {
		kind: "start",
		tip: { height: 1, block: lab.key("a"), time: 5n, certificate },
		executed: 1,
		epochs: [lab.epoch(2), lab.epoch(3)],
		previous: lab.epoch(1),
		snapshot: null,
	} as const;
	lab.feed(start);
	assert.equal(lab.where, "2/0/RoundStepNewHeight");
	assert.deepEqual(lab.engine.view().committed, { height: 1, block: lab.key("a") });
	assert.equal([...lab.engine.held(1)].length, 3);
	assert.equal(lab.engine.gossip().lastCommitRound, 1);
	assert.equal(
		lab.feed({
			kind: "message",
			origin: { peer: "p", signer: null, epoch: 0 },
			message: { kind: "vote", vote: lab.vote(PRECOMMIT, lab.self ?? 0, 1, "a", 1) },
		}).kind,
		"ok",
	);
	const broken = new TendermintEngine({ chainId: CHAIN_ID });
	const out: Effects<Tendermint> = { inward: () => {}, outward: () => {}, mark: () => {} };
	const withoutCertificate = { ...start, tip: { ...start.tip, certificate: null } };
	assert.throws(() => broken.step(withoutCertificate, lab.at, out), { code: "invariant" });
});

test("the signer gets one statement at a time, in order", () => {
	const lab = follower();
	lab.policy.sign = "hold";
	lab.startRound();
	lab.proposal("a", 0);
	lab.prevotes(0, "a");
	assert.equal(lab.locked, "a@0", "the polka needed no vote of this node");
	assert.deepEqual(
		lab.of("sign").map(({ slot }) => slot.position[2]),
		[2],
	);
	lab.policy.sign = "answer";
	lab.release("sign");
	assert.deepEqual(lab.votesSent, ["prevote/0/a", "precommit/0/a"]);
});

test("the executor cannot apply what was not committed", () => {
	const lab = follower().startRound();
	assert.throws(() => lab.feed(lab.appliedInput(1, lab.key("a"))), { code: "invariant" });
	lab.precommits(0, "a");
	assert.throws(() => lab.feed(lab.appliedInput(1, lab.key("b"))), { code: "invariant" });
	lab.feed(lab.appliedInput(1, lab.key("a")));
	assert.equal(lab.feed(lab.appliedInput(1, lab.key("a"))).kind, "ignored");
});

test("answers that nobody waits for are ignored", () => {
	const lab = follower().startRound();
	assert.equal(lab.feed({ kind: "answered", request: 99, answer: { kind: "failed", why: "" } }).kind, "ignored");
	assert.equal(lab.feed({ kind: "signed", request: 99, result: { refused: "" } }).kind, "ignored");
});
