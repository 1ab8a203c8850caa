import { type Json, readDelimited } from "@cairn/types/proto";
import { type Checker, fail } from "../checker.ts";
import { hex, same } from "../expectation.ts";
import { armOf, checkDelimited } from "./abci-stream.ts";

interface SessionMessage {
	/** `Request_CheckTx`: direction and arm. */
	readonly type: string;
	readonly dir: string;
	readonly json: Json;
	readonly delimited_hex: string;
}

function checkMessage(each: SessionMessage): void {
	const [wrapper, arm = ""] = each.type.split("_");
	if (wrapper !== "Request" && wrapper !== "Response") fail(`unknown type ${each.type}`);
	same("dir", each.dir, wrapper === "Request" ? "req" : "res");
	const stream = hex(each.delimited_hex);
	checkDelimited(`tendermint.abci.${wrapper}`, each.json, stream);
	const found = readDelimited(stream, 0, stream.length) ?? fail("message is not whole");
	same("type", armOf(wrapper, found.message), arm);
}

export const checkAbciSession: Checker = (file, tally) => {
	const { messages } = file.content as { messages: readonly SessionMessage[] };
	return tally.checkEach("messages", messages, checkMessage);
};
