import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
	BlockSyncPlan,
	FIRST_REQUEST_WAIT,
	MAX_REQUESTS_PER_PEER,
	PEER_TIMEOUT,
	type PlanAction,
	REQUEST_RETRY,
} from "./plan.ts";

type Plan = BlockSyncPlan<string>;
const START = FIRST_REQUEST_WAIT;
const SECOND = 1_000_000_000n;

function plan(...peers: readonly (readonly [id: string, base: number, height: number])[]): Plan {
	const made: Plan = new BlockSyncPlan(1, 0);
	for (const [id, base, height] of peers) made.peerStatus(id, base, height, 0);
	return made;
}

function requests(actions: readonly PlanAction[]): string[] {
	return actions.flatMap((action) => (action.kind === "request" ? [`${action.peer}:${action.height}`] : []));
}

function heightsOf(actions: readonly PlanAction[], peer: string): number[] {
	return actions.flatMap((action) => (action.kind === "request" && action.peer === peer ? [action.height] : []));
}

test("peers are given time to connect; then each has twenty requests, near blocks are asked of two", () => {
	const one = plan(["a", 1, 100]);
	assert.deepEqual(one.tick(START - 1), []);
	assert.deepEqual(
		requests(one.tick(START)),
		Array.from({ length: MAX_REQUESTS_PER_PEER }, (_, each) => `a:${each + 1}`),
	);
	assert.deepEqual(one.tick(START + 1), []);
	const two = plan(["a", 1, 100], ["b", 1, 100]).tick(START);
	assert.equal(heightsOf(two, "a").length, MAX_REQUESTS_PER_PEER);
	assert.deepEqual(new Set(heightsOf(two, "a")), new Set(heightsOf(two, "b")));
});

test("only blocks that a peer has are asked of it, and none above what all have", () => {
	const actions = plan(["a", 1, 3], ["b", 3, 5]).tick(START);
	assert.deepEqual(heightsOf(actions, "a"), [1, 2, 3]);
	assert.deepEqual(heightsOf(actions, "b"), [3], "what only b has may be a lie: it lacks the next block");
});

test("a block is held until the one behind it is here, then popped, and more are asked for", () => {
	const made = plan(["a", 1, 30]);
	made.tick(START);
	assert.deepEqual(made.blockReceived("a", 2, "two", 100, START + 1), { kind: "kept" });
	assert.deepEqual(made.peek(), { first: null, second: "two" });
	made.blockReceived("a", 1, "one", 100, START + 2);
	assert.deepEqual(made.peek(), { first: "one", second: "two" });
	assert.equal(made.heldBytes, 200);
	made.pop(SECOND, START + 3);
	assert.equal(made.height, 2);
	assert.equal(made.heldBytes, 100);
	assert.deepEqual(requests(made.tick(START + 4)), ["a:21"]);
});

test("what was not asked for is refused; a second answer is not", () => {
	const made = plan(["a", 1, 30], ["b", 1, 30], ["c", 1, 30]);
	const actions = made.tick(START);
	const askedTwice = heightsOf(actions, "a").find((height) => heightsOf(actions, "b").includes(height));
	assert.ok(askedTwice !== undefined);
	assert.equal(
		made.blockReceived("c", askedTwice, "x", 1, START).kind === "unsolicited",
		!heightsOf(actions, "c").includes(askedTwice),
	);
	assert.equal(made.blockReceived("a", 31, "x", 1, START).kind, "unsolicited");
	assert.equal(made.blockReceived("stranger", 1, "x", 1, START).kind, "unsolicited");
	assert.equal(made.blockReceived("a", askedTwice, "x", 1, START).kind, "kept");
	assert.equal(made.blockReceived("b", askedTwice, "y", 1, START).kind, "late");
	assert.equal(made.blockReceived("b", askedTwice, "y", 1, START).kind, "unsolicited");
});

test("#5931: an answer that comes after its block was applied does no harm", () => {
	const made = plan(["a", 1, 30], ["b", 1, 30]);
	made.tick(START);
	made.blockReceived("a", 1, "one", 1, START);
	made.blockReceived("a", 2, "two", 1, START);
	made.pop(SECOND, START);
	assert.ok(made.hasAsked("b"));
	assert.equal(made.blockReceived("b", 1, "one", 1, START + 1).kind, "late");
	assert.equal(made.blockReceived("b", 1, "one", 1, START + 1).kind, "unsolicited");
});

test("ASA-2025-001: a peer that lowers its height, or its base, is banned for a minute", () => {
	for (const [base, height] of [
		[1, 99],
		[4, 100],
	] as const) {
		const made = plan(["a", 5, 100]);
		made.peerStatus("a", base, height, 10);
		assert.equal(made.peerCount, 0);
		assert.equal(made.maxPeerHeight, 0);
		made.peerStatus("a", 5, 1000, 20);
		assert.equal(made.peerCount, 0);
		made.peerStatus("a", 5, 1000, 60_011);
		assert.equal(made.peerCount, 1);
	}
	const impossible = plan(["a", 5, 4]);
	assert.equal(impossible.peerCount, 0);
	assert.ok(impossible.isBanned("a", 1));
});

test("#5803: a peer whose lowest block is out of reach does not keep us syncing", () => {
	const made = plan(["liar", 1_000_000, 2_000_000], ["a", 1, 2]);
	assert.equal(made.maxPeerHeight, 2);
	assert.ok(made.isCaughtUp(1, 0n));
	const alone = plan(["liar", 1_000_000, 2_000_000]);
	assert.ok(alone.isCaughtUp(1, 0n));
	assert.deepEqual(alone.tick(START), []);
});

test("a peer that owes blocks and sends nothing for 15 s is stopped; who sends goes on", () => {
	const made = plan(["a", 1, 30], ["b", 1, 30]);
	made.tick(START);
	for (let at = START; at < START + PEER_TIMEOUT; at += 1000) {
		const height = 1 + (at - START) / 1000;
		made.blockReceived("a", height, "x", 200_000, at);
		assert.ok(made.tick(at).every(({ kind }) => kind === "request"));
	}
	const actions = made.tick(START + PEER_TIMEOUT);
	assert.deepEqual(
		actions.filter(({ kind }) => kind === "stop").map(({ peer }) => peer),
		["b"],
	);
	assert.equal(made.peerCount, 1);
});

test("a peer that trickles is stopped; one whose blocks are small is not", () => {
	const slow = plan(["a", 1, 300]);
	let at = START;
	slow.tick(at);
	let stopped = -1;
	for (let height = 1; height <= 20 && stopped < 0; height++) {
		at += 10_000;
		slow.blockReceived("a", height, "x", 1000, at);
		if (slow.tick(at).some(({ kind }) => kind === "stop")) stopped = at;
	}
	assert.ok(stopped > 0 && stopped < START + 120_000);
	const small = plan(["a", 1, 3000]);
	at = START;
	let actions = small.tick(at);
	for (let round = 0; round < 100; round++) {
		at += 500;
		for (const action of actions) {
			if (action.kind === "request") small.blockReceived("a", action.height, "x", 500, at);
			else assert.fail("stopped");
		}
		for (let { first, second } = small.peek(); first !== null && second !== null; { first, second } = small.peek())
			small.pop(SECOND, at);
		actions = small.tick(at);
	}
	assert.ok(small.height > 1000);
});

test("a block that does not come is asked again, of another peer if there is one; the late answer is still welcome", () => {
	const made = plan(["a", 1, 100], ["b", 1, 100]);
	made.tick(START);
	const late = START + REQUEST_RETRY;
	for (const peer of ["a", "b"]) {
		for (let at = START; at < late; at += 5000) made.blockReceived(peer, 2 + (at - START) / 5000, "x", 1_000_000, at);
	}
	made.peerStatus("c", 1, 100, late - 1);
	const again = requests(made.tick(late));
	assert.ok(again.includes("c:1"), "the newcomer first");
	assert.equal(again.filter((each) => each.endsWith(":1")).length, 2);
	assert.equal(made.blockReceived("a", 1, "one", 1, late + 1).kind, "kept");
	assert.equal(made.blockReceived("b", 1, "one", 1, late + 2).kind, "late");
});

test("the next block is asked for although its peers owe many others", () => {
	const made = plan(["a", 1, 100]);
	made.tick(START);
	made.noBlock("a", 1, START);
	made.tick(START + 1);
	const actions = requests(made.tick(START + 6000));
	assert.deepEqual(actions, ["a:1"]);
});

test("a peer that does not have a block is not asked for it over and over", () => {
	const made = plan(["a", 1, 5]);
	made.tick(START);
	made.noBlock("a", 1, START + 1);
	assert.deepEqual(requests(made.tick(START + 2)), []);
	assert.deepEqual(requests(made.tick(START + 6000)), ["a:1"]);
	made.noBlock("a", 4711, START + 6001);
	made.noBlock("stranger", 1, START + 6001);
	assert.deepEqual(requests(made.tick(START + 6002)), []);
});

test("who sent a false block is banned, all its blocks are asked of others, others' are kept", () => {
	const made = plan(["a", 1, 10], ["b", 1, 10]);
	const actions = made.tick(START);
	for (const height of heightsOf(actions, "a").slice(0, 3)) made.blockReceived("a", height, `a${height}`, 10, START);
	made.blockReceived("b", 4, "b4", 10, START);
	const stops = made.blockFailed(1, "bad", START);
	assert.deepEqual(stops, [{ kind: "stop", peer: "a", reason: "bad", fault: true }]);
	assert.equal(made.heldBytes, 10);
	assert.ok(made.isBanned("a", START + 1));
	made.peerStatus("c", 1, 10, START);
	assert.deepEqual(heightsOf(made.tick(START + 1), "c").slice(0, 3), [1, 2, 3]);
	assert.deepEqual(made.blockFailed(1, "bad", START), []);
});

test("memory for blocks is bounded in bytes, whatever the number of peers", () => {
	const peers = Array.from({ length: 40 }, (_, each) => [`p${each}`, 1, 100_000] as const);
	const made = plan(...peers);
	let at = START;
	let actions = made.tick(at);
	for (let round = 0; round < 60; round++) {
		at += 10;
		for (const action of actions) {
			if (action.kind === "request" && action.height > 2)
				made.blockReceived(action.peer, action.height, "x", 4_000_000, at);
		}
		actions = made.tick(at);
	}
	const open = 40 * MAX_REQUESTS_PER_PEER;
	assert.ok(made.heldBytes < 134_217_728 + open * 4_000_000);
	const more = requests(made.tick(at + 1));
	assert.deepEqual(more, []);
});

test("caught up: nobody has more than one block above; never without peers", () => {
	assert.equal(plan().isCaughtUp(100_000, 0n), false);
	assert.equal(plan(["a", 0, 0]).isCaughtUp(1, 0n), true);
	assert.equal(plan(["a", 1, 2]).isCaughtUp(1, 0n), true);
	assert.equal(plan(["a", 1, 3]).isCaughtUp(1, 0n), false);
});

test("when the peers that had more are gone, others get time to tell what they have", () => {
	const made = plan(["a", 1, 1000], ["b", 1, 1]);
	made.removePeer("a", 100);
	assert.equal(made.isCaughtUp(200, 0n), false);
	assert.equal(made.isCaughtUp(15_100, 0n), true);
});

test("no endless sync: peers that promise blocks and send none are given up after half a minute", () => {
	const made = plan(["a", 1, 1000]);
	assert.equal(made.isCaughtUp(32_999, 0n), false);
	assert.equal(made.isCaughtUp(33_000, 0n), true);
	const going = plan(["a", 1, 1000]);
	going.tick(START);
	for (let height = 1; height <= 6; height++) going.blockReceived("a", height, "x", 10, START);
	const wall = 1_000_000n * SECOND;
	for (let height = 1; height <= 5; height++) going.pop(wall + BigInt(height) * SECOND, START + 100);
	// Near the tip: a block takes longer to come than to be made.
	assert.equal(going.isCaughtUp(START + 400, wall + 6n * SECOND), false);
	assert.equal(going.isCaughtUp(START + 5000, wall + 10n * SECOND), true);
	// Far behind: pauses are tolerated.
	assert.equal(going.isCaughtUp(START + 20_000, wall + 10_000n * SECOND), false);
	assert.equal(going.isCaughtUp(START + 100_000, wall + 10_000n * SECOND), false);
	assert.equal(going.isCaughtUp(START + 110_000, wall + 10_000n * SECOND), true);
});

test("whatever peers do, the plan stays within its bounds", () => {
	const event = fc.oneof(
		fc.record({ kind: fc.constant("status" as const), peer: fc.nat(4), base: fc.nat(20), height: fc.nat(60) }),
		fc.record({ kind: fc.constant("block" as const), peer: fc.nat(4), height: fc.nat(60) }),
		fc.record({ kind: fc.constant("none" as const), peer: fc.nat(4), height: fc.nat(60) }),
		fc.record({ kind: fc.constant("leave" as const), peer: fc.nat(4) }),
		fc.record({ kind: fc.constant("fail" as const), second: fc.boolean() }),
		fc.record({ kind: fc.constant("pop" as const) }),
		fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(20_000) }),
	);
	fc.assert(
		fc.property(fc.array(event, { maxLength: 120 }), (events) => {
			const made: Plan = new BlockSyncPlan(1, 0);
			const open = new Map<string, number>();
			let now = START;
			for (const each of events) {
				if (each.kind === "status") made.peerStatus(`p${each.peer}`, each.base, each.height, now);
				if (
					each.kind === "block" &&
					made.blockReceived(`p${each.peer}`, each.height, "x", 10, now).kind !== "unsolicited"
				) {
					open.delete(`p${each.peer}:${each.height}`);
				}
				if (each.kind === "none") made.noBlock(`p${each.peer}`, each.height, now);
				if (each.kind === "leave") made.removePeer(`p${each.peer}`, now);
				if (each.kind === "fail") made.blockFailed(made.height + (each.second ? 1 : 0), "bad", now);
				if (each.kind === "wait") now += each.ms;
				const { first, second } = made.peek();
				if (each.kind === "pop" && first !== null && second !== null) made.pop(SECOND, now);
				const perPeer = new Map<string, number>();
				for (const action of made.tick(now)) {
					if (action.kind === "request") perPeer.set(action.peer, (perPeer.get(action.peer) ?? 0) + 1);
				}
				for (const count of perPeer.values()) assert.ok(count <= MAX_REQUESTS_PER_PEER + 2);
				assert.ok(made.heldBytes >= 0 && made.heldBytes % 10 === 0);
				assert.ok(made.peerCount <= 5);
			}
		}),
	);
});
