import { bytesEqual, EMPTY_BYTES, ValidationError } from "@cairn/kit";
import { commitFromProto, commitHash, commitToProto, validateCommit } from "./commit.ts";
import { evidenceFromProto, evidenceListHash, evidenceToProto, validateEvidence } from "./evidence.ts";
import { headerFromProto, headerHash, headerToProto, validateHeader } from "./header.ts";
import { BLOCK_PROTOCOL } from "./limits.ts";
import type { Block, Commit, Evidence, Header } from "./model.ts";
import { PartSet } from "./part-set.ts";
import { types as pb } from "./proto/index.ts";
import { txsHash } from "./tx.ts";

/** What the maker of a block decides about its header; the hashes of the contents are filled in. */
export type HeaderDraft = Omit<Header, "lastCommitHash" | "dataHash" | "evidenceHash">;

/** A block whose header names its contents. */
export function newBlock(
	draft: HeaderDraft,
	txs: readonly Uint8Array[],
	lastCommit: Commit,
	evidence: readonly Evidence[],
): Block {
	const header: Header = {
		...draft,
		lastCommitHash: commitHash(lastCommit),
		dataHash: txsHash(txs),
		evidenceHash: evidenceListHash(evidence),
	};
	return { header, txs, evidence, lastCommit };
}

/** Hash of the header, computed once; empty for a block without last commit. */
export function blockHash(block: Block): Uint8Array {
	return block.lastCommit === null ? EMPTY_BYTES : headerHash(block.header);
}

/** False for an empty hash. */
export function blockHashesTo(block: Block, hash: Uint8Array): boolean {
	return hash.length > 0 && bytesEqual(blockHash(block), hash);
}

/** The block cut into the parts that it travels in. */
export function blockToPartSet(block: Block): PartSet {
	return PartSet.fromBytes(encodeBlock(block));
}

const sizes = new WeakMap<Block, number>();

/** Bytes of the encoded block. */
export function blockSize(block: Block): number {
	return sizes.get(block) ?? encodeBlock(block).length;
}

const evidenceSizes = new WeakMap<readonly Evidence[], number>();

/** Bytes that evidence takes in a block, which `evidence.max_bytes` bounds: as received, if it was. */
export function evidenceListSize(list: readonly Evidence[]): number {
	if (list.length === 0) return 0;
	let size = evidenceSizes.get(list);
	if (size === undefined) {
		size = pb.EvidenceList.encode({ evidence: list.map(evidenceToProto) }).length;
		evidenceSizes.set(list, size);
	}
	return size;
}

export function blockToProto({ header, txs, evidence, lastCommit }: Block): pb.Block {
	return {
		header: headerToProto(header),
		data: { txs },
		evidence: { evidence: evidence.map(evidenceToProto) },
		lastCommit: lastCommit === null ? null : commitToProto(lastCommit),
	};
}

/**
 * Checks as `validateBlock`. Transactions and hashes are views of the bytes decoded.
 * @throws DecodeError, ValidationError
 * @param blockProtocol number of the chain's block protocol
 */
export function blockFromProto(proto: pb.Block, blockProtocol: bigint = BLOCK_PROTOCOL): Block {
	const block: Block = {
		header: headerFromProto(proto.header, blockProtocol),
		txs: proto.data.txs,
		evidence: proto.evidence.evidence.map((each) => evidenceFromProto(each, blockProtocol)),
		lastCommit: proto.lastCommit === null ? null : commitFromProto(proto.lastCommit),
	};
	// Go measures what it decoded; encoded anew, evidence can be shorter by what the domain type does not hold.
	if (block.evidence.length > 0) evidenceSizes.set(block.evidence, pb.EvidenceList.encode(proto.evidence).length);
	validateBlock(block, blockProtocol);
	return block;
}

export function encodeBlock(block: Block): Uint8Array {
	const bytes = pb.Block.encode(blockToProto(block));
	sizes.set(block, bytes.length);
	return bytes;
}

/** @throws DecodeError, ValidationError */
export function decodeBlock(bytes: Uint8Array, blockProtocol: bigint = BLOCK_PROTOCOL): Block {
	return blockFromProto(pb.Block.decode(bytes), blockProtocol);
}

/** Structure, bounds, and that the header names the contents (`Block.ValidateBasic`). @throws ValidationError */
export function validateBlock(block: Block, blockProtocol: bigint = BLOCK_PROTOCOL): void {
	const { header, txs, evidence, lastCommit } = block;
	validateHeader(header, blockProtocol);
	if (lastCommit === null) throw new ValidationError("block without last commit");
	validateCommit(lastCommit);
	if (!bytesEqual(header.lastCommitHash, commitHash(lastCommit))) {
		throw new ValidationError("block: wrong last commit hash");
	}
	if (!bytesEqual(header.dataHash, txsHash(txs))) throw new ValidationError("block: wrong data hash");
	for (const each of evidence) validateEvidence(each, blockProtocol);
	if (!bytesEqual(header.evidenceHash, evidenceListHash(evidence))) {
		throw new ValidationError("block: wrong evidence hash");
	}
}
