import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { beforeEach, describe, test } from "node:test";
import { silentLogger } from "@cairn/kit";
import type { WebSocket } from "ws";
import type { Dispatcher } from "../protocol/dispatcher.ts";
import type { CallContext } from "../routes/route.ts";
import type { Occurrence, Subscription, Subscriptions } from "../subscriptions/subscriptions.ts";
import { WebSocketSession } from "./web-socket-session.ts";

/** A socket whose other side takes frames when it is told to. */
class FakeSocket extends EventEmitter {
	readonly sent: string[] = [];
	readonly deeds: string[] = [];
	isPaused = false;
	#taken: (() => void)[] = [];

	send(frame: string, taken: () => void): void {
		this.sent.push(frame);
		this.#taken.push(taken);
	}

	take(count = this.#taken.length): void {
		for (const taken of this.#taken.splice(0, count)) taken();
	}

	ping(): void {
		this.deeds.push("ping");
	}

	terminate(): void {
		this.deeds.push("terminate");
	}

	close(code: number): void {
		this.deeds.push(`close ${code}`);
	}

	pause(): void {
		this.isPaused = true;
	}

	resume(): void {
		this.isPaused = false;
	}
}

let socket: FakeSocket;
let answers: ((text: string) => void)[];
let contexts: CallContext[];
let ended: (readonly [Subscription, string | null | undefined])[];

function session(writeBufferSize = 3, subscriptionBufferSize = 2): WebSocketSession {
	const dispatcher = {
		socketBroadcast: (text: string) => (text === "broadcast" ? new Promise((resolve) => answers.push(resolve)) : null),
		socket: (text: string, contextOf: (id: string) => CallContext) => {
			if (text === "broken") throw new Error("broken");
			contexts.push(contextOf("7"));
			return new Promise((resolve) => answers.push(resolve));
		},
	} as unknown as Dispatcher;
	const subscriptions = {
		dropClient: () => ended.push([{} as Subscription, "dropped"]),
		end: (subscription: Subscription, reason?: string) => {
			ended.push([subscription, reason]);
			subscription.receiver.ended(reason ?? null);
		},
	} as unknown as Subscriptions;
	const stream = { cork: () => {}, uncork: () => {} } as unknown as Socket;
	return new WebSocketSession(socket as unknown as WebSocket, stream, "client", {
		dispatcher,
		subscriptions,
		logger: silentLogger,
		subscriptionBufferSize,
		writeBufferSize,
		closeOnSlowClient: false,
	});
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const event = (name: string): Occurrence => ({ data: `"${name}"`, events: "{}" }) as unknown as Occurrence;
const SECOND = 1_000;

beforeEach(() => {
	socket = new FakeSocket();
	answers = [];
	contexts = [];
	ended = [];
});

/** A feed of this session, as a subscription makes it. */
async function subscribe(): Promise<Subscription> {
	socket.emit("message", Buffer.from("subscribe"));
	await turn();
	let found: Subscription | null = null;
	contexts.at(-1)?.listen?.("q", (receiver) => {
		found = { client: "client", text: "q", receiver } as Subscription;
		return found;
	});
	assert.ok(found !== null);
	answers.shift()?.("subscribed");
	await turn();
	return found;
}

describe("a WebSocket session", () => {
	test("pings every 27 s, and gives up a client that is not heard of for 30 s", () => {
		const start = performance.now();
		const one = session();
		one.tick(start + 26 * SECOND);
		assert.deepEqual(socket.deeds, []);
		one.tick(start + 28 * SECOND);
		assert.deepEqual(socket.deeds, ["ping"]);
		one.tick(start + 29 * SECOND);
		assert.deepEqual(socket.deeds, ["ping"]);
		one.tick(start + 32 * SECOND);
		assert.deepEqual(socket.deeds, ["ping", "terminate"]);
	});

	test("gives up a client that takes nothing for 10 s, however busy it is itself", async () => {
		const one = session();
		socket.emit("message", Buffer.from("call"));
		await turn();
		answers.shift()?.("answer");
		await turn();
		const now = performance.now();
		one.tick(now + 9 * SECOND);
		assert.deepEqual(socket.deeds, []);
		one.tick(now + 11 * SECOND);
		assert.deepEqual(socket.deeds, ["terminate"]);
	});

	test("begins broadcasts at once and everything else in turn; answers in order", async () => {
		session(10);
		for (const text of ["broadcast", "call", "broadcast", "call"]) socket.emit("message", Buffer.from(text));
		await turn();
		assert.equal(answers.length, 2, "two broadcasts");
		answers[1]?.("second broadcast");
		await turn();
		assert.deepEqual(socket.sent, []);
		answers[0]?.("first broadcast");
		await turn();
		assert.deepEqual([socket.sent, contexts.length], [["first broadcast"], 1]);
		answers[2]?.("first call");
		await turn();
		answers[3]?.("second call");
		await turn();
		assert.deepEqual(socket.sent, ["first broadcast", "first call", "second broadcast", "second call"]);
	});

	test("does not read on while a client does not take its answers, or asks for too much at a time", async () => {
		session(2);
		for (let i = 0; i < 5; i++) socket.emit("message", Buffer.from("call"));
		for (let i = 0; i < 5; i++) {
			await turn();
			answers.shift()?.(`answer ${i}`);
		}
		await turn();
		assert.equal(socket.sent.length, 2);
		socket.take();
		await turn();
		answers.shift()?.("answer 3");
		await turn();
		assert.deepEqual(socket.sent.slice(0, 4), ["answer 0", "answer 1", "answer 2", "answer 3"]);
		for (let i = 0; i < 300; i++) socket.emit("message", Buffer.from("broadcast"));
		assert.equal(socket.isPaused, true);
		while (socket.isPaused) {
			for (const answer of answers.splice(0)) answer("answer");
			socket.take();
			await turn();
		}
		assert.ok(socket.sent.length > 150);
	});

	test("keeps events while there is no room, and ends a subscription when they are too many", async () => {
		session(2, 2);
		const subscription = await subscribe();
		socket.take();
		for (const name of ["a", "b", "c", "d"]) subscription.receiver.event(event(name));
		assert.equal(socket.sent.length, 3, "two events beside the answer");
		socket.take(1);
		assert.match(socket.sent[3] ?? "", /"data":"c"/);
		assert.deepEqual(ended, []);
		subscription.receiver.event(event("e"));
		subscription.receiver.event(event("f"));
		assert.equal(ended.length, 1);
		assert.match(String(ended[0]?.[1]), /out of capacity/);
		assert.match(socket.sent.at(-1) ?? "", /^\{"jsonrpc":"2\.0","id":7,"error":\{"code":-32000/);
		subscription.receiver.event(event("g"));
		socket.take();
		assert.equal(socket.sent.length, 5, "what waited is not sent any more");
	});

	test("lets go of everything when the client is gone", async () => {
		session();
		socket.emit("message", Buffer.from("call"));
		await turn();
		let heard = false;
		contexts[0]?.onGone(() => {
			heard = true;
		});
		assert.equal(contexts[0]?.isGone(), false);
		socket.emit("close");
		assert.deepEqual([contexts[0]?.isGone(), heard, ended.length], [true, true, 1]);
		answers[0]?.("too late");
		await turn();
		assert.deepEqual(socket.sent, []);
	});

	test("ends with a mistake of ours, not with the process", async () => {
		session();
		socket.emit("message", Buffer.from("broken"));
		await turn();
		assert.deepEqual(socket.deeds, ["terminate"]);
	});
});
