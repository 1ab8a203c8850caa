import { DecodeError, fromBase64, invariant, toBase64 } from "@cairn/kit";
import type { Codec } from "./codec.ts";
import type { FieldDescriptor, MessageDescriptor } from "./descriptor.ts";
import { ENUMS, MESSAGES } from "./generated/descriptors.ts";
import { CODECS } from "./generated/registry.ts";
import { durationToText, parseDuration, parseTimestamp, timestampToText } from "./json-time.ts";
import { MAX_INT64, MAX_UINT64, MIN_INT64, NO_BYTES } from "./scalars.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type JsonObject = { readonly [name: string]: Json };
type Values = Readonly<Record<string, unknown>>;

/** Codec of every message type by its full protobuf name. */
export const codecByName: ReadonlyMap<string, Codec<unknown>> = new Map(CODECS.map((codec) => [codec.typeName, codec]));

function descriptorOf(typeName: string): MessageDescriptor {
	const descriptor = MESSAGES.get(typeName);
	if (descriptor === undefined) throw new DecodeError("unknown message type", { typeName });
	return descriptor;
}

/**
 * A message in the proto3 JSON mapping with the field names of the .proto files: bytes as base64, 64-bit integers
 * as text, enums by name, times in RFC 3339, durations as `1.5s`; default values left out, embedded messages and
 * times never. `message` must be of the type named (as decoded or created). @throws DecodeError on a type name that
 * does not exist
 */
export function toProtoJson(typeName: string, message: unknown): Json {
	const values = message as Values;
	const result: Record<string, Json> = {};
	for (const field of descriptorOf(typeName).fields) {
		const value = fieldValue(field, values);
		if (value === undefined || value === null) continue;
		if (field.repeated) {
			const list = (value as readonly unknown[]).map((item) => jsonOf(field, item));
			if (list.length > 0) result[field.name] = list;
		} else if (field.oneof !== "" || !isDefault(field, value)) result[field.name] = jsonOf(field, value);
	}
	return result;
}

/** The field's value, or undefined where another arm of its oneof is set. */
function fieldValue(field: FieldDescriptor, values: Values): unknown {
	if (field.oneof === "") return values[field.property];
	const sum = values[field.oneof] as { readonly kind: string; readonly value: unknown } | null;
	return sum !== null && sum.kind === field.property ? sum.value : undefined;
}

function isDefault(field: FieldDescriptor, value: unknown): boolean {
	if (field.kind === "timestamp" || field.kind === "message") return false;
	if (field.kind === "bytes") return (value as Uint8Array).length === 0;
	return value === 0 || value === 0n || value === false || value === "";
}

function jsonOf(field: FieldDescriptor, value: unknown): Json {
	switch (field.kind) {
		case "message":
			return toProtoJson(field.type, value);
		case "bytes":
			return toBase64(value as Uint8Array);
		case "timestamp":
			return timestampToText(value as bigint);
		case "duration":
			return durationToText(value as bigint);
		case "enum":
			return enumName(field.type, value as number);
		case "int64":
		case "uint64":
		case "sfixed64":
			return (value as bigint).toString();
		default:
			return value as Json;
	}
}

function enumName(typeName: string, value: number): Json {
	const named = ENUMS.get(typeName)?.values.find(([, number]) => number === value);
	return named === undefined ? value : named[0];
}

/**
 * Reads the proto3 JSON mapping; the opposite of `toProtoJson`. Fields may also be named in lowerCamelCase, numbers
 * may be text, enums may be numbers, null is the default. @throws DecodeError on unknown fields, types and
 * malformed values
 */
export function fromProtoJson(typeName: string, json: Json): unknown {
	const codec = codecByName.get(typeName);
	const descriptor = descriptorOf(typeName);
	invariant(codec !== undefined, "every described message has a codec", { typeName });
	if (!isObject(json)) throw new DecodeError("expected a JSON object", { typeName });
	const values: Record<string, unknown> = {};
	for (const [name, value] of Object.entries(json)) {
		const field = descriptor.fields.find((each) => each.name === name || each.property === name);
		if (field === undefined) throw new DecodeError("unknown field", { typeName, field: name.slice(0, 80) });
		if (value === null) continue;
		if (field.oneof !== "") {
			if (values[field.oneof] !== undefined) throw new DecodeError("two arms of one oneof", { typeName, field: name });
			values[field.oneof] = { kind: field.property, value: fieldFromJson(field, value) };
		} else if (field.repeated) {
			if (!Array.isArray(value)) throw new DecodeError("expected a JSON array", { typeName, field: name });
			values[field.property] = value.map((item: Json) => fieldFromJson(field, item));
		} else values[field.property] = fieldFromJson(field, value);
	}
	return codec.create(values);
}

function isObject(json: Json): json is JsonObject {
	return typeof json === "object" && json !== null && !Array.isArray(json);
}

function fieldFromJson(field: FieldDescriptor, json: Json): unknown {
	switch (field.kind) {
		case "message":
			return fromProtoJson(field.type, json);
		case "bytes":
			// Go prints a nil byte slice in a list as null.
			return json === null ? NO_BYTES : fromBase64(textOf(field, json));
		case "string":
			return textOf(field, json);
		case "timestamp":
			return parseTimestamp(textOf(field, json));
		case "duration":
			return parseDuration(textOf(field, json));
		case "bool":
			if (typeof json !== "boolean") throw refusal(field, json);
			return json;
		case "enum":
			return enumNumber(field, json);
		case "int64":
		case "sfixed64":
			return integerOf(field, json, MIN_INT64, MAX_INT64);
		case "uint64":
			return integerOf(field, json, 0n, MAX_UINT64);
		case "int32":
			return Number(integerOf(field, json, -2147483648n, 2147483647n));
		case "uint32":
		case "counted":
			return Number(integerOf(field, json, 0n, 4294967295n));
	}
}

function refusal(field: FieldDescriptor, json: Json): DecodeError {
	return new DecodeError(`not a JSON form of ${field.kind}`, { field: field.name, json: String(json).slice(0, 80) });
}

function textOf(field: FieldDescriptor, json: Json): string {
	if (typeof json !== "string") throw refusal(field, json);
	return json;
}

function enumNumber(field: FieldDescriptor, json: Json): number {
	const named = ENUMS.get(field.type)?.values.find(([name]) => name === json);
	if (named !== undefined) return named[1];
	if (typeof json !== "number") throw refusal(field, json);
	return Number(integerOf(field, json, -2147483648n, 2147483647n));
}

function integerOf(field: FieldDescriptor, json: Json, least: bigint, most: bigint): bigint {
	const text = typeof json === "number" && Number.isSafeInteger(json) ? String(json) : json;
	if (typeof text !== "string" || !/^-?[0-9]{1,20}$/.test(text)) throw refusal(field, json);
	const value = BigInt(text);
	if (value < least || value > most) throw refusal(field, json);
	return value;
}
