import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf, KEY_TYPES, privateKeyFromSeed, publicKeyOf, verifySignature } from "@cairn/crypto";
import { CairnError, EMPTY_BYTES, fromUtf8, toHex, utf8 } from "@cairn/kit";
import { NIL_BLOCK_ID, PRECOMMIT, PREVOTE, type Vote, voteExtensionSignBytes, voteSignBytes } from "@cairn/types";
import type { Json } from "@cairn/types/proto";
import { CrashDisk, PlainDisk } from "./crash-disk.ts";
import { FileSigner, type ValidatorPaths } from "./file-signer.ts";
import { proposalOfJson, readVectors, voteOfJson } from "./test-vector.ts";
import { formatKeyFile, formatStateFile, parseKeyFile, parseStateFile } from "./validator-files.ts";

interface StepVector {
	op: "sign_vote" | "sign_proposal";
	name: string;
	chain_id: string;
	vote?: Json;
	proposal?: Json;
	error: string | null;
	signature: string;
	extension_signature?: string;
	result_timestamp: { seconds: string; nanos: number };
	state_json_after: string;
}

interface SessionVector {
	seed: string;
	initial_state_json: string;
	priv_validator_key_json: string;
	steps: StepVector[];
}

const PATHS: ValidatorPaths = {
	keyFile: "config/priv_validator_key.json",
	stateFile: "data/priv_validator_state.json",
};
const { sessions } = readVectors<{ sessions: SessionVector[] }>("privval-file.json");

function sessionDisk(session: SessionVector): PlainDisk {
	const disk = new PlainDisk();
	disk.files.set(PATHS.keyFile, utf8(session.priv_validator_key_json));
	disk.files.set(PATHS.stateFile, utf8(session.initial_state_json));
	return disk;
}

function textOf(disk: PlainDisk, path: string): string {
	return fromUtf8(disk.files.get(path) ?? EMPTY_BYTES);
}

async function perform(
	signer: FileSigner,
	step: StepVector,
): Promise<Pick<Vote, "signature" | "timestamp" | "extensionSignature">> {
	if (step.op === "sign_vote") return signer.signVote(step.chain_id, voteOfJson(step.vote ?? null), true);
	const signed = await signer.signProposal(step.chain_id, proposalOfJson(step.proposal ?? null));
	return { ...signed, extensionSignature: EMPTY_BYTES };
}

/** How CometBFT's words for a refusal show in ours. */
function reasonOf(error: string): RegExp {
	const known = [
		"height regression",
		"round regression",
		"step regression",
		"conflicting data",
		"unexpected vote extension",
	];
	const words = known.find((candidate) => error.includes(candidate));
	if (words !== undefined) return new RegExp(words);
	assert.match(error, /Unknown vote type/);
	return /cannot sign a vote of type/;
}

for (const [index, session] of sessions.entries()) {
	for (const restarts of [false, true]) {
		test(`session ${index} of the real signer${restarts ? ", restarted before every request" : ""}`, async () => {
			const disk = sessionDisk(session);
			let signer = await FileSigner.load(disk, PATHS);
			for (const step of session.steps) {
				if (restarts) signer = await FileSigner.load(disk, PATHS);
				if (step.error !== null) {
					await assert.rejects(perform(signer, step), reasonOf(step.error), step.name);
				} else {
					const signed = await perform(signer, step);
					assert.equal(toHex(signed.signature), step.signature, step.name);
					assert.equal(toHex(signed.extensionSignature), step.extension_signature ?? "", step.name);
					const { seconds, nanos } = step.result_timestamp;
					assert.equal(signed.timestamp, BigInt(seconds) * 1_000_000_000n + BigInt(nanos), step.name);
				}
				assert.equal(textOf(disk, PATHS.stateFile), step.state_json_after, step.name);
			}
		});
	}
}

test("refusals of the guard carry the code that operators and the node look for", async () => {
	let refused = 0;
	for (const session of sessions) {
		const signer = await FileSigner.load(sessionDisk(session), PATHS);
		for (const step of session.steps) {
			if (step.error === null) await perform(signer, step);
			else if (/regression|conflicting/.test(step.error)) {
				await assert.rejects(
					perform(signer, step),
					(error) => error instanceof CairnError && error.code === "double-sign-guard",
				);
				refused++;
			}
		}
	}
	assert.ok(refused > 10);
});

test("every state that a real node wrote is read and written back unchanged", () => {
	let read = 0;
	for (const name of ["single", "four", "short"]) {
		for (const text of readVectors<{ snapshots: string[] }>(`chain/${name}-privval-state.json`).snapshots) {
			assert.equal(fromUtf8(formatStateFile(parseStateFile(utf8(text), "state"))), text);
			read++;
		}
	}
	assert.ok(read > 100);
});

test("key and state files of cometbft init and testnet are ours, byte for byte", () => {
	const { samples } = readVectors<{ samples: { files: Record<string, string> }[] }>("config-samples.json");
	let keys = 0;
	for (const [path, text] of samples.flatMap(({ files }) => Object.entries(files ?? {}))) {
		if (path.endsWith("priv_validator_key.json")) {
			assert.equal(fromUtf8(formatKeyFile(parseKeyFile(utf8(text), path))), text);
			keys++;
		}
		if (path.endsWith("priv_validator_state.json")) assert.equal(fromUtf8(formatStateFile(new Map())), text);
	}
	assert.ok(keys >= 5);
	const { cases } = readVectors<{ cases: { priv_validator_key_json?: string }[] }>("keys.json");
	for (const { priv_validator_key_json: text } of cases) {
		if (text !== undefined) assert.equal(fromUtf8(formatKeyFile(parseKeyFile(utf8(text), "key"))), text);
	}
});

const RANDOM = { bytes: (length: number): Uint8Array => new Uint8Array(length).fill(4) };
const HASH = new Uint8Array(32).fill(1);

function precommit(changes: Partial<Vote> = {}): Vote {
	return {
		type: PRECOMMIT,
		height: 5,
		round: 0,
		blockId: { hash: HASH, partSetHeader: { total: 1, hash: HASH } },
		timestamp: 1_700_000_000_000_000_001n,
		validatorAddress: new Uint8Array(20),
		validatorIndex: 0,
		signature: EMPTY_BYTES,
		extension: EMPTY_BYTES,
		extensionSignature: EMPTY_BYTES,
		...changes,
	};
}

test("a key of every type is generated once, found again and signs", async () => {
	for (const type of KEY_TYPES) {
		const disk = new PlainDisk();
		const first = await FileSigner.loadOrGenerate(disk, PATHS, RANDOM, type);
		assert.deepEqual(first.publicKey, publicKeyOf(privateKeyFromSeed(type, RANDOM.bytes(32))));
		assert.deepEqual(first.address, addressOf(first.publicKey));
		assert.equal(textOf(disk, PATHS.stateFile), '{\n  "height": "0",\n  "round": 0,\n  "step": 0\n}');
		const vote = await first.signVote("chain", precommit(), true);
		const second = await FileSigner.loadOrGenerate(
			disk,
			PATHS,
			{ bytes: () => assert.fail("no new key is needed") },
			type,
		);
		assert.deepEqual(second.publicKey, first.publicKey);
		assert.deepEqual(second.lastSigned, first.lastSigned);
		assert.deepEqual(await second.signVote("chain", precommit(), true), vote);
		assert.ok(verifySignature(first.publicKey, voteSignBytes("chain", vote), vote.signature));
		assert.ok(verifySignature(first.publicKey, voteExtensionSignBytes("chain", vote), vote.extensionSignature));
	}
});

test("extensions are signed only where they belong and were asked for", async () => {
	const signer = await FileSigner.create(new PlainDisk(), PATHS, privateKeyFromSeed("ed25519", HASH));
	const extension = utf8("seen");
	const plain = await signer.signVote("chain", precommit({ height: 1 }), false);
	assert.equal(plain.extensionSignature.length, 0);
	const nil = await signer.signVote("chain", precommit({ height: 2, blockId: NIL_BLOCK_ID }), true);
	assert.equal(nil.extensionSignature.length, 0);
	const prevote = await signer.signVote("chain", precommit({ height: 3, type: PREVOTE }), true);
	assert.equal(prevote.extensionSignature.length, 0);
	for (const wrong of [{ type: PREVOTE }, { blockId: NIL_BLOCK_ID }] as const) {
		await assert.rejects(
			signer.signVote("chain", precommit({ height: 4, extension, ...wrong }), true),
			/unexpected vote extension/,
		);
	}
	await assert.rejects(
		signer.signVote("chain", precommit({ height: 4, extension }), false),
		/unexpected vote extension/,
	);
	assert.deepEqual(signer.lastSigned?.position, [3, 0, 2]);
});

test("the same statement for another chain is another statement", async () => {
	const signer = await FileSigner.create(new PlainDisk(), PATHS, privateKeyFromSeed("ed25519", HASH));
	await signer.signVote("chain-a", precommit(), false);
	await assert.rejects(signer.signVote("chain-b", precommit(), false), /conflicting data/);
});

test("requests are served one at a time, in order, and none before its write is durable", async () => {
	const disk = new CrashDisk();
	disk.put(PATHS.keyFile, formatKeyFile(privateKeyFromSeed("ed25519", HASH)));
	disk.put(PATHS.stateFile, formatStateFile(new Map()));
	const signer = await FileSigner.load(disk, PATHS);
	const done: string[] = [];
	const ask = (name: string, vote: Vote): Promise<unknown> =>
		signer.signVote("chain", vote, false).then(
			() => done.push(name),
			() => done.push(`${name} refused`),
		);
	const asked = [
		ask("prevote", precommit({ type: PREVOTE })),
		ask("other prevote", precommit({ type: PREVOTE, blockId: NIL_BLOCK_ID })),
		ask("precommit", precommit()),
	];
	await settled();
	assert.deepEqual([done, disk.pending], [[], 1]);
	disk.flush();
	await settled();
	assert.deepEqual([done, disk.pending], [["prevote", "other prevote refused"], 1]);
	disk.flush();
	await Promise.all(asked);
	assert.deepEqual(done, ["prevote", "other prevote refused", "precommit"]);
});

/** All microtasks have run. */
function settled(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}

test("a failed write shows no signature and takes no position", async () => {
	const disk = new CrashDisk();
	disk.put(PATHS.keyFile, formatKeyFile(privateKeyFromSeed("ed25519", HASH)));
	disk.put(PATHS.stateFile, formatStateFile(new Map()));
	const signer = await FileSigner.load(disk, PATHS);
	disk.failNext = new CairnError("disk-full", "operator", "no space");
	await assert.rejects(signer.signVote("chain", precommit(), false), /no space/);
	assert.equal(signer.lastSigned, undefined);
	const retried = signer.signVote("chain", precommit({ blockId: NIL_BLOCK_ID }), false);
	await settled();
	disk.flush();
	assert.equal((await retried).signature.length, 64);
});

test("reset forgets, and keeps the key", async () => {
	const disk = new PlainDisk();
	const signer = await FileSigner.create(disk, PATHS, privateKeyFromSeed("ed25519", HASH));
	await signer.signVote("chain", precommit(), false);
	await signer.reset();
	assert.equal(signer.lastSigned, undefined);
	const again = await FileSigner.load(disk, PATHS);
	assert.deepEqual(again.publicKey, signer.publicKey);
	await again.signVote("chain", precommit({ height: 1 }), false);
});

test("missing and damaged files say which file, which field and what is right", async () => {
	const key = fromUtf8(formatKeyFile(privateKeyFromSeed("ed25519", HASH)));
	const state = fromUtf8(formatStateFile(new Map()));
	const secret = (JSON.parse(key) as { priv_key: { value: string } }).priv_key.value;
	const cases: [key: string | undefined, state: string | undefined, expected: RegExp][] = [
		[undefined, state, /priv_validator_key\.json: there is no such file/],
		[key, undefined, /priv_validator_state\.json: there is no such file, though there is a key/],
		["", state, /priv_validator_key\.json: the file is empty/],
		[key.slice(0, -5), state, /priv_validator_key\.json: the file is not JSON/],
		["[]", state, /not a JSON object/],
		["{}", state, /field "priv_key" is missing/],
		[key.replace("PrivKeyEd25519", "PrivKeyNone"), state, /field "priv_key": .*unknown type/],
		[key.replace(secret, secret.slice(4)), state, /field "priv_key": .*61 bytes, expected 64/],
		[key, "", /priv_validator_state\.json: the file is empty/],
		[key, "null", /not a JSON object/],
		[key, state.replace('"0"', "0"), /field "height" is 0, expected a whole number as text/],
		[key, state.replace('"0"', '"-1"'), /field "height"/],
		[key, state.replace('"0"', '"99999999999999999999"'), /field "height"/],
		[key, state.replace('"round": 0', '"round": "0"'), /field "round" is "0"/],
		[key, state.replace('"step": 0', '"step": 4'), /field "step" is 4, expected 0 \(none\), 1/],
		[key, state.replace('"step": 0', '"step": 0, "signature": "?"'), /field "signature" is not base64/],
		[key, state.replace('"step": 0', '"step": 0, "signbytes": 7'), /field "signbytes" is not hexadecimal/],
		[key, state.replace('"step": 0', '"step": 0, "signbytes": "00"'), /"signature" is missing/],
	];
	for (const [keyText, stateText, expected] of cases) {
		const disk = new PlainDisk();
		if (keyText !== undefined) disk.files.set(PATHS.keyFile, utf8(keyText));
		if (stateText !== undefined) disk.files.set(PATHS.stateFile, utf8(stateText));
		await assert.rejects(FileSigner.load(disk, PATHS), (error) => {
			assert.ok(error instanceof CairnError && error.blame === "operator");
			assert.match(error.message, expected);
			assert.ok(!`${error.message}${JSON.stringify(error.details)}`.includes(secret.slice(8, 24)), "the key leaks");
			return true;
		});
	}
});

test("a position without a statement is burnt, as in CometBFT", async () => {
	// What an operator writes who moves a key and knows only how far it has signed.
	const disk = new PlainDisk();
	disk.files.set(PATHS.keyFile, formatKeyFile(privateKeyFromSeed("ed25519", HASH)));
	disk.files.set(PATHS.stateFile, utf8('{"height": "5", "round": 0, "step": 3}'));
	const signer = await FileSigner.load(disk, PATHS);
	await assert.rejects(signer.signVote("chain", precommit(), false), /given up without a statement/);
	await assert.rejects(signer.signVote("chain", precommit({ type: PREVOTE }), false), /step regression/);
	await signer.signVote("chain", precommit({ height: 6 }), false);
});

test("a lost key beside a used state is not replaced by a new one", async () => {
	const disk = new PlainDisk();
	const signer = await FileSigner.create(disk, PATHS, privateKeyFromSeed("ed25519", HASH));
	await signer.signVote("chain", precommit(), false);
	disk.files.delete(PATHS.keyFile);
	const before = textOf(disk, PATHS.stateFile);
	await assert.rejects(FileSigner.loadOrGenerate(disk, PATHS, RANDOM), /says that its key has signed/);
	assert.equal(textOf(disk, PATHS.stateFile), before);
});
