import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Effects, Engine, Input, Inward, Outward, Protocol, Stamp, TraceRecord, Verdict } from "@cairn/consensus";
import { settle } from "@cairn/world";
import fc from "fast-check";
import { Driver, type Host, INBOX_CAPACITY } from "./driver.ts";

// The driver knows nothing of any protocol: this one is made of names.
interface Plain extends Protocol {
	message: { readonly name: string };
	statement: { readonly name: string };
	certificate: object;
	node: object;
	evidence: object;
	snapshot: object;
	gossip: object;
}

type PlainInput = Input<Plain>;
type Step = (input: PlainInput, out: Effects<Plain>) => void;

const message = (name: string): PlainInput => {
	return { kind: "message", origin: { peer: "p", signer: null, epoch: 0 }, message: { name } };
};
const signed = (name: string): PlainInput => ({ kind: "signed", request: 1, result: { statement: { name } } });
const send = (name: string): Outward<Plain> => ({ kind: "send", to: { kind: "all" }, message: { name } });
const sign = (name: string): Outward<Plain> => {
	return { kind: "sign", request: 1, slot: { lane: "chain", position: [1, 0, 1] }, statement: { name } };
};
const timer = (name: string): Inward<Plain> => ({ kind: "setTimer", timer: name, after: 5 });

/** Writes down all that happens, in order; barriers wait for the test. */
class Recorder implements Host<Plain> {
	readonly events: string[] = [];
	readonly halts: string[] = [];
	/** What a barrier does; waits for `passBarrier` unless told otherwise. */
	barrierMode: "wait" | "pass" | "fail" = "wait";
	onRelease: () => void = () => undefined;
	#barriers: (() => void)[] = [];

	now(): Stamp {
		return { mono: 1, wall: 2n };
	}

	append({ seq, input }: TraceRecord<Plain>): void {
		this.events.push(`log ${seq} ${nameOf(input)}`);
	}

	async barrier(): Promise<void> {
		this.events.push("barrier");
		if (this.barrierMode === "fail") throw new Error("the disk is full");
		if (this.barrierMode === "wait") await new Promise<void>((resolve) => this.#barriers.push(resolve));
		this.events.push("durable");
	}

	async passBarrier(): Promise<void> {
		for (const pass of this.#barriers.splice(0)) pass();
		await settle();
	}

	perform(effect: Inward<Plain>): void {
		this.events.push(`perform ${effect.kind === "setTimer" ? effect.timer : effect.kind}`);
	}

	release(effect: Outward<Plain>): void {
		this.events.push(`release ${effect.kind} ${outwardName(effect)}`);
		this.onRelease();
	}

	mark(): void {}

	settled(): void {
		this.events.push("settled");
	}

	halt(what: string): void {
		this.halts.push(what);
	}
}

function nameOf(input: PlainInput): string {
	if (input.kind === "message") return input.message.name;
	return input.kind === "signed" && "statement" in input.result ? input.result.statement.name : input.kind;
}

function outwardName(effect: Outward<Plain>): string {
	if (effect.kind === "commit") return String(effect.height);
	return effect.kind === "send" ? effect.message.name : effect.statement.name;
}

/** An engine that does what a test says; only `step` is ever called by the driver. */
function engineOf(step: Step): Engine<Plain> {
	const engine: Pick<Engine<Plain>, "step"> = {
		step: (input, _at, out): Verdict => {
			step(input, out);
			return { kind: "ok" };
		},
	};
	return engine as Engine<Plain>;
}

function drive(step: Step): { readonly driver: Driver<Plain>; readonly host: Recorder } {
	const host = new Recorder();
	return { driver: new Driver(engineOf(step), host), host };
}

describe("driver", () => {
	it("logs, steps and performs at once, but lets nothing out before the barrier", async () => {
		const { driver, host } = drive((input, out) => {
			out.outward(send(`about ${nameOf(input)}`));
			out.inward(timer(`for ${nameOf(input)}`));
		});
		driver.push(message("a"));
		assert.equal(driver.busy, true);
		await settle();
		assert.deepEqual(host.events, ["log 0 a", "perform for a", "barrier"]);
		await host.passBarrier();
		assert.deepEqual(host.events.slice(3), ["durable", "release send about a", "settled"]);
		assert.equal(driver.busy, false);
	});

	it("passes no barrier where nothing goes out", async () => {
		const { driver, host } = drive((_, out) => out.inward(timer("t")));
		driver.push(message("a"));
		await settle();
		assert.deepEqual(host.events, ["log 0 a", "perform t", "settled"]);
	});

	it("passes one barrier for all that came while the last was waited for, and keeps the order", async () => {
		const { driver, host } = drive((input, out) => out.outward(send(nameOf(input))));
		for (const name of ["a", "b", "c"]) driver.push(message(name));
		await settle();
		await host.passBarrier();
		assert.deepEqual(host.events, [
			...["log 0 a", "barrier", "durable", "release send a"],
			...["log 1 b", "log 2 c", "barrier"],
		]);
		await host.passBarrier();
		assert.deepEqual(host.events.slice(7), ["durable", "release send b", "release send c", "settled"]);
	});

	it("sends a signed statement without waiting for the disk, for the guard would sign the same again", async () => {
		const { driver, host } = drive((input, out) => out.outward(send(nameOf(input))));
		driver.push(signed("vote"));
		await settle();
		assert.deepEqual(host.events, ["log 0 vote", "release send vote", "settled"]);
	});

	it("asks for no signature before the signed statements in front of it are durable", async () => {
		const { driver, host } = drive((input, out) => out.outward(nameOf(input) === "1" ? send("1") : sign("2")));
		driver.push(signed("1"));
		await settle();
		driver.push(signed("2"));
		await settle();
		assert.deepEqual(host.events, ["log 0 1", "release send 1", "settled", "log 1 2", "barrier"]);
		await host.passBarrier();
		assert.deepEqual(host.events.slice(5), ["durable", "release sign 2", "settled"]);
	});

	it("remembers an unflushed record until a barrier, however many turns later", async () => {
		const { driver, host } = drive((input, out) => {
			if (nameOf(input) === "vote") out.outward(send("vote"));
		});
		driver.push(message("quiet"));
		await settle();
		driver.push(signed("vote"));
		await settle();
		assert.deepEqual(host.events.slice(2), ["log 1 vote", "barrier"]);
		await host.passBarrier();
		assert.deepEqual(host.events.slice(4), ["durable", "release send vote", "settled"]);
	});

	it("takes what a release brings about into the next turn", async () => {
		const { driver, host } = drive((input, out) => out.outward(send(nameOf(input))));
		host.barrierMode = "pass";
		host.onRelease = () => {
			host.onRelease = () => undefined;
			driver.push(message("b"));
		};
		driver.push(message("a"));
		await settle();
		const released = host.events.filter((event) => event.startsWith("release") || event === "settled");
		assert.deepEqual(released, ["release send a", "release send b", "settled"]);
	});

	it("halts on a barrier that fails, and lets nothing out, then or later", async () => {
		const { driver, host } = drive((input, out) => out.outward(send(nameOf(input))));
		host.barrierMode = "fail";
		for (const name of ["a", "b"]) driver.push(message(name));
		await settle();
		assert.deepEqual(host.halts, ["consensus failure"]);
		host.barrierMode = "pass";
		driver.push(message("c"));
		await settle();
		assert.deepEqual(host.events, ["log 0 a", "barrier"]);
		await driver.stop();
	});

	it("halts when the engine's own assumptions fail, and lets nothing of that turn out", async () => {
		const { driver, host } = drive((input, out) => {
			out.outward(send(nameOf(input)));
			if (nameOf(input) === "b") throw new Error("two decisions");
		});
		host.barrierMode = "pass";
		for (const name of ["a", "b", "c"]) driver.push(message(name));
		await settle();
		assert.deepEqual(host.halts, ["consensus failure"]);
		assert.deepEqual(
			host.events.filter((event) => event.startsWith("release")),
			["release send a"],
		);
	});

	it("stops behind the turn under way, and drops what waits", async () => {
		const { driver, host } = drive((input, out) => out.outward(send(nameOf(input))));
		for (const name of ["a", "b"]) driver.push(message(name));
		let isStopped = false;
		const stopped = driver.stop().then(() => {
			isStopped = true;
		});
		await settle();
		assert.equal(isStopped, false);
		await host.passBarrier();
		await stopped;
		driver.push(message("c"));
		await settle();
		assert.deepEqual(host.events, ["log 0 a", "barrier", "durable", "release send a"]);
		assert.deepEqual([driver.queued, host.halts], [0, []]);
	});

	it("halts rather than lose an input when too many wait", async () => {
		const { driver, host } = drive((input, out) => out.outward(send(nameOf(input))));
		driver.push(message("first"));
		for (let count = 0; count <= INBOX_CAPACITY; count++) driver.push(message("more"));
		assert.deepEqual(host.halts, ["consensus inbox overflow"]);
		await host.passBarrier();
		await driver.stop();
	});

	it("never releases anything whose record is not durable, whatever comes when", async () => {
		const input = fc.record({
			kind: fc.constantFrom("message", "signed"),
			effect: fc.constantFrom("none", "send", "sign"),
			wait: fc.constantFrom("none", "turn", "barrier"),
		});
		await fc.assert(
			fc.asyncProperty(fc.array(input, { maxLength: 30 }), async (inputs) => {
				const { driver, host } = drive((given, out) => {
					const index = Number(nameOf(given));
					const { effect } = inputs[index] ?? {};
					if (effect === "send") out.outward(send(nameOf(given)));
					if (effect === "sign") out.outward(sign(nameOf(given)));
				});
				for (const [index, { kind, wait }] of inputs.entries()) {
					driver.push(kind === "signed" ? signed(String(index)) : message(String(index)));
					if (wait === "turn") await settle();
					if (wait === "barrier") await host.passBarrier();
				}
				for (let count = 0; count <= inputs.length; count++) await host.passBarrier();
				await settle();
				assertPromisesAreDurable(host.events, inputs);
			}),
			{ numRuns: 200 },
		);
	});
});

/** Every record must be durable before anything leaves that came after it; only own signed statements may be sent early. */
function assertPromisesAreDurable(
	events: readonly string[],
	inputs: readonly { kind: string; effect: string }[],
): void {
	const logged: number[] = [];
	let pending: number[] = [];
	let synced: number[] = [];
	const released: number[] = [];
	for (const event of events) {
		const [what = "", second = "", third = ""] = event.split(" ");
		if (what === "log") {
			logged.push(Number(third));
			pending.push(Number(third));
		} else if (what === "barrier") synced = [...pending];
		else if (what === "durable") pending = pending.filter((index) => !synced.includes(index));
		else if (what === "release") {
			released.push(Number(third));
			const open = pending.filter((index) => second === "sign" || inputs[index]?.kind !== "signed");
			assert.deepEqual(open, [], `${event} before its records were durable`);
		}
	}
	assert.deepEqual(logged, [...inputs.keys()]);
	assert.deepEqual(
		released,
		[...inputs.keys()].filter((index) => inputs[index]?.effect !== "none"),
	);
}
