import type { Config } from "./schema.ts";

/** A peer of `seeds` or `persistent_peers`. */
export interface PeerAddress {
	/** 40 lower-case hex digits. */
	readonly id: string;
	/** IP address or name. */
	readonly host: string;
	readonly port: number;
}

/** What is wrong with a text that should name a peer. */
export interface PeerBreach {
	readonly what: string;
	readonly fix: string;
}

const PEER_FIX = "write id@host:port; the id is what `cairn show-node-id` prints";

/**
 * Reads `id@host:port`, with or without `tcp://` before it, by the rules of p2p/netaddress.go; the host is not looked up.
 */
export function parsePeer(text: string): PeerAddress | PeerBreach {
	const bare = text.replace(/^[^@]*:\/\//, "");
	const parts = bare.split("@");
	const [id = "", hostPort = ""] = parts;
	if (parts.length !== 2) return { what: `peer "${text}" has no id`, fix: PEER_FIX };
	const breach = idBreach(id);
	if (breach !== undefined) return { what: `peer "${text}": ${breach}`, fix: PEER_FIX };
	const match = /^(?:\[([^\]]*)\]|([^:]*)):([^:]*)$/.exec(hostPort);
	if (match === null) return { what: `peer "${text}" has no port`, fix: PEER_FIX };
	const host = match[1] ?? match[2] ?? "";
	const port = match[3] ?? "";
	if (host === "") return { what: `peer "${text}" has no host`, fix: PEER_FIX };
	if (!/^\d+$/.test(port) || Number(port) > 65_535) {
		return { what: `peer "${text}" has the port "${port}"`, fix: "write a port between 1 and 65535" };
	}
	return { id, host, port: Number(port) };
}

function idBreach(id: string): string | undefined {
	if (id.length === 40 && /^[0-9a-fA-F]+$/.test(id)) return undefined;
	if (/^[0-9a-fA-F]*$/.test(id)) return `the id has ${id.length} hex digits, not 40`;
	return "the id is not 40 hex digits";
}

interface KeyedBreach extends PeerBreach {
	readonly key: string;
}

/** Every malformed peer and id of the `[p2p]` keys, each named. */
export function peerProblems(config: Config): readonly KeyedBreach[] {
	const found: KeyedBreach[] = [];
	const lists = { "p2p.seeds": config.p2p.seeds, "p2p.persistent_peers": config.p2p.persistentPeers };
	for (const [key, list] of Object.entries(lists)) {
		for (const peer of items(list)) {
			const parsed = parsePeer(peer);
			if ("what" in parsed) found.push({ key, ...parsed });
		}
	}
	const ids = {
		"p2p.unconditional_peer_ids": config.p2p.unconditionalPeerIds,
		"p2p.private_peer_ids": config.p2p.privatePeerIds,
	};
	for (const [key, list] of Object.entries(ids)) {
		for (const id of items(list)) {
			const breach = idBreach(id);
			if (breach !== undefined)
				found.push({ key, what: `"${id}": ${breach}`, fix: "write what `cairn show-node-id` prints" });
		}
	}
	return found;
}

function items(list: string): readonly string[] {
	return list
		.split(",")
		.map((item) => item.trim())
		.filter((item) => item !== "");
}
