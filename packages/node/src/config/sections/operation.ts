import { key, section } from "../key.ts";
import { boolean, choice, duration, integer, text } from "../kinds.ts";

/** What the stores keep (config.go `StorageConfig`). */
export const STORAGE = section("storage", "Storage", "", {
	discard_abci_responses: key(
		boolean(),
		false,
		"Do not keep the application's answers to blocks. Saves disk; block_results and reindex-event need them.",
	),
});

/** The index of transactions and block events (config.go `TxIndexConfig`). */
export const TX_INDEX = section("tx_index", "Index of transactions", "", {
	indexer: key(choice(["kv", "null", "psql"]), "kv", "kv: in the node's databases; null: none; psql: in PostgreSQL."),
	"psql-conn": key(text("url"), "", "Database for psql: postgresql://user:password@host:port/name?options"),
});

/** Metrics (config.go `InstrumentationConfig`). */
export const INSTRUMENTATION = section(
	"instrumentation",
	"Metrics",
	"",
	{
		prometheus: key(boolean(), false, "Serve metrics for Prometheus at /metrics."),
		prometheus_listen_addr: key(text("address"), ":26660", "Listen here for that."),
		max_open_connections: key(integer({ min: 0 }), 3, "Most requests for metrics at a time. 0: no limit."),
		namespace: key(text("name"), "cometbft", "First word of every metric's name."),
	},
	{
		breaches: (values) =>
			/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(values.namespace) || values.namespace === ""
				? []
				: [
						{
							key: "namespace",
							what: `"${values.namespace}" cannot begin the name of a metric`,
							fix: "use letters, digits and underscores",
						},
					],
	},
);

/** What only Cairn has. CometBFT skips this table, so the file serves both. */
export const CAIRN = section(
	"cairn",
	"Cairn",
	"These keys are Cairn's own; CometBFT skips them. Unknown keys here are errors.",
	{
		stop_timeout: key(
			duration(),
			20_000,
			"How long an orderly stop may take after SIGINT or SIGTERM. After that, or at a second signal, the process\n" +
				"ends at once.",
		),
		log_color: key(
			choice(["auto", "always", "never"]),
			"auto",
			"Colours in plain log lines; auto: only on a terminal.",
		),
		process_metrics: key(
			boolean(),
			true,
			"Also serve metrics of the process: memory, event loop delay, garbage collection.",
		),
	},
);
