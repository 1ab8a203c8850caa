import assert from "node:assert/strict";
import { test } from "node:test";
import { InvariantError, toHex } from "@cairn/kit";
import fc from "fast-check";
import {
	advance,
	comparePositions,
	EMPTY_GUARD,
	type GuardState,
	judge,
	type Position,
	type SignSlot,
} from "./guard.ts";

const never = (): boolean => false;

function slot(position: Position, lane = "chain"): SignSlot {
	return { lane, position };
}

/** Signs if the guard lets it; the signature is the statement itself, so that a contradiction is visible. */
function attempt(state: GuardState, wanted: SignSlot, statement: number): { state: GuardState; shown?: Uint8Array } {
	const signBytes = Uint8Array.of(statement);
	const verdict = judge(state, wanted, signBytes, never);
	if (verdict.kind === "refuse") return { state };
	if (verdict.kind === "repeat") return { state, shown: verdict.signature };
	return { state: advance(state, wanted, signBytes, signBytes), shown: signBytes };
}

const positions = fc.tuple(fc.nat(2), fc.nat(2), fc.nat(3)) as fc.Arbitrary<Position>;

test("through any requests and crashes: one statement per position, and never backwards", () => {
	const request = fc.record({ position: positions, statement: fc.nat(1), lost: fc.boolean() });
	fc.assert(
		fc.property(fc.array(request, { maxLength: 60 }), (requests) => {
			let durable = EMPTY_GUARD;
			const shown = new Map<string, string>();
			let highest: Position = [0, 0, 0];
			for (const { position, statement, lost } of requests) {
				const result = attempt(durable, slot(position), statement);
				// A crash before the write is durable: the signature was not shown either.
				if (lost && result.state !== durable) continue;
				durable = result.state;
				if (result.shown === undefined) continue;
				const key = position.join("/");
				assert.equal(shown.get(key) ?? toHex(result.shown), toHex(result.shown), key);
				assert.ok(comparePositions(position, highest) >= 0);
				shown.set(key, toHex(result.shown));
				highest = position;
			}
		}),
	);
});

test("lanes do not disturb one another", () => {
	let state = attempt(EMPTY_GUARD, slot([5, 0, 1], "round"), 1).state;
	const other = attempt(state, slot([1, 0, 1], "propose"), 2);
	assert.notEqual(other.shown, undefined);
	state = other.state;
	assert.equal(attempt(state, slot([4, 9, 3], "round"), 1).shown, undefined);
	assert.deepEqual(attempt(state, slot([5, 0, 1], "round"), 1).shown, Uint8Array.of(1));
});

test("a lane that was given up cannot be signed in below or at that position", () => {
	const viewChange: SignSlot = {
		lane: "view",
		position: [3, 0, 0],
		raises: [{ lane: "timeout", position: [2, 9, 9] }],
	};
	const state = attempt(EMPTY_GUARD, viewChange, 1).state;
	// PBFT: no COMMIT of view 2 after VIEW-CHANGE to view 3.
	const commit = (view: number): SignSlot => ({ lane: "prepare/7", position: [view, 0, 0], under: "view" });
	assert.match(String(judged(state, commit(2))), /refuse lane view has gone on to 3\/0\/0/);
	assert.equal(judged(state, commit(3)), "sign");
	assert.match(String(judged(state, slot([2, 9, 9], "timeout"))), /given up without a statement/);
	assert.match(String(judged(state, slot([2, 0, 0], "timeout"))), /round regression/);
	assert.equal(judged(state, slot([3, 0, 0], "timeout")), "sign");
	// Raising never lowers.
	const again = advance(
		state,
		{ lane: "view", position: [4, 0, 0], raises: [{ lane: "timeout", position: [1, 0, 0] }] },
		one,
		one,
	);
	assert.deepEqual(again.get("timeout")?.position, [2, 9, 9]);
});

const one = Uint8Array.of(1);

function judged(state: GuardState, wanted: SignSlot): string {
	const verdict = judge(state, wanted, one, never);
	return verdict.kind === "refuse" ? `refuse ${verdict.reason}` : verdict.kind;
}

test("reasons name what went backwards", () => {
	const state = attempt(EMPTY_GUARD, slot([5, 4, 2]), 0).state;
	assert.match(judged(state, slot([4, 9, 3])), /height regression: last signed 5\/4\/2/);
	assert.match(judged(state, slot([5, 3, 3])), /round regression/);
	assert.match(judged(state, slot([5, 4, 1])), /step regression/);
	assert.match(judged(state, slot([5, 4, 2])), /conflicting data/);
	assert.equal(judge(state, slot([5, 4, 2]), one, () => true).kind, "repeat");
});

test("positions that do not compare are refused, and the state is only advanced upwards", () => {
	for (const position of [
		[Number.NaN, 0, 0],
		[1, -1, 1],
		[1.5, 0, 1],
		[Number.MAX_VALUE, 0, 1],
	] as const) {
		assert.match(judged(EMPTY_GUARD, slot(position)), /refuse position/);
	}
	const state = attempt(EMPTY_GUARD, slot([5, 4, 2]), 0).state;
	assert.throws(() => advance(state, slot([5, 4, 2]), one, one), InvariantError);
	assert.throws(() => advance(state, slot([6, 0, 1]), one, new Uint8Array(0)), InvariantError);
});
