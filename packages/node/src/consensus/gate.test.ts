import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Engine, Outward, Tendermint, TendermintMessage, TraceRecord } from "@cairn/consensus";
import { SignatureCache } from "@cairn/crypto";
import { silentLogger, ValidationError } from "@cairn/kit";
import { NIL_BLOCK_ID, PartSet, PRECOMMIT, PREVOTE, type Vote } from "@cairn/types";
import { settle } from "@cairn/world";
import { Lab } from "../testing/consensus-lab.ts";
import { Driver, type Host } from "./driver.ts";
import { Gate, type GateParts, type PeerMessage, verifiedSigner } from "./gate.ts";

const LAB = new Lab(4);
const BLOCK = LAB.blockId("b");

/** A host that only remembers what reached the engine; its barrier can be held. */
class Door implements Host<Tendermint> {
	readonly entered: string[] = [];
	/** Sent before every turn, so that turns have to pass the barrier. */
	hold = false;
	#held: (() => void)[] = [];
	onSettled: () => void = () => undefined;

	now() {
		return { mono: 0, wall: 0n };
	}

	append({ input }: TraceRecord<Tendermint>): void {
		if (input.kind !== "message") return;
		const { origin, message } = input;
		this.entered.push(`${origin.peer} ${labelOf(message)} by ${origin.signer}`);
	}

	async barrier(): Promise<void> {
		if (this.hold) await new Promise<void>((resolve) => this.#held.push(resolve));
	}

	async letGo(): Promise<void> {
		this.hold = false;
		for (const go of this.#held.splice(0)) go();
		await settle();
	}

	perform(): void {}
	release(_effect: Outward<Tendermint>): void {}
	mark(): void {}
	settled(): void {
		this.onSettled();
	}

	halt(what: string, cause: unknown): void {
		throw new Error(what, { cause });
	}
}

function labelOf(message: TendermintMessage): string {
	if (message.kind === "vote") {
		const { type, height, round, validatorIndex } = message.vote;
		return `${type === PREVOTE ? "prevote" : "precommit"} ${height}/${round}/${validatorIndex}`;
	}
	return message.kind === "proposal" ? `proposal ${message.proposal.height}/${message.proposal.round}` : message.kind;
}

function gateOf(engine: Engine<Tendermint>, change: Partial<GateParts> = {}) {
	const door = new Door();
	const driver = new Driver(engine, door);
	const faults: string[] = [];
	const fatal: unknown[] = [];
	const gate = new Gate({
		engine,
		driver,
		signatures: new SignatureCache(100),
		logger: silentLogger,
		wantedParts: () => engine.gossip().wantedParts,
		fits: () => true,
		addPart: () => true,
		onFault: (peer, reason) => faults.push(`${peer}: ${reason}`),
		onFatal: (cause) => fatal.push(cause),
		...change,
	});
	door.onSettled = () => gate.pump();
	gate.open();
	return { gate, door, driver, faults, fatal };
}

const voteFrom = (peer: string, vote: Vote): PeerMessage => {
	return { kind: "engine", peer, message: { kind: "vote", vote } };
};
const prevote = (index: number, blockId = BLOCK) => LAB.vote(index, PREVOTE, 1, 0, blockId);

describe("gate", () => {
	it("lets a well-signed message in, with its signer", async () => {
		const { gate, door, faults } = gateOf(LAB.follower());
		gate.submit({ kind: "engine", peer: "p", message: { kind: "proposal", proposal: LAB.proposal(0, BLOCK) } });
		gate.submit(voteFrom("p", prevote(2)));
		await settle();
		assert.deepEqual(door.entered, ["p proposal 1/0 by 0", "p prevote 1/0/2 by 2"]);
		assert.deepEqual(faults, []);
	});

	it("lets nothing in before it is opened, nor after it is closed", async () => {
		const { gate, door } = gateOf(LAB.follower());
		gate.close();
		gate.submit(voteFrom("p", prevote(1)));
		await settle();
		assert.deepEqual(door.entered, []);
		gate.open();
		gate.submit(voteFrom("p", prevote(1)));
		await settle();
		assert.equal(door.entered.length, 1);
	});

	const forged: readonly (readonly [what: string, vote: Vote, reason: RegExp])[] = [
		["no valid signature", { ...prevote(1), signature: new Uint8Array(64) }, /invalid signature on vote/],
		[
			"the signature of another vote",
			{ ...prevote(1), signature: prevote(1, NIL_BLOCK_ID).signature },
			/invalid signature/,
		],
		["the signature of another validator", { ...prevote(1), signature: prevote(2).signature }, /invalid signature/],
		[
			"the address of another validator",
			{ ...prevote(1), validatorAddress: prevote(2).validatorAddress },
			/address and index/,
		],
		["an index outside of the set", { ...prevote(1), validatorIndex: 4 }, /unknown validator/],
		["an extension that nobody asked for", { ...prevote(1), extension: new Uint8Array(1) }, /extension/],
	];
	for (const [what, vote, reason] of forged) {
		it(`stops the peer of a vote with ${what}, and it alone`, async () => {
			const { gate, door, faults } = gateOf(LAB.follower());
			gate.submit(voteFrom("bad", vote));
			gate.submit(voteFrom("good", prevote(1)));
			await settle();
			assert.equal(faults.length, 1);
			assert.match(faults[0] ?? "", /^bad: /);
			assert.match(faults[0] ?? "", reason);
			assert.deepEqual(door.entered, ["good prevote 1/0/1 by 1"]);
		});
	}

	it("stops the peer of a proposal that is not signed by the proposer", async () => {
		const { gate, door, faults } = gateOf(LAB.follower());
		gate.submit({ kind: "engine", peer: "bad", message: { kind: "proposal", proposal: LAB.proposal(0, BLOCK, 3) } });
		await settle();
		assert.deepEqual([door.entered, faults], [[], ["bad: invalid signature on proposal"]]);
	});

	it("stops the peer of a proposal that is larger than a block, before any signature is looked at", async () => {
		const { gate, faults } = gateOf(LAB.follower(), { fits: ({ total }) => total <= 3 });
		for (const parts of [3, 4]) {
			const proposal = { ...LAB.proposal(0, LAB.blockId("big", parts)), signature: new Uint8Array(64) };
			gate.submit({ kind: "engine", peer: `of ${parts}`, message: { kind: "proposal", proposal } });
		}
		await settle();
		assert.deepEqual(faults, ["of 3: invalid signature on proposal", "of 4: proposal block has too many parts"]);
	});

	it("passes over what does not matter without blame", async () => {
		const { gate, door, faults } = gateOf(LAB.follower());
		gate.submit(voteFrom("p", LAB.vote(1, PREVOTE, 9, 0, BLOCK)));
		gate.submit(voteFrom("p", prevote(1)));
		gate.submit(voteFrom("q", prevote(1)));
		await settle();
		assert.deepEqual([door.entered, faults], [["p prevote 1/0/1 by 1"], []]);
	});

	it("keeps what comes too early until it is told that time has moved on", async () => {
		const { gate, door, driver, faults } = gateOf(LAB.follower());
		const leader = LAB.set.copyIncrementProposerPriority(1).proposer;
		const index = leader === null ? -1 : LAB.set.getByAddress(leader.address)?.index;
		const proposal = LAB.proposal(1, BLOCK, index);
		gate.submit({ kind: "engine", peer: "early", message: { kind: "proposal", proposal } });
		const again = async () => {
			await settle();
			gate.retryLater();
			gate.pump();
			await settle();
		};
		await again();
		assert.deepEqual(door.entered, [], "still too early");
		for (const each of [0, 1, 2]) gate.submit(voteFrom("p", LAB.vote(each, PRECOMMIT, 1, 0, NIL_BLOCK_ID)));
		await settle();
		driver.push({ kind: "timer", timer: "precommit/1/0" });
		door.entered.length = 0;
		await again();
		assert.deepEqual([door.entered, faults], [[`early proposal 1/1 by ${index}`], []]);
		await again();
		assert.equal(door.entered.length, 1, "it is let in once");
	});

	it("judges each message by the state that the one before it has left", async () => {
		const { gate, door, faults } = gateOf(LAB.follower());
		// Twice the same vote at once: the second is known by the time it is looked at.
		gate.submit(voteFrom("p", prevote(1)));
		gate.submit(voteFrom("q", prevote(1)));
		gate.submit(voteFrom("q", prevote(2)));
		await settle();
		assert.deepEqual(door.entered, ["p prevote 1/0/1 by 1", "q prevote 1/0/2 by 2"]);
		assert.deepEqual(faults, []);
	});

	it("waits with the inbox while a turn runs, and goes on in order", async () => {
		const { gate, door, driver } = gateOf(slowed(LAB.follower()));
		door.hold = true;
		for (const index of [0, 1, 2]) gate.submit(voteFrom("p", prevote(index)));
		await settle();
		assert.equal(driver.busy, true);
		assert.equal(door.entered.length, 1);
		assert.equal(gate.queued, 2);
		await door.letGo();
		assert.deepEqual(
			door.entered,
			[0, 1, 2].map((index) => `p prevote 1/0/${index} by ${index}`),
		);
	});

	it("stops the peer that fills the inbox, not the one that sends when it is full", async () => {
		const { gate, door, faults } = gateOf(slowed(LAB.follower()));
		door.hold = true;
		gate.submit(voteFrom("first", prevote(0)));
		await settle();
		for (let count = 0; count < 16_000; count++) gate.submit(voteFrom("flood", prevote(1)));
		for (let count = 0; count < 384; count++) gate.submit(voteFrom("busy", prevote(2)));
		assert.deepEqual(faults, []);
		gate.submit(voteFrom("late", prevote(3)));
		assert.deepEqual(faults, ["flood: consensus inbox is full"]);
		assert.equal(gate.queued, 385);
		await door.letGo();
		assert.ok(door.entered.includes("late prevote 1/0/3 by 3"));
	});

	it("blames the sender for a false part, and ourselves for our own failure", async () => {
		const part = PartSet.fromBytes(new Uint8Array(10)).getPart(0);
		assert.ok(part !== null);
		let thrown: Error = new ValidationError("block part: wrong proof");
		const { gate, faults, fatal } = gateOf(LAB.follower(), {
			addPart: () => {
				throw thrown;
			},
		});
		gate.submit({ kind: "part", peer: "bad", height: 1, round: 0, part });
		assert.deepEqual([faults, fatal], [["bad: block part: wrong proof"], []]);
		thrown = new TypeError("ours");
		gate.submit({ kind: "part", peer: "good", height: 1, round: 0, part });
		assert.deepEqual([faults.length, fatal], [1, [thrown]]);
	});
});

/** The same engine with something to send at every step, so that each turn has to pass the barrier. */
function slowed(engine: Engine<Tendermint>): Engine<Tendermint> {
	const message: TendermintMessage = { kind: "vote", vote: prevote(0) };
	return {
		protocol: engine.protocol,
		step: (input, at, out) => {
			out.outward({ kind: "send", to: { kind: "all" }, message });
			return engine.step(input, at, out);
		},
		admit: (origin, given) => engine.admit(origin, given),
		claims: (given, epoch) => engine.claims(given, epoch),
		gossip: () => engine.gossip(),
		held: (height) => engine.held(height),
		view: () => engine.view(),
		snapshot: () => engine.snapshot(),
		digest: () => engine.digest(),
	};
}

describe("verifiedSigner", () => {
	it("is the member behind the vote, or nobody", () => {
		const engine = LAB.follower();
		const signatures = new SignatureCache(10);
		const signerOf = (message: TendermintMessage) => verifiedSigner(engine, signatures, message, LAB.epoch);
		assert.equal(signerOf({ kind: "vote", vote: prevote(3) }), 3);
		assert.equal(signerOf({ kind: "vote", vote: { ...prevote(3), round: 1 } }), "false");
		const claim = { kind: "majorityClaim", height: 1, round: 0, type: PREVOTE, blockId: BLOCK } as const;
		assert.equal(signerOf(claim), null, "a claim is not signed");
	});
});
