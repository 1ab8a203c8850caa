import { abci, encodeDelimited, type Json, readDelimited } from "@cairn/types/proto";
import { type Checker, fail } from "../checker.ts";
import { hex, same } from "../expectation.ts";
import { checkMessage } from "./proto.ts";

interface StreamCase {
	readonly type: string;
	readonly json: Json;
	readonly delimited_hex: string;
}

/** One message with its length before it, and nothing after it. */
export function checkDelimited(typeName: string, json: Json, stream: Uint8Array): void {
	const found = readDelimited(stream, 0, stream.length) ?? fail("message is not whole");
	same("end of the message", found.next, stream.length);
	checkMessage(typeName, json, found.message);
	same("with its length again", encodeDelimited(found.message), stream);
}

export const checkAbciStream: Checker = (file, tally) => {
	const { cases } = file.content as { cases: readonly StreamCase[] };
	return tally.checkEach("cases", cases, (each) => checkDelimited(each.type, each.json, hex(each.delimited_hex)));
};

/** Which arm is set in a request or response, named as Go's generated types are: `CheckTx`. */
export function armOf(wrapper: "Request" | "Response", message: Uint8Array): string {
	const { value } = wrapper === "Request" ? abci.Request.decode(message) : abci.Response.decode(message);
	const kind = value?.kind ?? "";
	return kind.charAt(0).toUpperCase() + kind.slice(1);
}
