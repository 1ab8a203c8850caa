import assert from "node:assert/strict";
import { test } from "node:test";
import { CairnError, fromHex, toHex } from "@cairn/kit";
import { BLOCK_ID_FLAG_ABSENT, BLOCK_PROTOCOL, blockToProto, encodeBlock, extendedCommitToProto } from "@cairn/types";
import { blocksync as pb } from "@cairn/types/proto";
import fc from "fast-check";
import { TestChain } from "../testing/chain-fixture.ts";
import { messagesFor } from "../testing/vectors.ts";
import {
	decodeBlockSyncMessage,
	decodeReceivedBlock,
	encodeBlockResponse,
	encodeBlockSyncMessage,
	nameOfBlockSyncMessage,
} from "./messages.ts";

const MESSAGES = messagesFor("blocksync.Message");

test("every block sync message is taken or refused as CometBFT does it", () => {
	assert.ok(MESSAGES.length > 10);
	for (const { name, hex, accepted } of MESSAGES) {
		let isTaken = true;
		try {
			const message = decodeBlockSyncMessage(fromHex(hex));
			if (message.kind !== "blockResponse") assert.equal(toHex(encodeBlockSyncMessage(message)), hex, name);
		} catch (error) {
			assert.ok(error instanceof CairnError && error.blame === "peer", name);
			isTaken = false;
		}
		assert.equal(isTaken, accepted, name);
	}
});

test("an answer made of stored bytes is the one that CometBFT would make", () => {
	const chain = new TestChain(4, { extensionsFrom: 2 }).grow(2, 300);
	for (const { block, extended } of chain.blocks) {
		const value = { block: blockToProto(block), extCommit: extended === null ? null : extendedCommitToProto(extended) };
		const bytes = encodeBlockResponse(encodeBlock(block), extended);
		assert.equal(toHex(bytes), toHex(pb.Message.encode({ sum: { kind: "blockResponse", value } })));
		assert.equal(nameOfBlockSyncMessage(bytes), "blocksync_BlockResponse");
		const message = decodeBlockSyncMessage(bytes);
		assert.ok(message.kind === "blockResponse");
		const received = decodeReceivedBlock(message, BLOCK_PROTOCOL);
		assert.deepEqual(received.block.header, block.header);
		assert.equal(received.extendedCommit === null, extended === null);
		assert.equal(toHex(received.bytes), toHex(encodeBlock(block)));
	}
});

test("#5959: blocks and commits of very many signatures are refused before they are decoded", () => {
	const absent = {
		blockIdFlag: BLOCK_ID_FLAG_ABSENT,
		validatorAddress: new Uint8Array(),
		timestamp: 0n,
		signature: new Uint8Array(),
	};
	const chain = new TestChain(1, { extensionsFrom: 1 }).grow(1);
	const { block, extended } = chain.at(1);
	const proto = blockToProto(block);
	const signatures = Array.from({ length: 10_001 }, () => absent);
	const commit = {
		height: 1n,
		round: 0,
		blockId: { hash: new Uint8Array(), partSetHeader: { total: 0, hash: new Uint8Array() } },
		signatures,
	};
	const none = new Uint8Array();
	const many = {
		...commit,
		extendedSignatures: signatures.map((each) => ({ ...each, extension: none, extensionSignature: none })),
	};
	const refuses = (value: pb.BlockResponse): void => {
		const bytes = pb.Message.encode({ sum: { kind: "blockResponse", value } });
		assert.throws(() => decodeBlockSyncMessage(bytes), /too many signatures/);
	};
	refuses({ block: { ...proto, lastCommit: commit }, extCommit: null });
	refuses({ block: proto, extCommit: many });
	assert.ok(extended !== null);
});

test("an extended commit of another height is refused, and so is an answer without a block", () => {
	const chain = new TestChain(4, { extensionsFrom: 1 }).grow(2);
	const wrong = encodeBlockResponse(encodeBlock(chain.at(1).block), chain.at(2).extended);
	const decode = (bytes: Uint8Array): unknown => {
		const message = decodeBlockSyncMessage(bytes);
		assert.ok(message.kind === "blockResponse");
		return decodeReceivedBlock(message, BLOCK_PROTOCOL);
	};
	assert.throws(() => decode(wrong), /different heights/);
	assert.throws(() => decode(fromHex("1a00")), /without a block/);
});

test("any bytes are read, or refused with the peer's blame", () => {
	const chain = new TestChain(4, { extensionsFrom: 2 }).grow(3, 200);
	const samples = [
		...MESSAGES.map(({ hex }) => fromHex(hex)).filter(({ length }) => length > 0),
		...chain.blocks.map(({ block, extended }) => encodeBlockResponse(encodeBlock(block), extended)),
	];
	fc.assert(
		fc.property(
			fc.integer({ min: 0, max: samples.length - 1 }),
			fc.array(fc.record({ at: fc.nat(), to: fc.nat(255) }), { maxLength: 4 }),
			(which, changes) => {
				const bytes = (samples[which] ?? new Uint8Array()).slice();
				for (const { at, to } of changes) bytes[at % bytes.length] = to;
				try {
					const message = decodeBlockSyncMessage(bytes);
					if (message.kind === "blockResponse") decodeReceivedBlock(message, BLOCK_PROTOCOL);
				} catch (error) {
					assert.ok(error instanceof CairnError && error.blame === "peer", String(error));
				}
			},
		),
		{ numRuns: 2000 },
	);
});
