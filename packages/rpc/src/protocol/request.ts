import { DecodeError } from "@cairn/kit";
import { type Json, jsonString } from "../json/text.ts";
import { GoJson } from "../parse/go-json.ts";

/** One call. */
export interface RpcRequest {
	/** As JSON; null for a notification, which is not answered and not even carried out. */
	readonly id: Json | null;
	readonly method: string;
	/** Null where there are none at all. */
	readonly params: GoJson | null;
}

const NOTIFICATION: RpcRequest = { id: null, method: "", params: null };
const MAX_INT64 = 2 ** 63;
/** What Go calls the type that requests are read into. */
const REQUEST_TYPE =
	'struct { JSONRPC string "json:\\"jsonrpc\\""; ID interface {} "json:\\"id,omitempty\\""; ' +
	'Method string "json:\\"method\\""; Params json.RawMessage "json:\\"params\\"" }';

/**
 * The calls in the body of a request: one, or a batch. @throws DecodeError whose message is for the client
 */
export function readRequests(text: string): readonly RpcRequest[] {
	const json = GoJson.parse(text);
	if (json.kind === "null") return [];
	if (json.kind !== "array") return [readRequest(json)];
	const items = json.items();
	try {
		return items.map(readRequest);
	} catch (cause) {
		if (!(cause instanceof DecodeError)) throw cause;
		// Go tries again to read the whole as a single call, and complains of that.
		throw json.mismatch(REQUEST_TYPE);
	}
}

/** How many calls a body holds, as far as it is a batch; 0 for anything else. */
export function batchSize(text: string): number {
	if (!/^[ \t\r\n]*\[/.test(text)) return 0;
	try {
		return GoJson.parse(text).items().length;
	} catch {
		return 0;
	}
}

/** One call. @throws DecodeError whose message is for the client */
export function readRequest(json: GoJson): RpcRequest {
	if (json.kind === "null") return NOTIFICATION;
	if (json.kind !== "object") throw json.mismatch(REQUEST_TYPE);
	let id: GoJson | null = null;
	let method = "";
	let params: GoJson | null = null;
	// Go matches names of fields regardless of case; the last one counts.
	for (const [name, value] of json.pairs()) {
		switch (name.toLowerCase()) {
			case "id":
				id = value;
				break;
			case "method":
				method = textField(value, "method", method);
				break;
			case "jsonrpc":
				textField(value, "jsonrpc", "");
				break;
			case "params":
				params = value;
				break;
			default:
		}
	}
	return id === null || id.kind === "null" ? NOTIFICATION : { id: readId(id), method, params };
}

function textField(value: GoJson, name: string, before: string): string {
	if (value.kind === "null") return before;
	if (value.kind === "string") return value.string();
	throw new DecodeError(`json: cannot unmarshal ${value.kind} into Go struct field .${name} of type string`);
}

/** Texts and whole numbers of 64 bits. */
function readId(value: GoJson): Json {
	if (value.kind === "string") return jsonString(value.string());
	if (value.kind !== "number")
		throw new DecodeError(`json-rpc ID (${goText(value)}) is of unknown type (${goType(value)})`);
	const id = Number(value.text);
	if (!Number.isFinite(id)) {
		throw new DecodeError(`json: cannot unmarshal number ${value.text} into Go struct field .id of type float64`);
	}
	if (!Number.isInteger(id)) throw new DecodeError(`json-rpc ID must be a whole number, got ${goFloat(id)}`);
	if (id >= MAX_INT64 || id < -MAX_INT64) throw new DecodeError(`json-rpc ID out of int64 range, got ${goFloat(id)}`);
	return BigInt(id).toString();
}

function goType({ kind }: GoJson): string {
	return kind === "object" ? "map[string]interface {}" : kind === "array" ? "[]interface {}" : kind;
}

/** Go's `%v` of a JSON value: `map[a:1 b:[x true <nil>]]`. */
function goText(value: GoJson): string {
	switch (value.kind) {
		case "object": {
			const members = [...value.members()].sort(([a], [b]) => (a < b ? -1 : 1));
			return `map[${members.map(([name, member]) => `${name}:${goText(member)}`).join(" ")}]`;
		}
		case "array":
			return `[${value.items().map(goText).join(" ")}]`;
		case "string":
			return value.string();
		case "number":
			return goFloat(Number(value.text));
		case "null":
			return "<nil>";
		default:
			return value.text;
	}
}

/** Go's `%v` of a float: with an exponent, of two digits at least, from a million on. */
function goFloat(value: number): string {
	const exponential = value.toExponential();
	const exponent = Number(exponential.slice(exponential.indexOf("e") + 1));
	if (exponent >= -4 && exponent < 6) return String(value);
	return exponential.replace(/e([+-])(\d)$/, "e$10$2");
}
