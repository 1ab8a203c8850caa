import { merkleRoot, sha256 } from "@cairn/crypto";
import { EMPTY_BYTES } from "@cairn/kit";
import {
	blockHash,
	blockToPartSet,
	commitHash,
	consensusParamsFromProto,
	consensusParamsHash,
	decodeBlock,
	decodeCommit,
	decodeEvidence,
	decodeValidatorSet,
	encodeBlock,
	encodeCommit,
	encodeConsensusParams,
	encodeHeader,
	encodeValidatorSet,
	evidenceBytes,
	evidenceHash,
	evidenceHeight,
	evidenceListHash,
	evidenceListSize,
	evidenceTime,
	evidenceToProto,
	headerHash,
	headerLeaves,
	headerToProto,
	medianTime,
	PartSet,
	txsHash,
	ValidatorSet,
	validateBlock,
	validateConsensusParams,
	validatorLeaf,
} from "@cairn/types";
import { fromProtoJson, type Json, types } from "@cairn/types/proto";
import { commitOf, headerOf, type JsonCommit, type JsonHeader, type JsonValidator, validatorOf } from "../domain.ts";
import { hex, type JsonTime, outcomeOf, same, sameBytes, sameError, sameInteger, timeOf } from "../expectation.ts";
import { type JsonProof, proofOf } from "./hashes-of-lists.ts";

export interface BlockCase {
	readonly block_proto: string;
	readonly hash: string;
	readonly data_hash: string;
	readonly evidence_hash: string;
	readonly last_commit_hash: string;
	readonly part_set_header: { readonly hash: string; readonly total: number };
	readonly validate_basic_error: string | null;
}

export function checkBlock(each: BlockCase): void {
	const outcome = sameError("validate_basic_error", each.validate_basic_error, () => {
		const block = decodeBlock(hex(each.block_proto));
		validateBlock(block);
		return block;
	});
	if (!outcome.accepted) return;
	const block = outcome.value;
	sameBytes("block_proto", encodeBlock(block), each.block_proto);
	sameBytes("hash", blockHash(block), each.hash);
	sameBytes("data_hash", txsHash(block.txs), each.data_hash);
	sameBytes("evidence_hash", evidenceListHash(block.evidence), each.evidence_hash);
	sameBytes(
		"last_commit_hash",
		block.lastCommit === null ? EMPTY_BYTES : commitHash(block.lastCommit),
		each.last_commit_hash,
	);
	const { total, hash } = blockToPartSet(block).header;
	same("part_set_header", { total, hash }, { total: each.part_set_header.total, hash: hex(each.part_set_header.hash) });
}

export interface CommitCase {
	readonly commit: JsonCommit;
	readonly hash: string;
	readonly proto: string;
}

export function checkCommit(each: CommitCase): void {
	const commit = commitOf(each.commit);
	sameBytes("proto", encodeCommit(commit), each.proto);
	sameBytes("hash", commitHash(commit), each.hash);
	// Many of these commits are of no valid chain, and then the decoder refuses them.
	const decoded = outcomeOf(() => decodeCommit(hex(each.proto)));
	if (decoded.accepted) same("decoded", decoded.value, commit);
}

export interface ParamsCase {
	readonly params: Json;
	readonly proto: string;
	readonly hash: string;
	readonly validate_basic_error: string | null;
}

export function checkConsensusParams(each: ParamsCase): void {
	const proto = fromProtoJson("tendermint.types.ConsensusParams", each.params) as types.ConsensusParams;
	sameBytes("proto", types.ConsensusParams.encode(proto), each.proto);
	const params = consensusParamsFromProto(proto);
	sameBytes("proto again", encodeConsensusParams(params), each.proto);
	sameBytes("hash", consensusParamsHash(params), each.hash);
	sameError("validate_basic_error", each.validate_basic_error, () => validateConsensusParams(params));
}

export interface EvidenceListCase {
	readonly evidence_list_proto: string;
	readonly hash: string;
	readonly byte_size: string;
	readonly items: readonly {
		readonly bytes: string;
		readonly hash: string;
		readonly height: string;
		readonly time: JsonTime;
	}[];
}

export function checkEvidenceList(each: EvidenceListCase): void {
	const proto = types.EvidenceList.decode(hex(each.evidence_list_proto));
	const list = proto.evidence.map((evidence) => decodeEvidence(types.Evidence.encode(evidence)));
	const again = types.EvidenceList.encode({ evidence: list.map(evidenceToProto) });
	sameBytes("evidence_list_proto", again, each.evidence_list_proto);
	sameBytes("hash", evidenceListHash(list), each.hash);
	sameInteger("byte_size", evidenceListSize(list), each.byte_size);
	const ours = list.map((evidence) => ({
		bytes: evidenceBytes(evidence),
		hash: evidenceHash(evidence),
		height: evidenceHeight(evidence),
		time: evidenceTime(evidence),
	}));
	const theirs = each.items.map(({ bytes, hash, height, time }) => ({
		bytes: hex(bytes),
		hash: hex(hash),
		height: Number(height),
		time: timeOf(time),
	}));
	same("items", ours, theirs);
}

export interface HeaderCase {
	readonly header: JsonHeader;
	readonly header_proto: string;
	readonly hash: string;
}

export function checkHeader(each: HeaderCase): void {
	const header = headerOf(each.header);
	const height = BigInt(each.header.height);
	sameBytes("header_proto", types.Header.encode({ ...headerToProto(header), height }), each.header_proto);
	if (height === BigInt(header.height)) {
		sameBytes("header_proto of our header", encodeHeader(header), each.header_proto);
		sameBytes("hash", headerHash(header), each.hash);
	} else sameBytes("hash over the leaves", merkleRoot(headerLeaves(header, height)), each.hash);
}

export interface MedianTimeCase {
	readonly commit: JsonCommit;
	readonly validators: readonly JsonValidator[];
	readonly median_time: JsonTime;
	readonly error: string | null;
}

export function checkMedianTime(each: MedianTimeCase): void {
	const validators = ValidatorSet.fromExisting(each.validators.map(validatorOf));
	const outcome = sameError("error", each.error, () => medianTime(commitOf(each.commit), validators));
	if (outcome.accepted) same("median_time", outcome.value, timeOf(each.median_time));
}

export interface PartSetCase {
	readonly data_seed: string;
	readonly data_len: number;
	readonly data_sha256: string;
	readonly part_size: number;
	readonly total: number;
	readonly hash: string;
	readonly parts: readonly {
		readonly index: number;
		readonly len: number;
		readonly bytes_sha256: string;
		readonly proof: JsonProof;
	}[];
}

/** SHA-256 of the seed and a counter (four bytes, the highest first), joined and cut. */
function dataOf(seed: Uint8Array, length: number): Uint8Array {
	const data = new Uint8Array(Math.ceil(length / 32) * 32);
	const input = new Uint8Array(seed.length + 4);
	input.set(seed);
	const counter = new DataView(input.buffer, seed.length);
	for (let i = 0; i * 32 < length; i++) {
		counter.setUint32(0, i);
		data.set(sha256(input), i * 32);
	}
	return data.subarray(0, length);
}

export function checkPartSet(each: PartSetCase): void {
	const data = dataOf(hex(each.data_seed), each.data_len);
	sameBytes("data_sha256", sha256(data), each.data_sha256);
	const set = PartSet.fromBytes(data, each.part_size);
	same("header", set.header, { total: each.total, hash: hex(each.hash) });
	const ours = Array.from({ length: set.total }, (_, index) => {
		const part = set.getPart(index);
		return {
			index: part?.index,
			len: part?.bytes.length,
			bytes: sha256(part?.bytes ?? EMPTY_BYTES),
			proof: part?.proof,
		};
	});
	const theirs = each.parts.map(({ index, len, bytes_sha256: bytes, proof }) => ({
		index,
		len,
		bytes: hex(bytes),
		proof: proofOf(proof),
	}));
	same("parts", ours, theirs);
	const collected = PartSet.fromHeader(set.header);
	for (let index = set.total - 1; index >= 0; index--) {
		const part = set.getPart(index);
		if (part !== null) same(`part ${index} is taken`, collected.addPart(part), true);
	}
	sameBytes("data collected again", sha256(collected.bytes()), each.data_sha256);
}

export interface ValidatorSetCase {
	readonly n: number;
	readonly validators: readonly JsonValidator[];
	readonly leaves: readonly string[];
	readonly hash: string;
	readonly proto: string;
	readonly total_voting_power: string;
	readonly proposer_address?: string;
}

export function checkValidatorSet(each: ValidatorSetCase): void {
	const listed = each.validators.map(validatorOf);
	const set = ValidatorSet.create(listed);
	same("validators", set.validators, listed);
	sameInteger("n", set.size, each.n);
	same("leaves", set.validators.map(validatorLeaf), each.leaves.map(hex));
	sameBytes("hash", set.hash(), each.hash);
	sameBytes("proto", encodeValidatorSet(set), each.proto);
	sameInteger("total_voting_power", set.totalPower, each.total_voting_power);
	if (set.size === 0) return;
	sameBytes("proposer_address", set.proposer?.address ?? EMPTY_BYTES, each.proposer_address);
	sameBytes("decoded and encoded again", encodeValidatorSet(decodeValidatorSet(hex(each.proto))), each.proto);
}
