import { publicKey } from "@cairn/crypto";
import type { BlockId, BlockIdFlag, Commit, Header, Proposal, Validator, Vote, VoteType } from "@cairn/types";
import { types } from "@cairn/types/proto";
import { hex, type JsonTime, timeOf } from "./expectation.ts";

// How the vector files write domain values, and their values in our types. Nothing here validates.

export interface JsonBlockId {
	readonly hash: string;
	readonly part_set_header: { readonly hash: string; readonly total: number };
}

export interface JsonValidator {
	readonly address: string;
	readonly pub_key: string;
	/** Absent means ed25519. */
	readonly pub_key_type?: string;
	readonly voting_power: string;
	readonly proposer_priority?: string;
}

export interface JsonCommit {
	readonly height: string;
	readonly round: number;
	readonly block_id: JsonBlockId;
	readonly signatures: readonly {
		readonly block_id_flag: number;
		readonly validator_address: string;
		readonly timestamp: JsonTime;
		readonly signature: string;
	}[];
}

export interface JsonHeader {
	readonly version: { readonly block: string; readonly app: string };
	readonly chain_id: string;
	readonly height: string;
	readonly time: JsonTime;
	readonly last_block_id: JsonBlockId;
	readonly last_commit_hash: string;
	readonly data_hash: string;
	readonly validators_hash: string;
	readonly next_validators_hash: string;
	readonly consensus_hash: string;
	readonly app_hash: string;
	readonly last_results_hash: string;
	readonly evidence_hash: string;
	readonly proposer_address: string;
}

export function blockIdOf({ hash, part_set_header: parts }: JsonBlockId): BlockId {
	return { hash: hex(hash), partSetHeader: { total: parts.total, hash: hex(parts.hash) } };
}

export function jsonOfBlockId({ hash, partSetHeader }: BlockId): object {
	return { hash, part_set_header: { hash: partSetHeader.hash, total: partSetHeader.total } };
}

export function validatorOf(json: JsonValidator): Validator {
	return {
		address: hex(json.address),
		publicKey: publicKey(json.pub_key_type ?? "ed25519", hex(json.pub_key)),
		votingPower: BigInt(json.voting_power),
		proposerPriority: BigInt(json.proposer_priority ?? "0"),
	};
}

export function commitOf(json: JsonCommit): Commit {
	return {
		height: Number(json.height),
		round: json.round,
		blockId: blockIdOf(json.block_id),
		signatures: json.signatures.map((sig) => ({
			blockIdFlag: sig.block_id_flag as BlockIdFlag,
			validatorAddress: hex(sig.validator_address),
			timestamp: timeOf(sig.timestamp),
			signature: hex(sig.signature),
		})),
	};
}

/** The files write unsigned 64-bit integers as signed ones. */
function unsigned(text: string): bigint {
	return BigInt.asUintN(64, BigInt(text));
}

/** The header; its height is 0 where it is beyond the safe integers or negative, which our headers cannot hold. */
export function headerOf(json: JsonHeader): Header {
	const height = Number(json.height);
	return {
		version: { block: unsigned(json.version.block), app: unsigned(json.version.app) },
		chainId: json.chain_id,
		height: Number.isSafeInteger(height) && height >= 0 ? height : 0,
		time: timeOf(json.time),
		lastBlockId: blockIdOf(json.last_block_id),
		lastCommitHash: hex(json.last_commit_hash),
		dataHash: hex(json.data_hash),
		validatorsHash: hex(json.validators_hash),
		nextValidatorsHash: hex(json.next_validators_hash),
		consensusHash: hex(json.consensus_hash),
		appHash: hex(json.app_hash),
		lastResultsHash: hex(json.last_results_hash),
		evidenceHash: hex(json.evidence_hash),
		proposerAddress: hex(json.proposer_address),
	};
}

/** A vote as it came, of which nothing is validated: vectors hold votes that a decoder would refuse. */
export function voteOf(bytes: Uint8Array): Vote {
	const proto = types.Vote.decode(bytes);
	return { ...proto, type: proto.type as VoteType, height: Number(proto.height) };
}

/** A proposal that is yet to be signed, of which nothing is validated. */
export function proposalOf(proto: types.Proposal): Proposal {
	const { height, round, polRound, blockId, timestamp, signature } = proto;
	return { height: Number(height), round, polRound, blockId, timestamp, signature };
}
