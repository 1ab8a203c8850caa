// Shared by the tests of this package; holds no tests itself.
import { readFileSync } from "node:fs";
import { type KeyType, publicKey, verifySignature } from "@cairn/crypto";
import { CairnError, fromHex } from "@cairn/kit";
import type { BlockId, Commit, Header, TimeNs, Validator } from "./index.ts";
import { newValidator } from "./index.ts";

const folder = new URL("../../../vectors/", import.meta.url);

export function readVector(name: string): Uint8Array {
	return readFileSync(new URL(name, folder));
}

/** What JSON parses to: the shape of a vector file is what its tests say. */
export type Parsed = ReturnType<typeof JSON.parse>;

export function loadVector(name: string): Parsed {
	return JSON.parse(readFileSync(new URL(name, folder), "utf8"));
}

export const verify = verifySignature;

export interface TimeVector {
	readonly seconds: string;
	readonly nanos: number;
}

export interface BlockIdVector {
	readonly hash: string;
	readonly part_set_header: { readonly hash: string; readonly total: number };
}

export interface ValidatorVector {
	readonly pub_key: string;
	readonly pub_key_type: string;
	readonly voting_power: string;
	readonly proposer_priority: string;
}

export interface HeaderVector {
	readonly [field: string]: unknown;
	readonly chain_id: string;
	readonly time: TimeVector;
	readonly last_block_id: BlockIdVector;
	readonly version: { readonly block: string; readonly app: string };
}

export interface CommitVector {
	readonly height: string;
	readonly round: number;
	readonly block_id: BlockIdVector;
	readonly signatures: readonly {
		readonly block_id_flag: 1 | 2 | 3;
		readonly signature: string;
		readonly timestamp: TimeVector;
		readonly validator_address: string;
	}[];
}

export function timeOf({ seconds, nanos }: TimeVector): TimeNs {
	return BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
}

export function blockIdOf(vector: BlockIdVector | undefined): BlockId {
	const { hash = "", part_set_header: parts = { hash: "", total: 0 } } = vector ?? {};
	return { hash: fromHex(hash), partSetHeader: { total: parts.total, hash: fromHex(parts.hash) } };
}

export function validatorOf(vector: ValidatorVector): Validator {
	const key = publicKey(vector.pub_key_type as KeyType, fromHex(vector.pub_key));
	return { ...newValidator(key, BigInt(vector.voting_power)), proposerPriority: BigInt(vector.proposer_priority) };
}

export function headerOf(vector: HeaderVector): Header {
	const bytes = (name: string): Uint8Array => fromHex(String(vector[name]));
	return {
		// Go's JSON of these vectors prints the uint64 as if it were signed.
		version: {
			block: BigInt.asUintN(64, BigInt(vector.version.block)),
			app: BigInt.asUintN(64, BigInt(vector.version.app)),
		},
		chainId: vector.chain_id,
		height: Number(vector.height),
		time: timeOf(vector.time),
		lastBlockId: blockIdOf(vector.last_block_id),
		lastCommitHash: bytes("last_commit_hash"),
		dataHash: bytes("data_hash"),
		validatorsHash: bytes("validators_hash"),
		nextValidatorsHash: bytes("next_validators_hash"),
		consensusHash: bytes("consensus_hash"),
		appHash: bytes("app_hash"),
		lastResultsHash: bytes("last_results_hash"),
		evidenceHash: bytes("evidence_hash"),
		proposerAddress: bytes("proposer_address"),
	};
}

export function commitOf(vector: CommitVector): Commit {
	return {
		height: Number(vector.height),
		round: vector.round,
		blockId: blockIdOf(vector.block_id),
		signatures: vector.signatures.map((sig) => ({
			blockIdFlag: sig.block_id_flag,
			validatorAddress: fromHex(sig.validator_address),
			timestamp: timeOf(sig.timestamp),
			signature: fromHex(sig.signature),
		})),
	};
}

/** Null when the call succeeds, else the typed error; anything untyped is thrown on. */
export function errorOf(call: () => unknown): CairnError | null {
	try {
		call();
		return null;
	} catch (cause) {
		if (cause instanceof CairnError && cause.code !== "invariant") return cause;
		throw cause;
	}
}
