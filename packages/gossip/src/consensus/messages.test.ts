import assert from "node:assert/strict";
import { test } from "node:test";
import { CairnError, fromHex, toHex } from "@cairn/kit";
import fc from "fast-check";
import { messagesFor } from "../testing/vectors.ts";
import {
	decodeConsensusMessage,
	encodeConsensusMessage,
	nameOfConsensusMessage,
	validateStepHeight,
} from "./messages.ts";

const MESSAGES = messagesFor("consensus.Message");

/** Heights beyond the safe integers are refused here, and no chain has them. */
function isBeyondReach(error: unknown): boolean {
	return error instanceof CairnError && error.message.includes("out of range");
}

test("every consensus message is taken or refused as CometBFT does it", () => {
	assert.ok(MESSAGES.length > 100);
	for (const { name, hex, accepted } of MESSAGES) {
		let isTaken = true;
		try {
			decodeConsensusMessage(fromHex(hex));
		} catch (error) {
			assert.ok(error instanceof CairnError && error.blame === "peer", name);
			if (accepted && isBeyondReach(error)) continue;
			isTaken = false;
		}
		assert.equal(isTaken, accepted, name);
	}
});

test("a part longer than 65536 bytes is refused, whatever its proof", () => {
	const sample = MESSAGES.find(({ name }) => name === "part last ok");
	const message = decodeConsensusMessage(fromHex(sample?.hex ?? ""));
	assert.ok(message.kind === "part");
	const part = { ...message.part, bytes: new Uint8Array(65_537) };
	assert.throws(() => decodeConsensusMessage(encodeConsensusMessage({ ...message, part })), CairnError);
});

test("what is taken and encoded again means the same", () => {
	for (const { name, hex, accepted } of MESSAGES) {
		if (!accepted) continue;
		let message: ReturnType<typeof decodeConsensusMessage>;
		try {
			message = decodeConsensusMessage(fromHex(hex));
		} catch (error) {
			assert.ok(isBeyondReach(error), name);
			continue;
		}
		const bytes = encodeConsensusMessage(message);
		const again = encodeConsensusMessage(decodeConsensusMessage(bytes));
		assert.equal(toHex(again), toHex(bytes), name);
		assert.match(nameOfConsensusMessage(bytes), /^consensus_[A-Z]/);
	}
});

test("mutilated messages are refused with the peer's blame, or taken; nothing else happens", () => {
	const samples = MESSAGES.map(({ hex }) => fromHex(hex)).filter((bytes) => bytes.length > 0 && bytes.length < 5000);
	fc.assert(
		fc.property(
			fc.integer({ min: 0, max: samples.length - 1 }),
			fc.array(fc.record({ at: fc.nat(), to: fc.nat(255) }), { minLength: 1, maxLength: 4 }),
			fc.nat(),
			(which, changes, cut) => {
				const bytes = (samples[which] ?? new Uint8Array()).slice();
				for (const { at, to } of changes) bytes[at % bytes.length] = to;
				const end = cut % 4 === 0 ? cut % (bytes.length + 1) : bytes.length;
				try {
					encodeConsensusMessage(decodeConsensusMessage(bytes.subarray(0, end)));
				} catch (error) {
					assert.ok(error instanceof CairnError && error.blame === "peer", String(error));
				}
			},
		),
		{ numRuns: 3000 },
	);
});

test("a step must fit the initial height of the chain", () => {
	const step = { kind: "newRoundStep", round: 0, step: 1, secondsSinceStart: 0n } as const;
	const isValid = (height: number, lastCommitRound: number, initialHeight: number): boolean => {
		try {
			validateStepHeight({ ...step, height, lastCommitRound }, initialHeight);
			return true;
		} catch {
			return false;
		}
	};
	assert.ok(isValid(1, -1, 1));
	assert.ok(isValid(10, -1, 10));
	assert.ok(isValid(11, 0, 10));
	assert.ok(!isValid(9, -1, 10));
	assert.ok(!isValid(10, 0, 10));
	assert.ok(!isValid(11, -1, 10));
});
