import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { type ChainEvent, EventBus } from "@cairn/chain";
import { toUpperHex, utf8 } from "@cairn/kit";
import { matchesEvents, parseQuery } from "@cairn/storage";
import { txHash } from "@cairn/types";
import { abci } from "@cairn/types/proto";
import { ManualTime } from "@cairn/world";
import fc from "fast-check";
import { eventMapOf } from "./event-map.ts";
import { type EventReceiver, Subscriptions } from "./subscriptions.ts";

let bus: EventBus;
let time: ManualTime;
let subscriptions: Subscriptions;

beforeEach(() => {
	bus = new EventBus();
	time = new ManualTime();
	subscriptions = new Subscriptions(bus, time);
});

/** Keeps the names of what it hears, and how it ended. */
function listener(): EventReceiver & { readonly heard: string[]; readonly ends: (string | null)[] } {
	const heard: string[] = [];
	const ends: (string | null)[] = [];
	return { heard, ends, event: ({ event }) => heard.push(event.name), ended: (reason) => ends.push(reason) };
}

function listen(client: string, query: string) {
	const receiver = listener();
	return { ...receiver, subscription: subscriptions.subscribe(client, parseQuery(query), receiver) };
}

function txEvent(tx: string, attributes: Readonly<Record<string, string>> = {}, height = 5): ChainEvent {
	const list = Object.entries(attributes).map(([key, value]) => ({ key, value, index: true }));
	const result = abci.ExecTxResult.create({ events: [{ type: "app", attributes: list }] });
	return { name: "Tx", height, index: 0, tx: utf8(tx), result };
}

const STEP: ChainEvent = { name: "NewRoundStep", height: 1, round: 0, step: "RoundStepPropose" };

describe("subscriptions", () => {
	test("hear of what matches, after the turn in which it happens, in order", async () => {
		const { heard } = listen("a", "tm.event = 'Tx' AND app.k = 'v'");
		const all = listen("a", "tm.event EXISTS").heard;
		bus.publish(txEvent("1", { k: "v" }));
		bus.publish(STEP);
		bus.publish(txEvent("2", { k: "w" }));
		assert.deepEqual([heard, all], [[], []]);
		await time.advance(0);
		assert.deepEqual([heard, all], [["Tx"], ["Tx", "NewRoundStep", "Tx"]]);
	});

	test("are told apart by client and query, whatever the spaces", () => {
		listen("a", "app.k = 'v'");
		assert.throws(() => listen("a", "app.k   =   'v'"), { message: "already subscribed" });
		listen("b", "app.k = 'v'");
		listen("a", "app.k = 'w'");
		assert.deepEqual([subscriptions.clientCount, subscriptions.countOf("a"), subscriptions.countOf("c")], [2, 2, 0]);
		assert.throws(() => subscriptions.unsubscribe("a", parseQuery("app.k = 'x'")), {
			message: "subscription not found",
		});
		assert.throws(() => subscriptions.unsubscribeAll("c"), { message: "subscription not found" });
		subscriptions.unsubscribe("a", parseQuery("app.k='v'"));
		assert.equal(subscriptions.countOf("a"), 1);
		subscriptions.unsubscribeAll("a");
		assert.deepEqual([subscriptions.clientCount, subscriptions.countOf("a")], [1, 0]);
	});

	test("leave the bus alone when nobody listens, and hear nothing once they have ended", async () => {
		assert.equal(bus.heard, false);
		const { heard, ends, subscription } = listen("a", "tm.event='NewRoundStep'");
		assert.equal(bus.heard, true);
		bus.publish(STEP);
		subscriptions.end(subscription);
		subscriptions.end(subscription, "twice");
		await time.advance(0);
		assert.deepEqual([heard, ends, bus.heard], [[], [null], false]);
	});

	test("hear why they end when the node stops", () => {
		const one = listen("a", "tm.event='Tx'");
		const two = listen("b", "tm.event='Vote'");
		subscriptions.cancelAll("over");
		assert.deepEqual([one.ends, two.ends, subscriptions.clientCount, bus.heard], [["over"], ["over"], 0, false]);
	});

	test("may end themselves while they hear of an event", async () => {
		const query = parseQuery("tm.event='NewRoundStep'");
		const heard: string[] = [];
		for (const client of ["a", "b", "c"]) {
			subscriptions.subscribe(client, query, {
				event: () => {
					heard.push(client);
					subscriptions.dropClient(client);
				},
				ended: () => {},
			});
		}
		bus.publish(STEP);
		bus.publish(STEP);
		await time.advance(0);
		assert.deepEqual(heard, ["a", "b", "c"]);
	});

	test("lose nothing when more is published in one turn than may wait", async () => {
		const { heard } = listen("a", "tm.event='NewRoundStep'");
		for (let i = 0; i < 10_000; i++) bus.publish(STEP);
		await time.advance(0);
		assert.equal(heard.length, 10_000);
	});

	test("make the JSON of an event once for all", async () => {
		const seen: string[] = [];
		for (const client of ["a", "b"]) {
			subscriptions.subscribe(client, parseQuery("tm.event='Tx'"), {
				event: (occurrence) => seen.push(occurrence.data, occurrence.events),
				ended: () => {},
			});
		}
		bus.publish(txEvent("x", { k: "<v>" }));
		await time.advance(0);
		assert.equal(seen.length, 4);
		assert.deepEqual(seen.slice(0, 2), seen.slice(2));
		assert.match(seen[1] ?? "", /^\{"app\.k":\["\\u003cv\\u003e"\],"tm\.event":\["Tx"\],"tx\.hash":\["[0-9A-F]{64}"\]/);
	});

	test("hear of an event exactly when their query matches it, however they are found", async () => {
		const hash = (tx: string): string => toUpperHex(txHash(utf8(tx)));
		const condition = fc.constantFrom(
			"tm.event='Tx'",
			"tm.event = 'NewRoundStep'",
			"tm.event EXISTS",
			"tm.event CONTAINS 'T'",
			`tx.hash='${hash("1")}'`,
			`tx.hash='${hash("2")}'`,
			"tx.hash CONTAINS 'A'",
			"tx.height > 4",
			"app.k='v'",
			"app.k EXISTS",
		);
		const query = fc.array(condition, { minLength: 1, maxLength: 3 }).map((conditions) => conditions.join(" AND "));
		const event = fc.constantFrom(STEP, txEvent("1"), txEvent("2", { k: "v" }), txEvent("2", { k: "w" }, 3));
		await fc.assert(
			fc.asyncProperty(
				fc.uniqueArray(query, { maxLength: 6 }),
				fc.array(event, { maxLength: 6 }),
				async (queries, events) => {
					const everyone = new Subscriptions(bus, time);
					const receivers = queries.map((text, index) => {
						const receiver = listener();
						everyone.subscribe(String(index), parseQuery(text), receiver);
						return { text, receiver };
					});
					for (const each of events) bus.publish(each);
					await time.advance(0);
					for (const { text, receiver } of receivers) {
						const wanted = events.filter((each) => matchesEvents(parseQuery(text), eventMapOf(each)));
						assert.deepEqual(
							receiver.heard,
							wanted.map(({ name }) => name),
							text,
						);
					}
					everyone.cancelAll("end of run");
				},
			),
		);
	});
});

describe("what queries see of an event", () => {
	test("attributes by type and name, all values, and CometBFT's own keys", () => {
		const attributes = (...pairs: string[][]) => pairs.map(([key = "", value = ""]) => ({ key, value, index: false }));
		const result = abci.ExecTxResult.create({
			events: [
				{ type: "a", attributes: attributes(["k", "1"], ["", "2"], ["l", "3"]) },
				{ type: "", attributes: attributes(["k", "4"]) },
				{ type: "a", attributes: attributes(["k", "5"]) },
				{ type: "tm", attributes: attributes(["event", "Vote"]) },
			],
		});
		const tx = utf8("x");
		assert.deepEqual(
			[...eventMapOf({ name: "Tx", height: 7, index: 0, tx, result })],
			[
				["a.k", ["1", "5"]],
				["a.l", ["3"]],
				["tm.event", ["Vote", "Tx"]],
				["tx.hash", [toUpperHex(txHash(tx))]],
				["tx.height", ["7"]],
			],
		);
		assert.deepEqual([...eventMapOf(STEP)], [["tm.event", ["NewRoundStep"]]]);
		const events = [{ type: "b", attributes: attributes(["k", "1"]) }];
		assert.deepEqual(
			[...eventMapOf({ name: "NewBlockEvents", height: 1, events, numTxs: 0 }).keys()],
			["b.k", "tm.event"],
		);
	});
});
