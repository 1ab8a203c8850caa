import type {
	Block,
	BlockId,
	BlockMeta,
	Commit,
	CommitSig,
	ConsensusVersion,
	Header,
	PartSetHeader,
	SignedHeader,
} from "@cairn/types";
import { jsonEvidence } from "./evidence.ts";
import {
	type Json,
	jsonBase64,
	jsonBytes,
	jsonHex,
	jsonInt64,
	jsonList,
	jsonObject,
	jsonOrNull,
	jsonString,
	jsonTime,
} from "./text.ts";

export function jsonPartSetHeader({ total, hash }: PartSetHeader): Json {
	return `{"total":${total},"hash":${jsonHex(hash)}}`;
}

export function jsonBlockId({ hash, partSetHeader }: BlockId): Json {
	return `{"hash":${jsonHex(hash)},"parts":${jsonPartSetHeader(partSetHeader)}}`;
}

export function jsonHeader(header: Header): Json {
	return (
		`{"version":${jsonVersion(header.version)},` +
		`"chain_id":${jsonString(header.chainId)},"height":${jsonInt64(header.height)},"time":${jsonTime(header.time)},` +
		`"last_block_id":${jsonBlockId(header.lastBlockId)},"last_commit_hash":${jsonHex(header.lastCommitHash)},` +
		`"data_hash":${jsonHex(header.dataHash)},"validators_hash":${jsonHex(header.validatorsHash)},` +
		`"next_validators_hash":${jsonHex(header.nextValidatorsHash)},"consensus_hash":${jsonHex(header.consensusHash)},` +
		`"app_hash":${jsonHex(header.appHash)},"last_results_hash":${jsonHex(header.lastResultsHash)},` +
		`"evidence_hash":${jsonHex(header.evidenceHash)},"proposer_address":${jsonHex(header.proposerAddress)}}`
	);
}

/** Comes from protobuf in Go: what is zero is left out. */
function jsonVersion({ block, app }: ConsensusVersion): Json {
	return jsonObject({
		block: block === 0n ? undefined : jsonInt64(block),
		app: app === 0n ? undefined : jsonInt64(app),
	});
}

export function jsonCommit({ height, round, blockId, signatures }: Commit): Json {
	return (
		`{"height":${jsonInt64(height)},"round":${round},"block_id":${jsonBlockId(blockId)},` +
		`"signatures":${jsonList(signatures, jsonCommitSig)}}`
	);
}

function jsonCommitSig({ blockIdFlag, validatorAddress, timestamp, signature }: CommitSig): Json {
	return (
		`{"block_id_flag":${blockIdFlag},"validator_address":${jsonHex(validatorAddress)},` +
		`"timestamp":${jsonTime(timestamp)},"signature":${jsonBytes(signature)}}`
	);
}

export function jsonSignedHeader(header: Header, commit: Commit | null): Json {
	return `{"header":${jsonHeader(header)},"commit":${jsonOrNull(commit, jsonCommit)}}`;
}

export function jsonSignedHeaderOf({ header, commit }: SignedHeader): Json {
	return jsonSignedHeader(header, commit);
}

export function jsonBlock({ header, txs, evidence, lastCommit }: Block): Json {
	return (
		`{"header":${jsonHeader(header)},"data":{"txs":${jsonList(txs, jsonBase64)}},` +
		`"evidence":{"evidence":${jsonList(evidence, jsonEvidence)}},` +
		`"last_commit":${jsonOrNull(lastCommit, jsonCommit)}}`
	);
}

export function jsonBlockMeta({ blockId, blockSize, header, txCount }: BlockMeta): Json {
	return (
		`{"block_id":${jsonBlockId(blockId)},"block_size":${jsonInt64(blockSize)},` +
		`"header":${jsonHeader(header)},"num_txs":${jsonInt64(txCount)}}`
	);
}
