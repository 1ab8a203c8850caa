import { messageOf } from "@cairn/kit";
import { idProblem, parsePeerAddress } from "@cairn/network";
import type { RuleBreach } from "./key.ts";
import type { Config } from "./schema.ts";

/** Every malformed peer and id of the `[p2p]` keys, each named. */
export function peerProblems(config: Config): readonly RuleBreach[] {
	const found: RuleBreach[] = [];
	const fix = "the id is what `cairn show-node-id` prints on that node";
	const lists = { "p2p.seeds": config.p2p.seeds, "p2p.persistent_peers": config.p2p.persistentPeers };
	for (const [key, list] of Object.entries(lists)) {
		for (const peer of splitList(list)) {
			try {
				parsePeerAddress(peer);
			} catch (error) {
				found.push({ key, what: messageOf(error), fix });
			}
		}
	}
	const ids = {
		"p2p.unconditional_peer_ids": config.p2p.unconditionalPeerIds,
		"p2p.private_peer_ids": config.p2p.privatePeerIds,
	};
	for (const [key, list] of Object.entries(ids)) {
		for (const id of splitList(list)) {
			const problem = idProblem(id);
			if (problem !== undefined) found.push({ key, what: `malformed id "${id}": ${problem}`, fix });
		}
	}
	return found;
}

/** Parts of a comma-separated text, trimmed, without empty ones. */
export function splitList(text: string): readonly string[] {
	return text
		.split(",")
		.map((item) => item.trim())
		.filter((item) => item !== "");
}
