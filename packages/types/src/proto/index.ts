/** Protobuf messages of CometBFT v0.40.0: types and codecs, one module per package, and what works on any of them. */
export type { Codec } from "./codec.ts";
export type { EnumDescriptor, FieldDescriptor, MessageDescriptor } from "./descriptor.ts";
export * as abci from "./generated/abci.ts";
export * as blocksync from "./generated/blocksync.ts";
export * as consensus from "./generated/consensus.ts";
export * as crypto from "./generated/crypto.ts";
export { ENUMS, MESSAGES } from "./generated/descriptors.ts";
export * as google from "./generated/google.ts";
export * as bits from "./generated/libs-bits.ts";
export * as mempool from "./generated/mempool.ts";
export * as p2p from "./generated/p2p.ts";
export * as privval from "./generated/privval.ts";
export * as rpcGrpc from "./generated/rpc-grpc.ts";
export * as state from "./generated/state.ts";
export * as statesync from "./generated/statesync.ts";
export * as store from "./generated/store.ts";
export * as types from "./generated/types.ts";
export * as version from "./generated/version.ts";
export { codecByName, fromProtoJson, type Json, toProtoJson } from "./json.ts";
export { Reader } from "./reader.ts";
export {
	type DurationNs,
	MAX_INT64,
	MAX_UINT64,
	MIN_INT64,
	NANOS_PER_SECOND_BIG,
	NO_BYTES,
	type TimeNs,
	ZERO_TIME,
} from "./scalars.ts";
export { textOfBytes, textToBytes } from "./text.ts";
export * from "./wire.ts";
export { Writer } from "./writer.ts";
