import { publicKeyFromJson } from "@cairn/crypto";
import { DecodeError } from "@cairn/kit";
import { publicKeyToProto } from "@cairn/types";
import type { types as pb, version as versionPb } from "@cairn/types/proto";
import { DUPLICATE_VOTE_TYPE, LIGHT_CLIENT_ATTACK_TYPE } from "../json/evidence.ts";
import { GoJson } from "./go-json.ts";
import { bareInteger, goBytes, goHexBytes, goInteger, goList, goString, goTime } from "./go-values.ts";

/** Reads `{"type": …, "value": …}`; what it says is not judged here. @throws DecodeError */
export function readEvidence(text: string): pb.Evidence | null {
	if (text === "null") return null;
	const json = GoJson.parse(text);
	if (json.kind !== "object" && json.kind !== "null") throw json.mismatch("json.interfaceWrapper");
	const wrapper = json.members();
	const type = goString(wrapper.get("type")?.text ?? "null");
	const value = wrapper.get("value");
	if (type === "") throw new DecodeError("interface type cannot be empty");
	if (value === undefined) throw new DecodeError("interface value cannot be empty");
	if (type === DUPLICATE_VOTE_TYPE) {
		return { sum: { kind: "duplicateVoteEvidence", value: readDuplicateVote(value) } };
	}
	if (type === LIGHT_CLIENT_ATTACK_TYPE) {
		return { sum: { kind: "lightClientAttackEvidence", value: readLightClientAttack(value) } };
	}
	throw new DecodeError(`unknown type ${JSON.stringify(type.slice(0, 100))}`);
}

/** The members of one object, by name; those that are missing read as null, which is the zero value of everything. */
class Fields {
	readonly #members: ReadonlyMap<string, GoJson>;

	constructor(json: GoJson | undefined) {
		if (json !== undefined && json.kind !== "object" && json.kind !== "null") {
			throw json.mismatch("map[string]json.RawMessage");
		}
		this.#members = json?.members() ?? new Map();
	}

	get(name: string): GoJson | undefined {
		return this.#members.get(name);
	}

	text(name: string): string {
		return this.#members.get(name)?.text ?? "null";
	}

	int64(name: string): bigint {
		return goInteger(this.text(name), "int64");
	}

	number(name: string, type: "int32" | "uint32" | "uint8"): number {
		return Number(bareInteger(this.text(name), type));
	}

	time(name: string): bigint {
		const text = this.text(name);
		return text === "null" ? goTime('"0001-01-01T00:00:00Z"') : goTime(text);
	}

	hex(name: string): Uint8Array {
		return goHexBytes(this.text(name));
	}

	bytes(name: string): Uint8Array {
		return goBytes(this.text(name));
	}

	list<T>(name: string, read: (item: GoJson) => T): T[] {
		return goList(this.text(name), "[]json.RawMessage").map(read);
	}

	isNull(name: string): boolean {
		return this.text(name) === "null";
	}
}

function readDuplicateVote(json: GoJson): pb.DuplicateVoteEvidence {
	const fields = new Fields(json);
	return {
		voteA: fields.isNull("vote_a") ? null : readVote(fields.get("vote_a")),
		voteB: fields.isNull("vote_b") ? null : readVote(fields.get("vote_b")),
		totalVotingPower: fields.int64("TotalVotingPower"),
		validatorPower: fields.int64("ValidatorPower"),
		timestamp: fields.time("Timestamp"),
	};
}

/** A vote as RPC answers show it. @throws DecodeError */
export function readVote(json: GoJson | undefined): pb.Vote {
	const fields = new Fields(json);
	return {
		type: fields.number("type", "int32"),
		height: fields.int64("height"),
		round: fields.number("round", "int32"),
		blockId: readBlockId(fields.get("block_id")),
		timestamp: fields.time("timestamp"),
		validatorAddress: fields.hex("validator_address"),
		validatorIndex: fields.number("validator_index", "int32"),
		signature: fields.bytes("signature"),
		extension: fields.bytes("extension"),
		extensionSignature: fields.bytes("extension_signature"),
	};
}

/** A block id as RPC answers show it. @throws DecodeError */
export function readBlockId(json: GoJson | undefined): pb.BlockID {
	const fields = new Fields(json);
	const parts = new Fields(fields.get("parts"));
	return {
		hash: fields.hex("hash"),
		partSetHeader: { total: parts.number("total", "uint32"), hash: parts.hex("hash") },
	};
}

function readLightClientAttack(json: GoJson): pb.LightClientAttackEvidence {
	const fields = new Fields(json);
	return {
		conflictingBlock: fields.isNull("ConflictingBlock") ? null : readLightBlock(fields.get("ConflictingBlock")),
		commonHeight: fields.int64("CommonHeight"),
		byzantineValidators: fields.list("ByzantineValidators", readValidator),
		totalVotingPower: fields.int64("TotalVotingPower"),
		timestamp: fields.time("Timestamp"),
	};
}

function readLightBlock(json: GoJson | undefined): pb.LightBlock {
	const fields = new Fields(json);
	const signed = new Fields(fields.get("signed_header"));
	const set = new Fields(fields.get("validator_set"));
	return {
		signedHeader: fields.isNull("signed_header")
			? null
			: {
					header: signed.isNull("header") ? null : readHeader(signed.get("header")),
					commit: signed.isNull("commit") ? null : readCommit(signed.get("commit")),
				},
		validatorSet: fields.isNull("validator_set")
			? null
			: {
					validators: set.list("validators", readValidator),
					proposer: set.isNull("proposer") ? null : readValidator(set.get("proposer")),
					totalVotingPower: 0n,
				},
	};
}

function readHeader(json: GoJson | undefined): pb.Header {
	const fields = new Fields(json);
	return {
		version: readVersion(fields.get("version")),
		chainId: goString(fields.text("chain_id")),
		height: fields.int64("height"),
		time: fields.time("time"),
		lastBlockId: readBlockId(fields.get("last_block_id")),
		lastCommitHash: fields.hex("last_commit_hash"),
		dataHash: fields.hex("data_hash"),
		validatorsHash: fields.hex("validators_hash"),
		nextValidatorsHash: fields.hex("next_validators_hash"),
		consensusHash: fields.hex("consensus_hash"),
		appHash: fields.hex("app_hash"),
		lastResultsHash: fields.hex("last_results_hash"),
		evidenceHash: fields.hex("evidence_hash"),
		proposerAddress: fields.hex("proposer_address"),
	};
}

function readVersion(json: GoJson | undefined): versionPb.Consensus {
	const fields = new Fields(json);
	return { block: goInteger(fields.text("block"), "uint"), app: goInteger(fields.text("app"), "uint") };
}

function readCommit(json: GoJson | undefined): pb.Commit {
	const fields = new Fields(json);
	return {
		height: fields.int64("height"),
		round: fields.number("round", "int32"),
		blockId: readBlockId(fields.get("block_id")),
		signatures: fields.list("signatures", readCommitSig),
	};
}

function readCommitSig(json: GoJson): pb.CommitSig {
	const fields = new Fields(json);
	return {
		blockIdFlag: fields.number("block_id_flag", "uint8"),
		validatorAddress: fields.hex("validator_address"),
		timestamp: fields.time("timestamp"),
		signature: fields.bytes("signature"),
	};
}

function readValidator(json: GoJson | undefined): pb.Validator {
	const fields = new Fields(json);
	const key = fields.get("pub_key");
	return {
		address: fields.hex("address"),
		pubKey: publicKeyToProto(publicKeyFromJson(key === undefined ? null : JSON.parse(key.text))),
		votingPower: fields.int64("voting_power"),
		proposerPriority: fields.int64("proposer_priority"),
	};
}
