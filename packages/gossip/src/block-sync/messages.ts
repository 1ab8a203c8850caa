import { ValidationError } from "@cairn/kit";
import {
	type Block,
	decodeBlock,
	decodeExtendedCommit,
	type ExtendedCommit,
	encodeExtendedCommit,
	type Height,
	MAX_BLOCK_SIZE_BYTES,
	MAX_VOTES_COUNT,
	safeInteger,
} from "@cairn/types";
import { blocksync as pb, Reader, uvarintLength, writeUvarint } from "@cairn/types/proto";

export const BLOCK_SYNC_CHANNEL = 0x40;
/** The largest block, and what the message adds (blocksync/msgs.go). */
export const MAX_BLOCK_SYNC_MESSAGE: number = MAX_BLOCK_SIZE_BYTES + 5;

/** A block as a peer sent it: its bytes are known to be well-formed protobuf of bounded lists, no more. */
export interface RawBlockResponse {
	readonly kind: "blockResponse";
	/** Null if the message holds none. */
	readonly block: Uint8Array | null;
	readonly extendedCommit: Uint8Array | null;
}

export type BlockSyncMessage =
	| { readonly kind: "blockRequest"; readonly height: Height }
	| { readonly kind: "noBlockResponse"; readonly height: Height }
	| RawBlockResponse
	| { readonly kind: "statusRequest" }
	| { readonly kind: "statusResponse"; readonly base: Height; readonly height: Height };

const TAG_BLOCK_RESPONSE = 26;
const TAG_BLOCK = 10;
const TAG_EXTENDED_COMMIT = 18;
/** `Block.last_commit`, and the signatures in a commit or an extended commit. */
const TAG_LAST_COMMIT = 34;
const TAG_SIGNATURES = 34;

/**
 * Reads a message of block sync. A block is not decoded yet: only its signatures are counted, since a small message can claim
 * very many of them (#5959). @throws DecodeError, ValidationError
 */
export function decodeBlockSyncMessage(bytes: Uint8Array): BlockSyncMessage {
	if (bytes[0] === TAG_BLOCK_RESPONSE) return readBlockResponse(bytes);
	const { sum } = pb.Message.decode(bytes);
	if (sum === null) throw new ValidationError("block sync message of no known kind");
	switch (sum.kind) {
		case "blockRequest":
		case "noBlockResponse":
			return { kind: sum.kind, height: heightOf(sum.value.height) };
		case "statusRequest":
			return { kind: "statusRequest" };
		case "statusResponse": {
			const base = heightOf(sum.value.base);
			const height = heightOf(sum.value.height);
			if (base > height) throw new ValidationError("a lowest block above the highest", { base, height });
			return { kind: "statusResponse", base, height };
		}
		case "blockResponse":
			throw new ValidationError("a block sync message of more than one part");
	}
}

function heightOf(height: bigint): Height {
	if (height < 0n) throw new ValidationError("negative height");
	return safeInteger(height, "height");
}

function readBlockResponse(bytes: Uint8Array): RawBlockResponse {
	const reader = new Reader(bytes);
	reader.tag();
	const end = reader.lengthEnd(bytes.length);
	if (end !== bytes.length) throw new ValidationError("a block sync message of more than one part");
	let block: Uint8Array | null = null;
	let extendedCommit: Uint8Array | null = null;
	while (reader.pos < end) {
		const tag = reader.tag();
		if (tag === TAG_BLOCK && block === null) {
			block = reader.view(end);
		} else if (tag === TAG_EXTENDED_COMMIT && extendedCommit === null) {
			extendedCommit = reader.view(end);
		} else {
			reader.unknown(tag, end, 0b110);
		}
	}
	if (block !== null) checkLastCommit(block);
	if (extendedCommit !== null) checkSignatures(new Reader(extendedCommit), extendedCommit.length);
	return { kind: "blockResponse", block, extendedCommit };
}

function checkLastCommit(block: Uint8Array): void {
	const reader = new Reader(block);
	while (reader.pos < block.length) {
		const tag = reader.tag();
		if (tag === TAG_LAST_COMMIT) checkSignatures(reader, reader.lengthEnd(block.length));
		else reader.unknown(tag, block.length, 0);
	}
}

function checkSignatures(reader: Reader, end: number): void {
	let count = 0;
	while (reader.pos < end) {
		const tag = reader.tag();
		if (tag === TAG_SIGNATURES && ++count > MAX_VOTES_COUNT) throw new ValidationError("too many signatures");
		reader.unknown(tag, end, 0);
	}
}

/** A block and what came with it, decoded and checked on its own; `bytes` is what its part set is made of. */
export interface ReceivedBlock {
	readonly block: Block;
	readonly bytes: Uint8Array;
	readonly extendedCommit: ExtendedCommit | null;
}

/** @throws DecodeError, ValidationError */
export function decodeReceivedBlock(response: RawBlockResponse, blockProtocol: bigint): ReceivedBlock {
	const { block: bytes, extendedCommit } = response;
	if (bytes === null) throw new ValidationError("an answer without a block");
	const block = decodeBlock(bytes, blockProtocol);
	const extended = extendedCommit === null ? null : decodeExtendedCommit(extendedCommit);
	if (extended !== null && extended.height !== block.header.height) {
		throw new ValidationError("block and extended commit of different heights", {
			block: block.header.height,
			commit: extended.height,
		});
	}
	return { block, bytes, extendedCommit: extended };
}

/** The message that answers a request, made of the block's stored bytes. */
export function encodeBlockResponse(block: Uint8Array, extendedCommit: ExtendedCommit | null): Uint8Array {
	const extended = extendedCommit === null ? null : encodeExtendedCommit(extendedCommit);
	const inner = fieldLength(block) + (extended === null ? 0 : fieldLength(extended));
	const message = new Uint8Array(1 + uvarintLength(inner) + inner);
	message[0] = TAG_BLOCK_RESPONSE;
	let at = writeUvarint(message, 1, inner);
	at = writeField(message, at, TAG_BLOCK, block);
	if (extended !== null) writeField(message, at, TAG_EXTENDED_COMMIT, extended);
	return message;
}

function fieldLength(bytes: Uint8Array): number {
	return 1 + uvarintLength(bytes.length) + bytes.length;
}

function writeField(target: Uint8Array, offset: number, tag: number, bytes: Uint8Array): number {
	target[offset] = tag;
	const at = writeUvarint(target, offset + 1, bytes.length);
	target.set(bytes, at);
	return at + bytes.length;
}

export function encodeBlockSyncMessage(message: Exclude<BlockSyncMessage, RawBlockResponse>): Uint8Array {
	return pb.Message.encode({ sum: toProto(message) });
}

function toProto(message: Exclude<BlockSyncMessage, RawBlockResponse>): pb.Message["sum"] {
	switch (message.kind) {
		case "blockRequest":
		case "noBlockResponse":
			return { kind: message.kind, value: { height: BigInt(message.height) } };
		case "statusRequest":
			return { kind: "statusRequest", value: {} };
		case "statusResponse":
			return {
				kind: "statusResponse",
				value: { base: BigInt(message.base), height: BigInt(message.height) },
			};
	}
}

const NAMES: readonly (string | undefined)[] = [
	undefined,
	"blocksync_BlockRequest",
	"blocksync_NoBlockResponse",
	"blocksync_BlockResponse",
	"blocksync_StatusRequest",
	"blocksync_StatusResponse",
];

/** What an encoded message is, by CometBFT's name in p2p metrics. */
export function nameOfBlockSyncMessage(bytes: Uint8Array): string {
	return NAMES[(bytes[0] ?? 0) >> 3] ?? "blocksync_Message";
}
