import { type Json, jsonString } from "../json/text.ts";

/** Codes and messages of JSON-RPC 2.0, with CometBFT's words (rpc/jsonrpc/types). */
export interface RpcFault {
	readonly code: number;
	readonly message: string;
	/** What went wrong; empty where the message says it all. */
	readonly data: string;
}

export function parseFault(data: string): RpcFault {
	return { code: -32700, message: "Parse error. Invalid JSON", data };
}

export function invalidRequest(data: string): RpcFault {
	return { code: -32600, message: "Invalid Request", data };
}

export const METHOD_NOT_FOUND: RpcFault = { code: -32601, message: "Method not found", data: "" };

export function invalidParams(data: string): RpcFault {
	return { code: -32602, message: "Invalid params", data };
}

export function internalFault(data: string): RpcFault {
	return { code: -32603, message: "Internal error", data };
}

export function serverFault(data: string): RpcFault {
	return { code: -32000, message: "Server error", data };
}

/** @param id as JSON */
export function successAnswer(id: Json, result: Json): Json {
	return `{"jsonrpc":"2.0","id":${id},"result":${result}}`;
}

/** @param id as JSON; null where the request was not understood so far */
export function faultAnswer(id: Json | null, { code, message, data }: RpcFault): Json {
	const about = id === null ? "" : `"id":${id},`;
	const details = data === "" ? "" : `,"data":${jsonString(data)}`;
	return `{"jsonrpc":"2.0",${about}"error":{"code":${code},"message":"${message}"${details}}}`;
}
