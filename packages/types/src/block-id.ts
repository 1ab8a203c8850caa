import { bytesEqual, compareBytes, concatBytes, EMPTY_BYTES, InvariantError, ValidationError } from "@cairn/kit";
import { latin1 } from "./latin1.ts";
import { HASH_SIZE } from "./limits.ts";
import type { BlockId, PartSetHeader } from "./model.ts";
import { encodeUvarint, types as pb } from "./proto/index.ts";

/** Stands for "no block": what a vote for nil names. */
export const NIL_BLOCK_ID: BlockId = Object.freeze({
	hash: EMPTY_BYTES,
	partSetHeader: Object.freeze({ total: 0, hash: EMPTY_BYTES }),
});

declare const blockKey: unique symbol;
/** A text that stands for one block id, for maps and sets: equal ids have equal keys, different ids different ones. */
export type BlockKey = string & { readonly [blockKey]: true };

/** Key of the nil block id. */
export const NIL_BLOCK_KEY: BlockKey = "" as BlockKey;

export function isNilBlockId({ hash, partSetHeader }: BlockId): boolean {
	return hash.length === 0 && partSetHeader.total === 0 && partSetHeader.hash.length === 0;
}

/** True for the id of a block that exists: both hashes and at least one part. */
export function isCompleteBlockId({ hash, partSetHeader }: BlockId): boolean {
	return hash.length === HASH_SIZE && partSetHeader.total > 0 && partSetHeader.hash.length === HASH_SIZE;
}

export function partSetHeadersEqual(a: PartSetHeader, b: PartSetHeader): boolean {
	return a.total === b.total && bytesEqual(a.hash, b.hash);
}

export function blockIdsEqual(a: BlockId, b: BlockId): boolean {
	return a === b || (bytesEqual(a.hash, b.hash) && partSetHeadersEqual(a.partSetHeader, b.partSetHeader));
}

/** Number of parts, length of the hash, then both hashes byte by character: short to make, and nothing is lost. */
export function blockIdKey(id: BlockId): BlockKey {
	if (isNilBlockId(id)) return NIL_BLOCK_KEY;
	const { hash, partSetHeader } = id;
	return `${partSetHeader.total}/${hash.length}/${latin1(hash)}${latin1(partSetHeader.hash)}` as BlockKey;
}

/** The id that the key was made of. */
export function blockIdFromKey(key: BlockKey): BlockId {
	if (key === NIL_BLOCK_KEY) return NIL_BLOCK_ID;
	const match = /^(\d+)\/(\d+)\//.exec(key);
	if (match === null) throw new InvariantError("not the key of a block id");
	const start = match[0].length;
	const bytes = Uint8Array.from(key.slice(start), (character) => character.charCodeAt(0));
	const hashLength = Number(match[2]);
	return {
		hash: bytes.slice(0, hashLength),
		partSetHeader: { total: Number(match[1]), hash: bytes.slice(hashLength) },
	};
}

/**
 * The order in which evidence holds two votes: Go compares the hash followed by the encoded part set header
 * (`BlockID.Key`). Negative, zero or positive.
 */
export function compareBlockIds(a: BlockId, b: BlockId): number {
	return compareBytes(orderBytes(a), orderBytes(b));
}

function orderBytes({ hash, partSetHeader: { total, hash: partsHash } }: BlockId): Uint8Array {
	return concatBytes(
		hash,
		total === 0 ? EMPTY_BYTES : concatBytes(Uint8Array.of(0x08), encodeUvarint(total)),
		partsHash.length === 0 ? EMPTY_BYTES : concatBytes(Uint8Array.of(0x12), encodeUvarint(partsHash.length), partsHash),
	);
}

/** @throws ValidationError unless the hash is empty or has 32 bytes */
export function validateHash(hash: Uint8Array, what: string): void {
	if (hash.length > 0 && hash.length !== HASH_SIZE) {
		throw new ValidationError(`wrong ${what}: expected ${HASH_SIZE} bytes, got ${hash.length}`);
	}
}

/** @throws ValidationError */
export function validatePartSetHeader(header: PartSetHeader): void {
	validateHash(header.hash, "part set header hash");
}

/** Structure only: the nil id and incomplete ids pass. @throws ValidationError */
export function validateBlockId(id: BlockId): void {
	validateHash(id.hash, "block hash");
	validatePartSetHeader(id.partSetHeader);
}

/** The wire form has the same shape. */
export function blockIdToProto(id: BlockId): pb.BlockID {
	return id;
}

/** @throws ValidationError */
export function blockIdFromProto(proto: pb.BlockID): BlockId {
	validateBlockId(proto);
	return proto;
}

export function partSetHeaderToProto(header: PartSetHeader): pb.PartSetHeader {
	return header;
}

/** @throws ValidationError */
export function partSetHeaderFromProto(proto: pb.PartSetHeader): PartSetHeader {
	validatePartSetHeader(proto);
	return proto;
}

export function encodeBlockId(id: BlockId): Uint8Array {
	return pb.BlockID.encode(id);
}

/** The result keeps views of `bytes`. @throws DecodeError, ValidationError */
export function decodeBlockId(bytes: Uint8Array): BlockId {
	return blockIdFromProto(pb.BlockID.decode(bytes));
}
