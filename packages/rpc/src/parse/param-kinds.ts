import { DecodeError } from "@cairn/kit";
import { type types as pb, textOfBytes, textToBytes } from "@cairn/types/proto";
import { readEvidence } from "./evidence.ts";
import { goHex } from "./go-bytes.ts";
import { type GoInteger, goBool, goBytes, goHexBytes, goInteger, goList, goString } from "./go-values.ts";

/** A type of parameters: how it is read in the two forms of requests (rpc/jsonrpc/server). Both throw DecodeError. */
export interface ParamKind<T> {
	/** The value of a parameter that is not given. */
	readonly zero: T;
	/** From the text of a JSON value. */
	json(text: string): T;
	/** From the query of a URI; never called with an empty text. */
	uri(text: string): T;
	/** True if Go takes the value for not given, and so does not let the answer be cached. */
	isZero(value: T): boolean;
}

const INTEGER = /^-?[0-9]+$/;

/** A URI may hold any value as JSON; `0x…` is for texts and bytes only. */
function uriReader<T>(goKind: string, json: (text: string) => T): (text: string) => T {
	return (text) => {
		if (isHex(text)) throw new DecodeError(`got a hex string arg, but expected '${goKind}'`);
		return json(text);
	};
}

function isHex(text: string): boolean {
	return text.slice(0, 2).toLowerCase() === "0x";
}

function integer(type: GoInteger): ParamKind<bigint> {
	const json = (text: string): bigint => goInteger(text, type);
	const uri = uriReader(type, json);
	return {
		zero: 0n,
		json,
		uri: (text) => (INTEGER.test(text) ? json(`"${text}"`) : uri(text)),
		isZero: (value) => value === 0n,
	};
}

/** A pointer in Go: not given is something else than zero. */
function optional<T>(kind: ParamKind<T>): ParamKind<T | null> {
	return {
		zero: null,
		json: (text) => (text === "null" ? null : kind.json(text)),
		uri: (text) => (text === "null" ? null : kind.uri(text)),
		isZero: (value) => value === null,
	};
}

function bytes(json: (text: string) => Uint8Array): ParamKind<Uint8Array> {
	return {
		zero: new Uint8Array(0),
		json,
		uri: (text) => {
			if (isHex(text)) return goHex(text.slice(2));
			if (text.startsWith('"') && text.endsWith('"')) return textToBytes(goString(text));
			return json(text);
		},
		isZero: (value) => value.length === 0,
	};
}

export const INT64: ParamKind<bigint> = integer("int64");
export const OPTIONAL_INT64: ParamKind<bigint | null> = optional(integer("int64"));
export const OPTIONAL_INT: ParamKind<bigint | null> = optional(integer("int"));
export const UINT: ParamKind<bigint> = integer("uint");

export const STRING: ParamKind<string> = {
	zero: "",
	json: goString,
	uri: (text) => (isHex(text) ? textOfBytes(goHex(text.slice(2))) : goString(text)),
	isZero: (value) => value === "",
};

export const BOOL: ParamKind<boolean> = {
	zero: false,
	json: goBool,
	uri: uriReader("bool", goBool),
	isZero: (value) => !value,
};

export const BYTES: ParamKind<Uint8Array> = bytes((text) => goBytes(text));
export const TX: ParamKind<Uint8Array> = bytes((text) => goBytes(text, "types.Tx"));
export const HEX_BYTES: ParamKind<Uint8Array> = bytes(goHexBytes);

const readStrings = (text: string): readonly string[] =>
	goList(text, "[]json.RawMessage").map((item) => goString(item.text));

export const STRINGS: ParamKind<readonly string[]> = {
	zero: [],
	json: readStrings,
	uri: uriReader("slice", readStrings),
	isZero: (value) => value.length === 0,
};

export const EVIDENCE: ParamKind<pb.Evidence | null> = {
	zero: null,
	json: readEvidence,
	uri: uriReader("interface", readEvidence),
	isZero: (value) => value === null,
};
