import type { Checker } from "../checker.ts";
import {
	type BlockCase,
	type CommitCase,
	checkBlock,
	checkCommit,
	checkConsensusParams,
	checkEvidenceList,
	checkHeader,
	checkMedianTime,
	checkPartSet,
	checkValidatorSet,
	type EvidenceListCase,
	type HeaderCase,
	type MedianTimeCase,
	type ParamsCase,
	type PartSetCase,
	type ValidatorSetCase,
} from "./hashes-of-blocks.ts";
import {
	checkData,
	checkMerkle,
	checkMerkleProof,
	checkResults,
	checkTxProof,
	type DataCase,
	type MerkleCase,
	type MerkleProofCase,
	type ResultsCase,
	type TxProofCase,
} from "./hashes-of-lists.ts";

interface Hashes {
	readonly blocks: readonly BlockCase[];
	readonly commits: readonly CommitCase[];
	readonly consensus_params: readonly ParamsCase[];
	readonly data: readonly DataCase[];
	readonly evidence_lists: readonly EvidenceListCase[];
	readonly headers: readonly HeaderCase[];
	readonly last_results: readonly ResultsCase[];
	readonly median_time: readonly MedianTimeCase[];
	readonly merkle: readonly MerkleCase[];
	readonly merkle_verify: readonly MerkleProofCase[];
	readonly part_sets: readonly PartSetCase[];
	readonly tx_proofs: readonly TxProofCase[];
	readonly validator_sets: readonly ValidatorSetCase[];
}

export const checkHashes: Checker = async (file, tally) => {
	const hashes = file.content as Hashes;
	await tally.checkEach("blocks", hashes.blocks, checkBlock);
	await tally.checkEach("commits", hashes.commits, checkCommit);
	await tally.checkEach("consensus_params", hashes.consensus_params, checkConsensusParams);
	await tally.checkEach("data", hashes.data, checkData);
	await tally.checkEach("evidence_lists", hashes.evidence_lists, checkEvidenceList);
	await tally.checkEach("headers", hashes.headers, checkHeader);
	await tally.checkEach("last_results", hashes.last_results, checkResults);
	await tally.checkEach("median_time", hashes.median_time, checkMedianTime);
	await tally.checkEach("merkle", hashes.merkle, checkMerkle);
	await tally.checkEach("merkle_verify", hashes.merkle_verify, checkMerkleProof);
	await tally.checkEach("part_sets", hashes.part_sets, checkPartSet);
	await tally.checkEach("tx_proofs", hashes.tx_proofs, checkTxProof);
	await tally.checkEach("validator_sets", hashes.validator_sets, checkValidatorSet);
};
