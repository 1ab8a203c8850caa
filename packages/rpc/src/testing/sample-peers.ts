// Peers for tests of what is shown of them; holds no tests itself.
import type { PeerStateJson } from "@cairn/gossip";
import type { ConnectionStatus, FlowStatus, NodeInfo, Peer } from "@cairn/network";

const ID = "a186fe089e66a1a4c14928957f74ac5ca4b2b55f";

export const SAMPLE_NODE_INFO: NodeInfo = {
	protocolVersion: { p2p: 8n, block: 11n, app: 1n },
	id: ID,
	listenAddress: "tcp://127.0.0.1:32031",
	network: "vec-four-chain",
	version: "0.39.0",
	channels: Uint8Array.of(0x40, 0x20, 0x21),
	moniker: "node3",
	other: { txIndex: "on", rpcAddress: "tcp://127.0.0.1:32030" },
};

const FLOW: FlowStatus = {
	start: 1_795_359_301_987_654_321n,
	bytes: 915_688,
	samples: 27,
	instRate: 13_265,
	curRate: 112_741,
	avgRate: 143_976,
	peakRate: 2_074_400,
	durationNs: 6_360_000_000n,
	idleNs: 120_000_000n,
	active: true,
};

const STATUS: ConnectionStatus = {
	durationNs: 6_359_951_337n,
	sendMonitor: FLOW,
	recvMonitor: FLOW,
	channels: [{ id: 48, sendQueueCapacity: 1, sendQueueSize: 0, priority: 5, recentlySent: 116_519 }],
};

const PEER: Peer = {
	id: ID,
	nodeInfo: SAMPLE_NODE_INFO,
	outbound: false,
	persistent: false,
	remoteAddress: "127.0.0.1:36716",
	remoteIp: "127.0.0.1",
	hasChannel: () => true,
	send: () => true,
	canSend: () => true,
	pauseReading: () => {},
	resumeReading: () => {},
	status: () => STATUS,
	queuedBytes: 0,
	connected: true,
};

/** As many as the recorded node had. */
export const SAMPLE_PEERS: readonly Peer[] = [PEER, PEER, PEER];

export const SAMPLE_PEER_STATE: PeerStateJson = {
	node_address: `${ID}@127.0.0.1:36716`,
	peer_state: {
		round_state: {
			height: "64",
			round: 0,
			step: 1,
			start_time: "2026-11-22T14:55:08.221823892Z",
			proposal: false,
			proposal_block_part_set_header: { total: 0, hash: "" },
			proposal_block_parts: null,
			proposal_pol_round: -1,
			proposal_pol: "____",
			prevotes: "____",
			precommits: "____",
			last_commit_round: 0,
			last_commit: "xxxx",
			catchup_commit_round: -1,
			catchup_commit: "____",
		},
		stats: { votes: "15", block_parts: "1" },
	},
};
