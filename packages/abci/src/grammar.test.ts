import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "@cairn/kit";
import { abci } from "@cairn/types/proto";
import fc from "fast-check";
import { localConnections } from "./connections.ts";
import { type GrammarCall, GrammarChecker, type GrammarViolation, grammarRecorder } from "./grammar.ts";
import { openKvStore } from "./kvstore/kvstore.ts";
import { type AbciCall, recordingConnections } from "./recording.ts";
import { readVectors, type Session } from "./test-vector.ts";

const LETTERS: Readonly<Record<string, GrammarCall>> = {
	I: { method: "info" },
	C: { method: "initChain" },
	o: { method: "offerSnapshot" },
	a: { method: "applySnapshotChunk" },
	P: { method: "prepareProposal" },
	R: { method: "processProposal" },
	E: { method: "extendVote" },
	V: { method: "verifyVoteExtension" },
	F: { method: "finalizeBlock" },
	K: { method: "commit" },
};

function check(word: string): GrammarViolation | null {
	const checker = new GrammarChecker();
	for (const letter of word) checker.feed(LETTERS[letter] as GrammarCall);
	return checker.violation;
}

/** The ABNF of the specification as a regular expression, for words that may end anywhere between two heights. */
const ROUND = "V*(?:PR?|R)?(?:V*EV*)?";
const HEIGHTS = `(?:(?:${ROUND})*FK)*`;
const STATE_SYNC = "(?:oa*)*oa+I";
const ABNF = new RegExp(`^(?:(?:IC|${STATE_SYNC})${HEIGHTS}|IC?${HEIGHTS})$`);

describe("ABCI grammar", () => {
	it("accepts what the specification accepts", () => {
		for (const word of [
			"IC",
			"ICFK",
			"ICPREVVFK",
			"ICRVEVFKVPRFK",
			"IFKFK",
			"oaaI",
			"oaoaaIRFK",
			"IRRPVEFK",
			"ICPPEFK",
		]) {
			assert.match(word, ABNF);
			assert.equal(check(word), null, word);
		}
	});

	it("names the first call that breaks it", () => {
		const wrong: readonly (readonly [string, number])[] = [
			["C", 0],
			["F", 0],
			["ICK", 2],
			["ICFF", 3],
			["ICFPK", 3],
			["ICFVK", 3],
			["ICFKK", 4],
			["ICFKC", 4],
			["oI", -1],
			["oF", 1],
			["oaF", 2],
			["a", 0],
			["Ia", 1],
			["ICo", 2],
			["ICCC", 2],
		];
		for (const [word, index] of wrong) assert.equal(check(word)?.index ?? -1, index, word);
		assert.match(check("ICFF")?.message ?? "", /finalizeBlock must not come here: finalized a block/);
	});

	it("agrees with the ABNF on random words, Info of clients aside", () => {
		const letters = fc.constantFrom("C", "o", "a", "P", "R", "E", "V", "F", "K");
		const starts = fc.constantFrom("", "I", "IC", "oaI", "oaoaaI");
		const property = fc.property(starts, fc.array(letters, { maxLength: 12 }), (start, rest) => {
			const word = start + rest.join("");
			const checker = new GrammarChecker();
			for (const letter of word) checker.feed(LETTERS[letter] as GrammarCall);
			// A word may stop in the middle of a height, in a state sync, or before anything; and the Info may be a client's.
			const completions = ["", "K", "FK", "I", "aI", "oaI", "IFK"];
			const isPrefix = completions.some((end) => ABNF.test(word + end) || ABNF.test(word.replace("I", "") + end));
			assert.equal(checker.violation === null, isPrefix, word);
		});
		fc.assert(property, { numRuns: 5000 });
	});

	it("watches heights", () => {
		const checker = new GrammarChecker();
		checker.feed({ method: "info", lastBlockHeight: 0 });
		checker.feed({ method: "initChain", initialHeight: 5 });
		checker.feed({ method: "prepareProposal", height: 5 });
		checker.feed({ method: "finalizeBlock", height: 5 });
		checker.feed({ method: "commit" });
		assert.equal(checker.feed({ method: "processProposal", height: 6 }), null);
		assert.match(checker.feed({ method: "finalizeBlock", height: 7 })?.message ?? "", /height 7, expected height 6/);
	});

	it("after a restart goes on where the application says", () => {
		const checker = new GrammarChecker();
		checker.feed({ method: "info", lastBlockHeight: 9 });
		assert.equal(checker.feed({ method: "finalizeBlock", height: 10 }), null);
		checker.restart();
		checker.feed({ method: "info", lastBlockHeight: 9 });
		checker.feed({ method: "finalizeBlock", height: 10 });
		assert.equal(checker.feed({ method: "commit" }), null);
		checker.restart();
		checker.feed({ method: "info", lastBlockHeight: 10 });
		assert.match(checker.feed({ method: "initChain" })?.message ?? "", /though the application has height 10/);
	});

	it("takes the height from a restored snapshot", () => {
		const checker = new GrammarChecker();
		checker.feed({ method: "offerSnapshot", snapshotHeight: 40 });
		checker.feed({ method: "applySnapshotChunk" });
		checker.feed({ method: "info", lastBlockHeight: 40 });
		assert.equal(checker.feed({ method: "processProposal", height: 41 }), null);
		assert.match(checker.feed({ method: "finalizeBlock", height: 40 })?.message ?? "", /expected height 41/);
	});

	it("accepts the recorded sessions of the real node", () => {
		const letters: Readonly<Record<string, string>> = {
			Info: "I",
			InitChain: "C",
			PrepareProposal: "P",
			ProcessProposal: "R",
			ExtendVote: "E",
			VerifyVoteExtension: "V",
			FinalizeBlock: "F",
			Commit: "K",
		};
		for (const name of ["single", "four"]) {
			const { sequence_first_250 } = readVectors<Session>(`abci-session-${name}.json`);
			const word = sequence_first_250.map((line) => letters[/ Request_(\w+) /.exec(line)?.[1] ?? ""] ?? "").join("");
			assert.ok(word.includes("FK"), word);
			assert.equal(check(word), null, word);
		}
	});
});

function violationOf(checker: GrammarChecker): string {
	return checker.violation?.message ?? "";
}

describe("recording connections", () => {
	it("hears calls and answers in order and feeds the checker", async () => {
		const checker = new GrammarChecker();
		const calls: string[] = [];
		const answers: string[] = [];
		const grammar = grammarRecorder(checker);
		const connections = recordingConnections(localConnections(await openKvStore()), {
			onCall: (call: AbciCall) => {
				calls.push(`${call.connection} ${call.kind}`);
				grammar.onCall(call);
			},
			onAnswer: (answer) => {
				answers.push(`${answer.connection} ${answer.kind}`);
				grammar.onAnswer(answer);
			},
		});
		const { consensus, mempool, query } = connections;
		await query.info(abci.RequestInfo.create());
		await consensus.initChain(abci.RequestInitChain.create({ initialHeight: 1n }));
		await mempool.checkTx(abci.RequestCheckTx.create({ tx: utf8("a=b") }));
		await mempool.flush();
		assert.equal(await query.echo("x"), "x");
		await consensus.finalizeBlock(abci.RequestFinalizeBlock.create({ height: 1n }));
		await consensus.commit({});
		const expected = [
			"query info",
			"consensus initChain",
			"mempool checkTx",
			"mempool flush",
			"query echo",
			"consensus finalizeBlock",
			"consensus commit",
		];
		assert.deepEqual(calls, expected);
		assert.deepEqual(answers, expected);
		assert.equal(violationOf(checker), "");
		await consensus.commit({});
		assert.match(violationOf(checker), /commit must not come here: in the rounds of a height/);
	});
});
