import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { merkleRoot } from "@cairn/crypto";
import { fromHex, toHex } from "@cairn/kit";
import { headerLeaves } from "./header.ts";
import {
	blockHash,
	blockToPartSet,
	commitHash,
	consensusParamsHash,
	decodeBlock,
	decodeCommit,
	decodeConsensusParams,
	decodeValidatorSet,
	encodeBlock,
	encodeCommit,
	encodeConsensusParams,
	encodeHeader,
	encodeValidatorSet,
	evidenceBytes,
	evidenceFromProto,
	evidenceHash,
	evidenceListHash,
	evidenceListSize,
	headerHash,
	lastResultsHash,
	medianTime,
	PartSet,
	partFromProto,
	partToProto,
	txHash,
	txProof,
	txProofFromProto,
	txProofToProto,
	txsHash,
	txsSize,
	ValidatorSet,
	validateConsensusParams,
	validateTxProof,
	validatorLeaf,
} from "./index.ts";
import { types as pb } from "./proto/index.ts";
import { deterministicResultBytes } from "./results.ts";
import { commitOf, errorOf, headerOf, loadVector, timeOf, validatorOf } from "./support.test.ts";

const vectors = loadVector("hashes.json");

test("header hashes and encodings are Go's", () => {
	assert.ok(vectors.headers.length >= 70);
	for (const { name, header: fields, header_proto: proto, hash } of vectors.headers) {
		const header = headerOf(fields);
		if (Number.isSafeInteger(header.height)) {
			assert.equal(toHex(encodeHeader(header)), proto, name);
			assert.equal(toHex(headerHash(header)), hash, name);
			assert.equal(headerHash(header), headerHash(header), "computed once");
		}
		if (hash !== "") assert.equal(toHex(merkleRoot(headerLeaves(header, BigInt(fields.height)))), hash, name);
	}
});

test("validator set hashes, leaves and encodings are Go's", () => {
	for (const vector of vectors.validator_sets) {
		const validators = vector.validators.map(validatorOf);
		const set = ValidatorSet.create(validators);
		assert.equal(toHex(set.hash()), vector.hash);
		assert.deepEqual(
			set.validators.map((each) => toHex(validatorLeaf(each))),
			vector.leaves,
		);
		assert.equal(String(set.totalPower), vector.total_voting_power);
		if (vector.n === 0) continue;
		const decoded = decodeValidatorSet(fromHex(vector.proto));
		assert.deepEqual(decoded.validators, validators);
		assert.equal(toHex(decoded.hash()), vector.hash);
		assert.equal(toHex(encodeValidatorSet(decoded)), vector.proto);
	}
});

test("hashes, encodings and bounds of consensus parameters are Go's", () => {
	for (const vector of vectors.consensus_params) {
		const params = decodeConsensusParams(fromHex(vector.proto));
		assert.equal(toHex(encodeConsensusParams(params)), vector.proto);
		assert.equal(toHex(consensusParamsHash(params)), vector.hash);
		assert.equal(errorOf(() => validateConsensusParams(params)) === null, vector.validate_basic_error === null);
	}
});

test("transaction hashes, their Merkle root and their size are Go's", () => {
	for (const vector of vectors.data) {
		const txs: Uint8Array[] = vector.txs.map(fromHex);
		assert.deepEqual(
			txs.map((tx) => toHex(txHash(tx))),
			vector.tx_hashes,
		);
		assert.equal(toHex(txsHash(txs)), vector.hash);
		assert.equal(String(txsSize(txs)), vector.proto_size_for_txs);
		assert.equal(toHex(pb.Data.encode({ txs })), vector.proto);
	}
});

test("commit hashes and encodings are Go's", () => {
	for (const vector of vectors.commits) {
		const commit = commitOf(vector.commit);
		assert.equal(toHex(encodeCommit(commit)), vector.proto);
		assert.equal(toHex(commitHash(commit)), vector.hash);
		const isEmptyByMistake = commit.height > 0 && commit.signatures.length === 0;
		if (isEmptyByMistake) assert.ok(errorOf(() => decodeCommit(fromHex(vector.proto))));
		else assert.deepEqual(decodeCommit(fromHex(vector.proto)), commit);
	}
});

test("evidence bytes, hashes and list hashes are Go's", () => {
	let pieces = 0;
	for (const vector of vectors.evidence_lists) {
		const { evidence: protos } = pb.EvidenceList.decode(fromHex(vector.evidence_list_proto));
		const list = protos.map((proto) => evidenceFromProto(proto));
		assert.equal(toHex(evidenceListHash(list)), vector.hash);
		assert.equal(String(evidenceListSize(list)), vector.byte_size);
		for (const [i, item] of vector.items.entries()) {
			const evidence = list[i];
			assert.ok(evidence);
			assert.equal(toHex(evidenceBytes(evidence)), item.bytes);
			assert.equal(toHex(evidenceHash(evidence)), item.hash);
			pieces++;
		}
	}
	assert.ok(pieces > 5);
});

test("hashes of results are Go's", () => {
	for (const vector of vectors.last_results) {
		const results = vector.tx_results.map((each: Record<string, string>) => ({
			code: Number(each.code),
			data: fromHex(String(each.data)),
			gasWanted: BigInt(String(each.gas_wanted)),
			gasUsed: BigInt(String(each.gas_used)),
		}));
		assert.deepEqual(results.map(deterministicResultBytes).map(toHex), vector.deterministic_leaves);
		assert.equal(toHex(lastResultsHash(results)), vector.last_results_hash);
	}
});

/** The data of a part set vector: SHA-256 of seed and counter, one after the other. */
function partSetData(seed: string, length: number): Uint8Array {
	const data = new Uint8Array(length);
	for (let i = 0; i * 32 < length; i++) {
		const counter = Uint8Array.of(i >>> 24, (i >>> 16) & 255, (i >>> 8) & 255, i & 255);
		const block = createHash("sha256").update(fromHex(seed)).update(counter).digest();
		data.set(block.subarray(0, Math.min(32, length - i * 32)), i * 32);
	}
	return data;
}

test("part sets are Go's, and can be collected from their parts in any order", () => {
	for (const vector of vectors.part_sets) {
		const data = partSetData(vector.data_seed, vector.data_len);
		const set = PartSet.fromBytes(data, vector.part_size);
		assert.equal(set.total, vector.total);
		assert.equal(toHex(set.header.hash), vector.hash);
		assert.equal(set.byteSize, vector.data_len);
		const collected = PartSet.fromHeader(set.header);
		for (const expected of [...vector.parts].reverse()) {
			const part = set.getPart(expected.index);
			assert.ok(part);
			assert.equal(createHash("sha256").update(part.bytes).digest("hex"), expected.bytes_sha256);
			assert.equal(toHex(part.proof.leafHash), expected.proof.leaf_hash);
			assert.deepEqual(part.proof.aunts.map(toHex), expected.proof.aunts);
			assert.equal(String(part.proof.total), expected.proof.total);
			assert.deepEqual(partFromProto(partToProto(part)), part);
			assert.equal(collected.addPart(part), true);
			assert.equal(collected.addPart(part), false);
		}
		assert.ok(collected.isComplete && collected.bits.isFull());
		assert.deepEqual(collected.bytes(), data);
	}
});

test("block hashes, part set headers and encodings are Go's", () => {
	for (const vector of vectors.blocks) {
		const bytes = fromHex(vector.block_proto);
		const block = decodeBlock(bytes);
		assert.equal(toHex(blockHash(block)), vector.hash);
		assert.equal(toHex(encodeBlock(block)), vector.block_proto);
		const { header } = blockToPartSet(block);
		assert.deepEqual({ total: header.total, hash: toHex(header.hash) }, vector.part_set_header);
		assert.equal(toHex(block.header.dataHash), vector.data_hash);
		assert.equal(toHex(block.header.evidenceHash), vector.evidence_hash);
		assert.equal(toHex(block.header.lastCommitHash), vector.last_commit_hash);
	}
});

test("transaction proofs are Go's and hold for their transaction only", () => {
	for (const vector of vectors.tx_proofs) {
		const txs: Uint8Array[] = vector.txs.map(fromHex);
		const proof = txProof(txs, vector.i);
		assert.equal(toHex(pb.TxProof.encode(txProofToProto(proof))), vector.proto);
		assert.deepEqual(txProofFromProto(pb.TxProof.decode(fromHex(vector.proto))), proof);
		validateTxProof(proof, txsHash(txs));
		assert.ok(errorOf(() => validateTxProof({ ...proof, data: fromHex("00") }, txsHash(txs))));
		assert.ok(errorOf(() => validateTxProof(proof, txHash(proof.data))));
	}
});

test("the time of the next block is the median of the votes for the block, weighted by power", () => {
	for (const vector of vectors.median_time) {
		const validators = ValidatorSet.create(vector.validators.map(validatorOf));
		const commit = commitOf(vector.commit);
		if (vector.error === null) assert.equal(medianTime(commit, validators), timeOf(vector.median_time));
		else assert.ok(errorOf(() => medianTime(commit, validators)));
	}
});
