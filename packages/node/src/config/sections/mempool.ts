import { key, section } from "../key.ts";
import { boolean, choice, duration, integer, text } from "../kinds.ts";

const UINT64_MAX = 2n ** 64n - 1n;

/** Transactions that wait for a block (config.go `MempoolConfig`). */
export const MEMPOOL = section(
	"mempool",
	"Mempool",
	"",
	{
		type: key(
			choice(["flood", "nop", "app"], [""]),
			"flood",
			"flood: kept here and passed on to all peers; app: kept by the application, passed on by the node;\n" +
				"nop: none at all.",
		),
		recheck: key(boolean(), true, "Check waiting transactions again after each block."),
		recheck_timeout: key(duration(), 1_000, "How long the application may take for that; later answers are dropped."),
		broadcast: key(
			boolean(),
			true,
			"Pass transactions on to peers. If false only this node can put them into a block.",
		),
		wal_dir: key(text("path"), "", "A log of transactions that CometBFT once wrote; it has no effect, there or here."),
		size: key(integer({ min: 0 }), 5_000, "Most waiting transactions."),
		max_txs_bytes: key(integer({ min: 0 }), 1_073_741_824, "Most bytes of waiting transactions together."),
		cache_size: key(integer({ min: 0 }), 10_000, "How many transactions are remembered, to refuse them a second time."),
		"keep-invalid-txs-in-cache": key(
			boolean(),
			false,
			"Remember refused transactions too. Right only where they can never become valid later.",
		),
		max_tx_bytes: key(integer({ min: 0 }), 4_194_304, "Largest transaction, in bytes."),
		max_batch_bytes: key(integer(), 0, "Without effect, as in CometBFT."),
		experimental_max_gossip_connections_to_persistent_peers: key(
			integer({ min: 0 }),
			0,
			"Pass transactions on to at most this many persistent peers. 0: all.",
		),
		experimental_max_gossip_connections_to_non_persistent_peers: key(
			integer({ min: 0 }),
			0,
			"Pass transactions on to at most this many other peers. 0: all. CometBFT recommends 10.",
		),
		seen_cache_size: key(integer(), 100_000, "type app: how many transactions are remembered, to drop repeated ones."),
		reap_max_bytes: key(
			integer({ min: 0, max: UINT64_MAX }),
			0,
			"type app: most bytes that one ReapTxs asks for. 0: no limit.",
		),
		reap_max_gas: key(
			integer({ min: 0, max: UINT64_MAX }),
			0,
			"type app: most gas that one ReapTxs asks for. 0: no limit.",
		),
		reap_interval: key(duration({ negative: true }), 500, "type app: pause between two ReapTxs."),
		check_tx_retry_delay: key(
			duration({ negative: true }),
			5_000,
			"type app: after this time a transaction may be checked again.",
		),
	},
	{
		without: { home: "the home folder is chosen with --home or CAIRN_HOME" },
		breaches: (values) => {
			if (values.type !== "app") return [];
			const found = [];
			if (values.seenCacheSize < 0) {
				found.push({ key: "seen_cache_size", what: `${values.seenCacheSize} is negative`, fix: "write at least 0" });
			}
			if (values.reapInterval <= 0) {
				found.push({
					key: "reap_interval",
					what: 'must be more than zero with type = "app"',
					fix: 'write "500ms" or another duration',
				});
			}
			return found;
		},
	},
);
