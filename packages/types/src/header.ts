import { merkleRoot } from "@cairn/crypto";
import { EMPTY_BYTES, ValidationError } from "@cairn/kit";
import { blockIdFromProto, validateBlockId, validateHash } from "./block-id.ts";
import { safeInteger } from "./integer.ts";
import { ADDRESS_SIZE, BLOCK_PROTOCOL, MAX_CHAIN_ID_LENGTH } from "./limits.ts";
import type { Header } from "./model.ts";
import { google, types as pb, textToBytes, version as versionPb } from "./proto/index.ts";
import { splitTime } from "./time.ts";

const hashes = new WeakMap<Header, Uint8Array>();

/**
 * The block hash: Merkle root over the fields. Empty for a header without `validatorsHash`, which is not complete
 * yet.
 */
export function headerHash(header: Header): Uint8Array {
	let hash = hashes.get(header);
	if (hash === undefined) {
		hash = header.validatorsHash.length === 0 ? EMPTY_BYTES : merkleRoot(headerLeaves(header, BigInt(header.height)));
		hashes.set(header, hash);
	}
	return hash;
}

/** What the header hash is made of, in order; empty fields are empty leaves (`types/encoding_helper.go`). */
export function headerLeaves(header: Header, height: bigint): Uint8Array[] {
	const { seconds, nanos } = splitTime(header.time);
	return [
		versionPb.Consensus.encode(header.version),
		google.StringValue.encode({ value: header.chainId }),
		google.Int64Value.encode({ value: height }),
		google.Timestamp.encode({ seconds: BigInt(seconds), nanos }),
		pb.BlockID.encode(header.lastBlockId),
		bytesLeaf(header.lastCommitHash),
		bytesLeaf(header.dataHash),
		bytesLeaf(header.validatorsHash),
		bytesLeaf(header.nextValidatorsHash),
		bytesLeaf(header.consensusHash),
		bytesLeaf(header.appHash),
		bytesLeaf(header.lastResultsHash),
		bytesLeaf(header.evidenceHash),
		bytesLeaf(header.proposerAddress),
	];
}

function bytesLeaf(value: Uint8Array): Uint8Array {
	return google.BytesValue.encode({ value });
}

export function headerToProto(header: Header): pb.Header {
	return { ...header, height: BigInt(header.height) };
}

/**
 * Checks as `validateHeader`. The result keeps views of the bytes decoded. @throws DecodeError, ValidationError
 * @param blockProtocol number of the chain's block protocol
 */
export function headerFromProto(proto: pb.Header, blockProtocol: bigint = BLOCK_PROTOCOL): Header {
	blockIdFromProto(proto.lastBlockId);
	const header: Header = { ...proto, height: safeInteger(proto.height, "height of a header") };
	validateHeader(header, blockProtocol);
	return header;
}

export function encodeHeader(header: Header): Uint8Array {
	return pb.Header.encode(headerToProto(header));
}

/** @throws DecodeError, ValidationError */
export function decodeHeader(bytes: Uint8Array, blockProtocol: bigint = BLOCK_PROTOCOL): Header {
	return headerFromProto(pb.Header.decode(bytes), blockProtocol);
}

/** Structure and bounds (`Header.ValidateBasic`). @throws ValidationError */
export function validateHeader(header: Header, blockProtocol: bigint = BLOCK_PROTOCOL): void {
	if (header.version.block !== blockProtocol) {
		throw new ValidationError(`header: block protocol is ${header.version.block}, want ${blockProtocol}`);
	}
	if (textToBytes(header.chainId).length > MAX_CHAIN_ID_LENGTH)
		throw new ValidationError("header: chain id is too long");
	if (header.height <= 0) throw new ValidationError("header: negative or zero height");
	validateBlockId(header.lastBlockId);
	validateHash(header.lastCommitHash, "last commit hash");
	validateHash(header.dataHash, "data hash");
	validateHash(header.evidenceHash, "evidence hash");
	if (header.proposerAddress.length !== ADDRESS_SIZE) {
		throw new ValidationError(`header: proposer address of ${header.proposerAddress.length} bytes`);
	}
	validateHash(header.validatorsHash, "validators hash");
	validateHash(header.nextValidatorsHash, "next validators hash");
	validateHash(header.consensusHash, "consensus hash");
	validateHash(header.lastResultsHash, "last results hash");
}
