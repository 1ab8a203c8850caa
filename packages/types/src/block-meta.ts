import { bytesEqual, ValidationError } from "@cairn/kit";
import { blockHash, blockSize } from "./block.ts";
import { blockIdFromProto, validateBlockId } from "./block-id.ts";
import { headerFromProto, headerHash, headerToProto } from "./header.ts";
import { safeInteger } from "./integer.ts";
import { BLOCK_PROTOCOL } from "./limits.ts";
import type { Block, BlockId, Header } from "./model.ts";
import type { PartSet } from "./part-set.ts";
import { types as pb } from "./proto/index.ts";

/** What the block store keeps of a block beside its parts. */
export interface BlockMeta {
	readonly blockId: BlockId;
	/** Bytes of the encoded block. */
	readonly blockSize: number;
	readonly header: Header;
	readonly txCount: number;
}

export function newBlockMeta(block: Block, parts: PartSet): BlockMeta {
	return {
		blockId: { hash: blockHash(block), partSetHeader: parts.header },
		blockSize: blockSize(block),
		header: block.header,
		txCount: block.txs.length,
	};
}

export function blockMetaToProto({ blockId, blockSize: size, header, txCount }: BlockMeta): pb.BlockMeta {
	return { blockId, blockSize: BigInt(size), header: headerToProto(header), numTxs: BigInt(txCount) };
}

/** Reads our own record, without computing the header's hash. @throws DecodeError, ValidationError */
export function blockMetaFromTrustedProto(proto: pb.BlockMeta, blockProtocol: bigint = BLOCK_PROTOCOL): BlockMeta {
	return {
		blockId: blockIdFromProto(proto.blockId),
		blockSize: safeInteger(proto.blockSize, "size of a block"),
		header: headerFromProto(proto.header, blockProtocol),
		txCount: safeInteger(proto.numTxs, "number of transactions"),
	};
}

/** Checks as `validateBlockMeta`. @throws DecodeError, ValidationError */
export function blockMetaFromProto(proto: pb.BlockMeta, blockProtocol: bigint = BLOCK_PROTOCOL): BlockMeta {
	const meta = blockMetaFromTrustedProto(proto, blockProtocol);
	validateBlockMeta(meta);
	return meta;
}

export function encodeBlockMeta(meta: BlockMeta): Uint8Array {
	return pb.BlockMeta.encode(blockMetaToProto(meta));
}

/** @throws DecodeError, ValidationError */
export function decodeBlockMeta(bytes: Uint8Array, blockProtocol: bigint = BLOCK_PROTOCOL): BlockMeta {
	return blockMetaFromProto(pb.BlockMeta.decode(bytes), blockProtocol);
}

/** The block id must be well-formed and name the header. @throws ValidationError */
export function validateBlockMeta({ blockId, header }: BlockMeta): void {
	validateBlockId(blockId);
	if (!bytesEqual(blockId.hash, headerHash(header))) throw new ValidationError("block meta: hash of another header");
}
