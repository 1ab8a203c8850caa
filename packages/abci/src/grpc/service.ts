import type { Codec } from "@cairn/types/proto";
import { KINDS, type Kind, METHODS } from "../methods.ts";

/** Path of a method of the service `tendermint.abci.ABCI`. */
export function grpcPath(kind: Kind): string {
	return `/tendermint.abci.ABCI/${METHODS[kind].rpc}`;
}

/** grpc-js wants Buffers; this one shares the memory. */
export function encodeWith<T>(codec: Codec<T>): (message: T) => Buffer {
	return (message) => {
		const bytes = codec.encode(message);
		return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	};
}

/** Messages come out of one buffer each, which is theirs alone. */
export function decodeWith<T>(codec: Codec<T>): (bytes: Buffer) => T {
	return (bytes) => codec.decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

/** How grpc-js wants one method described. */
export interface GrpcMethod {
	readonly path: string;
	readonly requestStream: false;
	readonly responseStream: false;
	readonly requestSerialize: (message: unknown) => Buffer;
	readonly requestDeserialize: (bytes: Buffer) => unknown;
	readonly responseSerialize: (message: unknown) => Buffer;
	readonly responseDeserialize: (bytes: Buffer) => unknown;
}

function grpcMethod(kind: Kind): GrpcMethod {
	const { request, response } = METHODS[kind] as { request: Codec<unknown>; response: Codec<unknown> };
	return {
		path: grpcPath(kind),
		requestStream: false,
		responseStream: false,
		requestSerialize: encodeWith(request),
		requestDeserialize: decodeWith(request),
		responseSerialize: encodeWith(response),
		responseDeserialize: decodeWith(response),
	};
}

/** The whole service as grpc-js wants it. */
export const GRPC_SERVICE: Readonly<Record<string, GrpcMethod>> = Object.fromEntries(
	KINDS.map((kind) => [METHODS[kind].rpc, grpcMethod(kind)]),
);

/** No bound of grpc-js below the one of the socket protocol. */
export const GRPC_MESSAGE_OPTIONS = {
	"grpc.max_receive_message_length": 2 ** 31 - 1,
	"grpc.max_send_message_length": 2 ** 31 - 1,
} as const;
