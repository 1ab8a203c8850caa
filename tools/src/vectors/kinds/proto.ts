import { type Codec, codecByName, fromProtoJson, type Json, toProtoJson } from "@cairn/types/proto";
import { type Checker, fail } from "../checker.ts";
import { hex, same, sameBytes } from "../expectation.ts";

interface ProtoCase {
	readonly name: string;
	readonly type: string;
	readonly json: Json;
	readonly hex: string;
}

export function codecOf(typeName: string): Codec<unknown> {
	return codecByName.get(typeName) ?? fail(`no message type ${typeName}`);
}

/** Go tells nil from empty: `[]` for an empty list, `null` for nil bytes in a list. The wire does not. */
function withoutNils(json: Json): Json {
	if (Array.isArray(json)) return json.map((item: Json) => (item === null ? "" : withoutNils(item)));
	if (typeof json !== "object" || json === null) return json;
	const kept = Object.entries(json).filter(([, value]) => !(Array.isArray(value) && value.length === 0));
	return Object.fromEntries(kept.map(([name, value]) => [name, withoutNils(value)]));
}

/** JSON to bytes, bytes to the same bytes, bytes to the same JSON. Gives the bytes of the message. */
export function checkMessage(typeName: string, json: Json, bytes: Uint8Array): void {
	const codec = codecOf(typeName);
	same("encoded JSON", codec.encode(fromProtoJson(typeName, json)), bytes);
	const message = codec.decode(bytes);
	same("encoded again", codec.encode(message), bytes);
	same("JSON of the decoded", toProtoJson(typeName, message), withoutNils(json));
}

export const checkProto: Checker = (file, tally) => {
	const { cases } = file.content as { cases: readonly ProtoCase[] };
	return tally.checkEach("cases", cases, (each) => {
		sameBytes("hex", hex(each.hex), each.hex);
		try {
			checkMessage(each.type, each.json, hex(each.hex));
		} catch (cause) {
			fail(`${each.type}: ${cause instanceof Error ? cause.message : cause}`);
		}
	});
};
