import { CairnError } from "@cairn/kit";
import type { Peer } from "@cairn/network";
import { jsonConnectionStatus, jsonNodeInfo } from "../json/network.ts";
import { type Json, jsonInt64, jsonList, jsonString } from "../json/text.ts";
import { BOOL, STRINGS } from "../parse/param-kinds.ts";
import { type Route, route } from "./route.ts";

const netInfo = route("net_info", {}, {}, ({ network }) => {
	const { peers } = network;
	return (
		`{"listening":${network.isListening},"listeners":[${jsonString(`Listener(@${network.externalAddress})`)}],` +
		`"n_peers":${jsonInt64(peers.length)},"peers":${jsonList(peers, jsonPeer)}}`
	);
});

function jsonPeer(peer: Peer): Json {
	return (
		`{"node_info":${jsonNodeInfo(peer.nodeInfo)},"is_outbound":${peer.outbound},` +
		`"connection_status":${jsonConnectionStatus(peer.status())},"remote_ip":${jsonString(peer.remoteIp)}}`
	);
}

const dialSeeds = route("dial_seeds", { seeds: STRINGS }, { unsafe: true }, ({ network }, { seeds }) => {
	refuseNone(seeds, "seeds");
	network.dialPeers(seeds, {});
	return '{"log":"Dialing seeds in progress. See /net_info for details"}';
});

const dialPeers = route(
	"dial_peers",
	{ peers: STRINGS, persistent: BOOL, unconditional: BOOL, private: BOOL },
	{ unsafe: true },
	({ network }, { peers, ...options }) => {
		refuseNone(peers, "peers");
		network.dialPeers(peers, options);
		return '{"log":"Dialing peers in progress. See /net_info for details"}';
	},
);

function refuseNone(addresses: readonly string[], what: string): void {
	if (addresses.length === 0) throw new CairnError("no-addresses", "peer", `no ${what} provided`);
	for (const address of addresses) {
		if (address.split("@").length === 2) continue;
		throw new CairnError("bad-address", "peer", `address (${address}) does not contain ID`);
	}
}

export const NETWORK_ROUTES: readonly Route[] = [netInfo, dialSeeds, dialPeers];
