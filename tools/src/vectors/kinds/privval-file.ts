import { privateKeyFromSeed } from "@cairn/crypto";
import { EMPTY_BYTES, fromUtf8, utf8 } from "@cairn/kit";
import { FileSigner, formatKeyFile, formatStateFile, parseStateFile } from "@cairn/signer";
import { voteFromProto } from "@cairn/types";
import { fromProtoJson, type Json, type types } from "@cairn/types/proto";
import { type Checker, fail } from "../checker.ts";
import { proposalOf } from "../domain.ts";
import { hex, type JsonTime, outcomeOfPromise, same, sameBytes, timeOf } from "../expectation.ts";

interface Step {
	readonly name: string;
	readonly op: string;
	readonly chain_id: string;
	readonly vote?: Json;
	readonly proposal?: Json;
	readonly error: string | null;
	readonly signature: string;
	readonly extension_signature?: string;
	readonly result_timestamp: JsonTime;
	readonly state_json_after: string;
}

interface Session {
	readonly seed: string;
	readonly priv_validator_key_json: string;
	readonly initial_state_json: string;
	readonly steps: readonly Step[];
}

const PATHS = { keyFile: "priv_validator_key.json", stateFile: "priv_validator_state.json" };

/** The two files of a signer, in memory. */
class SignerFiles {
	readonly files = new Map<string, Uint8Array>();

	async read(path: string): Promise<Uint8Array | undefined> {
		return this.files.get(path);
	}

	async writeAtomic(path: string, bytes: Uint8Array): Promise<void> {
		this.files.set(path, bytes);
	}

	textOf(path: string): string {
		return fromUtf8(this.files.get(path) ?? EMPTY_BYTES);
	}
}

interface Signed {
	readonly signature: Uint8Array;
	readonly timestamp: bigint;
	readonly extensionSignature: Uint8Array;
}

async function signStep(signer: FileSigner, step: Step): Promise<Signed> {
	if (step.op === "sign_vote") {
		const proto = fromProtoJson("tendermint.types.Vote", step.vote ?? null) as types.Vote;
		return signer.signVote(step.chain_id, voteFromProto(proto), true);
	}
	if (step.op !== "sign_proposal") fail(`unknown operation ${step.op}`);
	const proto = fromProtoJson("tendermint.types.Proposal", step.proposal ?? null) as types.Proposal;
	const signed = await signer.signProposal(step.chain_id, proposalOf(proto));
	return { signature: signed.signature, timestamp: signed.timestamp, extensionSignature: EMPTY_BYTES };
}

async function checkStep(signer: FileSigner, step: Step): Promise<void> {
	const outcome = await outcomeOfPromise(() => signStep(signer, step));
	if (!outcome.accepted) {
		if (step.error === null) fail(`refused, but must be signed (${outcome.error.message})`);
		return;
	}
	if (step.error !== null) fail("signed, but must be refused");
	sameBytes("signature", outcome.value.signature, step.signature);
	sameBytes("extension_signature", outcome.value.extensionSignature, step.extension_signature ?? "");
	same("result_timestamp", outcome.value.timestamp, timeOf(step.result_timestamp));
}

async function checkSession(session: Session): Promise<void> {
	same(
		"priv_validator_key_json",
		fromUtf8(formatKeyFile(privateKeyFromSeed("ed25519", hex(session.seed)))),
		session.priv_validator_key_json,
	);
	const disk = new SignerFiles();
	disk.files.set(PATHS.keyFile, utf8(session.priv_validator_key_json));
	disk.files.set(PATHS.stateFile, utf8(session.initial_state_json));
	const signer = await FileSigner.load(disk, PATHS);
	for (const [index, step] of session.steps.entries()) {
		try {
			await checkStep(signer, step);
			same("state_json_after", disk.textOf(PATHS.stateFile), step.state_json_after);
		} catch (cause) {
			fail(`steps[${index}] ${step.name}: ${cause instanceof Error ? cause.message : cause}`);
		}
	}
}

export const checkPrivvalFile: Checker = (file, tally) => {
	const { sessions } = file.content as { sessions: readonly Session[] };
	return tally.checkEach("sessions", sessions, checkSession);
};

/** State files that a node really wrote, one after the other: read, written back, and never going back. */
export const checkPrivvalStates: Checker = async (file, tally) => {
	const { snapshots } = file.content as { snapshots: readonly string[] };
	let last: readonly number[] = [0, 0, 0];
	await tally.checkEach("snapshots", snapshots, (text) => {
		const state = parseStateFile(utf8(text), "snapshot");
		same("written back", fromUtf8(formatStateFile(state)), text);
		const position = [...state.values()][0]?.position ?? [0, 0, 0];
		const step = position.findIndex((part, index) => part !== last[index]);
		if (step >= 0 && (position[step] ?? 0) < (last[step] ?? 0)) fail(`position ${position} after ${last}`);
		last = position;
	});
};
