import { key, section } from "../key.ts";
import { boolean, duration, integer, text } from "../kinds.ts";

const TESTING_AID = "is a testing aid of CometBFT; Cairn breaks connections in its simulator instead";

/** Connections to peers (config.go `P2PConfig`). */
export const P2P = section(
	"p2p",
	"Peers",
	"",
	{
		laddr: key(text("address"), "tcp://0.0.0.0:26656", "Listen here for peers.", {
			flag: { help: "address to listen on for peers; 0.0.0.0:0 is any interface, any port" },
		}),
		external_address: key(
			text("ip:port"),
			"",
			"Address that peers are told to dial, for example 159.89.10.97:26656. Empty: found out from laddr.",
			{ flag: { name: "p2p.external-address", help: "ip:port that peers are told to dial" } },
		),
		seeds: key(text("id@host:port,…"), "", "Nodes to ask for addresses of peers: id@host:port, separated by commas.", {
			flag: { help: "seeds: id@host:port, separated by commas" },
		}),
		persistent_peers: key(
			text("id@host:port,…"),
			"",
			"Peers to stay connected to: id@host:port, separated by commas.",
			{ flag: { help: "peers to stay connected to: id@host:port, separated by commas" } },
		),
		addr_book_file: key(text("path"), "config/addrbook.json", "Where known addresses of peers are kept."),
		addr_book_strict: key(
			boolean(),
			true,
			"Keep only addresses that can be reached from the internet. Set false in private and local networks.",
		),
		max_num_inbound_peers: key(integer({ min: 0 }), 40, "Most peers that dialled us."),
		max_num_outbound_peers: key(integer({ min: 0 }), 10, "Most peers that we dial, persistent ones not counted."),
		unconditional_peer_ids: key(text("id,…"), "", "Ids of peers that these limits do not touch, separated by commas.", {
			flag: { help: "ids of peers that the limits do not touch, separated by commas" },
		}),
		persistent_peers_max_dial_period: key(
			duration(),
			0,
			"Longest pause between attempts to dial a persistent peer. 0s: the pause doubles after each failure.",
		),
		flush_throttle_timeout: key(duration(), 10, "How long small messages may wait for others before they are sent."),
		max_packet_msg_payload_size: key(integer({ min: 0 }), 1024, "Largest piece of a message in one packet, in bytes."),
		send_rate: key(integer({ min: 0 }), 5_120_000, "Most bytes per second to one peer."),
		recv_rate: key(integer({ min: 0 }), 5_120_000, "Most bytes per second from one peer."),
		pex: key(boolean(), true, "Exchange addresses with peers.", { flag: { help: "exchange addresses with peers" } }),
		seed_mode: key(
			boolean(),
			false,
			"Be a seed: crawl the network, answer requests for addresses and disconnect. Needs pex.",
			{ flag: { help: "be a seed" } },
		),
		private_peer_ids: key(text("id,…"), "", "Ids of peers that are never told to others, separated by commas.", {
			flag: { help: "ids of peers that are never told to others, separated by commas" },
		}),
		allow_duplicate_ip: key(boolean(), false, "Allow several peers at one IP address."),
		handshake_timeout: key(duration(), 20_000, "Longest time for the handshake of a new connection."),
		dial_timeout: key(duration(), 3_000, "Longest time to reach a peer."),
	},
	{
		without: {
			home: "the home folder is chosen with --home or CAIRN_HOME",
			test_dial_fail: TESTING_AID,
			test_fuzz: TESTING_AID,
			test_fuzz_config: TESTING_AID,
		},
	},
);
