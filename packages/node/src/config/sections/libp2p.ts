import { key, section, tables } from "../key.ts";
import { boolean, choice, duration, integer, text } from "../kinds.ts";

const BOOTSTRAP_PEER = {
	host: key(text("ip:port"), "", "ip:port"),
	id: key(text("id"), "", "libp2p peer id"),
	private: key(boolean(), false, "never told to others"),
	persistent: key(boolean(), false, "stay connected"),
	unconditional: key(boolean(), false, "limits do not touch it"),
};

const SCALER_OVERRIDE = {
	reactor: key(text("name"), "", "name of the reactor, in any case"),
	min_workers: key(integer({ min: 0 }), 0, "fewest workers"),
	max_workers: key(integer({ min: 0 }), 0, "most workers"),
	threshold_latency: key(duration(), 0, "add workers below, take away above"),
};

/** The libp2p transport, in place of CometBFT's own (config.go `LibP2PConfig`). */
export const LIBP2P = section("p2p.libp2p", "Peers over libp2p (experimental in CometBFT)", "", {
	enabled: key(boolean(), false, "Speak libp2p over QUIC with peers instead of CometBFT's own protocol."),
	bootstrap_peers: key(
		tables(BOOTSTRAP_PEER, ["host", "id"]),
		[],
		'Peers to start from: { host = "ip:port", id = "…" }, with private, persistent, unconditional = true where wanted.',
	),
});

/** Workers that handle messages from libp2p peers (config.go `LibP2PScaler`). */
export const LIBP2P_SCALER = section(
	"p2p.libp2p.scaler",
	"",
	"How many messages of libp2p peers are handled at a time.",
	{
		min_workers: key(integer({ min: 0 }), 4, "Fewest workers."),
		max_workers: key(integer({ min: 0 }), 32, "Most workers."),
		threshold_latency: key(duration(), 100, "Below this latency workers are added, above it taken away."),
		overrides: key(
			tables(SCALER_OVERRIDE, ["reactor"]),
			[{ reactor: "MEMPOOL", minWorkers: 8, maxWorkers: 512, thresholdLatency: 500 }],
			"Other figures for single reactors.",
		),
	},
	{
		breaches: (values) => {
			const found = [];
			if (values.minWorkers > values.maxWorkers) {
				found.push({
					key: "min_workers",
					what: `${values.minWorkers} is more than max_workers`,
					fix: `write at most ${values.maxWorkers}`,
				});
			}
			for (const [index, item] of values.overrides.entries()) {
				if (item.minWorkers <= item.maxWorkers) continue;
				found.push({
					key: "overrides",
					what: `entry ${index} (${item.reactor}): min_workers ${item.minWorkers} is more than max_workers`,
					fix: `write min_workers of at most ${item.maxWorkers}`,
				});
			}
			return found;
		},
	},
);

/** Resources that libp2p may take (config.go `LibP2PLimits`). */
export const LIBP2P_LIMITS = section(
	"p2p.libp2p.limits",
	"",
	"What libp2p peers may use.",
	{
		mode: key(
			choice(["default", "disabled", "custom"]),
			"default",
			"default: libp2p's own limits; disabled: none; custom: the two figures below.",
		),
		max_peers: key(integer({ min: 0 }), 0, "Most peers (custom mode)."),
		max_peer_streams: key(integer({ min: 0 }), 0, "Most streams of one peer (custom mode)."),
	},
	{
		breaches: (values) => {
			if (values.mode !== "custom") return [];
			const figures = { max_peers: values.maxPeers, max_peer_streams: values.maxPeerStreams };
			return Object.entries(figures)
				.filter(([, figure]) => figure === 0)
				.map(([name]) => ({
					key: name,
					what: 'is needed with mode = "custom"',
					fix: `write ${name} = 100, or another mode`,
				}));
		},
	},
);
