import assert from "node:assert/strict";
import { test } from "node:test";
import { privateKeyFromSeed, publicKeyOf, verifySignature } from "@cairn/crypto";
import { CairnError, EMPTY_BYTES, toHex } from "@cairn/kit";
import {
	type BlockId,
	NIL_BLOCK_ID,
	PRECOMMIT,
	PREVOTE,
	type Proposal,
	proposalSignBytes,
	type Vote,
	voteSignBytes,
} from "@cairn/types";
import fc from "fast-check";
import { CrashDisk } from "./crash-disk.ts";
import { FileSigner } from "./file-signer.ts";
import { formatKeyFile, formatStateFile } from "./validator-files.ts";

const PATHS = { keyFile: "key", stateFile: "state" };
const KEY = privateKeyFromSeed("ed25519", new Uint8Array(32).fill(6));
const CHAIN = "crash-chain";

interface Request {
	readonly kind: "ask";
	readonly height: number;
	readonly round: number;
	readonly step: number;
	readonly block: number;
	readonly time: number;
}

type Event = Request | { readonly kind: "flush" } | { readonly kind: "crash"; readonly kept: number };

function blockId(block: number): BlockId {
	if (block === 0) return NIL_BLOCK_ID;
	const hash = new Uint8Array(32).fill(block);
	return { hash, partSetHeader: { total: 1, hash } };
}

/** Signs as asked; the answer is the bytes that the signature is for, and the signature. */
async function sign(signer: FileSigner, request: Request): Promise<{ signBytes: Uint8Array; signature: Uint8Array }> {
	const { height, round, step } = request;
	const common = {
		height,
		round,
		blockId: blockId(request.block),
		timestamp: BigInt(request.time),
		signature: EMPTY_BYTES,
	};
	if (step === 1) {
		const proposal: Proposal = { ...common, polRound: -1 };
		const signed = await signer.signProposal(CHAIN, proposal);
		return { signBytes: proposalSignBytes(CHAIN, signed), signature: signed.signature };
	}
	const vote: Vote = {
		...common,
		type: step === 2 ? PREVOTE : PRECOMMIT,
		validatorAddress: new Uint8Array(20),
		validatorIndex: 0,
		extension: EMPTY_BYTES,
		extensionSignature: EMPTY_BYTES,
	};
	const signed = await signer.signVote(CHAIN, vote, false);
	return { signBytes: voteSignBytes(CHAIN, signed), signature: signed.signature };
}

/** Plays events against a validator that restarts after every crash; returns what the world has seen, per position. */
async function play(disk: CrashDisk, events: readonly Event[]): Promise<Map<string, Set<string>>> {
	disk.put(PATHS.keyFile, formatKeyFile(KEY));
	disk.put(PATHS.stateFile, formatStateFile(new Map()));
	const shown = new Map<string, Set<string>>();
	let signer = await FileSigner.load(disk, PATHS);
	for (const event of events) {
		if (event.kind === "flush") disk.flush();
		else if (event.kind === "crash") {
			disk.crash(event.kept);
			signer = await FileSigner.load(disk, PATHS);
		} else {
			void sign(signer, event).then(
				({ signBytes, signature }) => {
					assert.ok(verifySignature(publicKeyOf(KEY), signBytes, signature));
					const position = `${event.height}/${event.round}/${event.step}`;
					shown.set(position, (shown.get(position) ?? new Set()).add(toHex(signBytes)));
				},
				(error) => assert.ok(error instanceof CairnError && error.code === "double-sign-guard", String(error)),
			);
		}
		await settled();
	}
	return shown;
}

/** All microtasks have run: whatever can go on without the disk has gone on. */
function settled(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}

const request: fc.Arbitrary<Event> = fc.record({
	kind: fc.constant("ask" as const),
	height: fc.integer({ min: 1, max: 2 }),
	round: fc.nat(1),
	step: fc.integer({ min: 1, max: 3 }),
	block: fc.nat(2),
	time: fc.nat(3),
});
const events = fc.array(
	fc.oneof(
		{ weight: 6, arbitrary: request },
		{ weight: 4, arbitrary: fc.constant<Event>({ kind: "flush" }) },
		{ weight: 2, arbitrary: fc.record({ kind: fc.constant("crash" as const), kept: fc.nat(2) }) },
	),
	{ minLength: 10, maxLength: 60 },
);

test("no sequence of requests, slow writes and crashes shows two statements at one position", async () => {
	let signatures = 0;
	await fc.assert(
		fc.asyncProperty(events, async (sequence) => {
			for (const [position, statements] of await play(new CrashDisk(), sequence)) {
				assert.equal(statements.size, 1, position);
				signatures++;
			}
		}),
		{ numRuns: 200 },
	);
	assert.ok(signatures > 200, "the property was exercised");
});

test("a disk that loses what it called durable breaks the promise (so the property can fail)", async () => {
	const ask = (block: number): Event => ({ kind: "ask", height: 1, round: 0, step: 3, block, time: 0 });
	const sequence: Event[] = [ask(1), { kind: "crash", kept: 0 }, ask(2)];
	assert.equal((await play(new CrashDisk({ lies: true }), sequence)).get("1/0/3")?.size, 2);
	assert.equal((await play(new CrashDisk(), [...sequence, { kind: "flush" }])).get("1/0/3")?.size, 1);
});
