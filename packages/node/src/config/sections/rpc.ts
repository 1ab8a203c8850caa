import { key, section } from "../key.ts";
import { boolean, duration, integer, text, textList } from "../kinds.ts";

const MIN_SUBSCRIPTION_BUFFER = 100;

/** The JSON-RPC, WebSocket and gRPC servers (config.go `RPCConfig`). */
export const RPC = section(
	"rpc",
	"RPC server",
	"",
	{
		laddr: key(
			text("address"),
			"tcp://127.0.0.1:26657",
			"Listen here for JSON-RPC over HTTP and WebSocket. Several addresses: separate them by commas. Empty: no server.",
			{ flag: { help: "address of the RPC server; a port is needed" } },
		),
		cors_allowed_origins: key(textList(), [], 'Web pages of these origins may call. "*" allows all; [] none.'),
		cors_allowed_methods: key(textList(), ["HEAD", "GET", "POST"], "HTTP methods that such pages may use."),
		cors_allowed_headers: key(
			textList(),
			["Origin", "Accept", "Content-Type", "X-Requested-With", "X-Server-Time"],
			"HTTP headers that such pages may send.",
		),
		grpc_laddr: key(text("address"), "", "Listen here for gRPC (only Ping and BroadcastTx). Empty: no server.", {
			flag: { help: "address of the gRPC server (only BroadcastTx); a port is needed" },
		}),
		grpc_max_open_connections: key(integer({ min: 0 }), 900, "Most gRPC connections at a time. 0: no limit."),
		unsafe: key(
			boolean(),
			false,
			"Offer the operator's routes (dial_seeds, dial_peers, unsafe_flush_mempool) to everybody.",
			{
				flag: { help: "offer the unsafe routes" },
			},
		),
		max_open_connections: key(
			integer({ min: 0 }),
			900,
			"Most HTTP and WebSocket connections at a time. 0: no limit. Stay below the limit of open files (ulimit -n),\n" +
				"less the peers and some fifty for logs and databases.",
		),
		max_subscription_clients: key(
			integer({ min: 0 }),
			100,
			"Most clients that may hold subscriptions; each broadcast_tx_commit that waits counts as one.",
		),
		max_subscriptions_per_client: key(integer({ min: 0 }), 5, "Most subscriptions of one client."),
		experimental_subscription_buffer_size: key(
			integer(),
			200,
			"Events that may wait for one subscription before it is ended. At least 100.",
		),
		experimental_websocket_write_buffer_size: key(
			integer(),
			200,
			"Answers that may wait for one WebSocket client. At least experimental_subscription_buffer_size.",
		),
		experimental_close_on_slow_client: key(
			boolean(),
			false,
			"Disconnect a WebSocket client that reads too slowly, instead of dropping its events silently.",
		),
		timeout_broadcast_tx_commit: key(
			duration(),
			10_000,
			"How long broadcast_tx_commit waits for the block. More than 10s also lengthens the time allowed for every answer.",
		),
		max_request_batch_size: key(integer({ min: 0 }), 10, "Most requests in one JSON-RPC batch. 0: no limit."),
		max_body_bytes: key(integer({ min: 0 }), 1_000_000, "Largest body of a request, in bytes."),
		max_header_bytes: key(integer({ min: 0 }), 1_048_576, "Largest HTTP header of a request, in bytes."),
		tls_cert_file: key(
			text("path"),
			"",
			"Certificate (with its chain) for HTTPS, absolute or relative to the config folder. Needs tls_key_file too;\n" +
				"without both the server speaks plain HTTP.",
		),
		tls_key_file: key(text("path"), "", "Private key of that certificate, absolute or relative to the config folder."),
		pprof_laddr: key(text("address"), "", "Go's profiler; Cairn has none and warns when this is set.", {
			flag: { help: "accepted and ignored: Go's profiler does not exist here" },
		}),
	},
	{
		without: { home: "the home folder is chosen with --home or CAIRN_HOME" },
		breaches: (values) => {
			const buffer = values.experimentalSubscriptionBufferSize;
			const found = [];
			if (buffer < MIN_SUBSCRIPTION_BUFFER) {
				found.push({
					key: "experimental_subscription_buffer_size",
					what: `${buffer} is too small`,
					fix: `write at least ${MIN_SUBSCRIPTION_BUFFER}`,
				});
			}
			if (values.experimentalWebsocketWriteBufferSize < buffer) {
				found.push({
					key: "experimental_websocket_write_buffer_size",
					what: `${values.experimentalWebsocketWriteBufferSize} is less than experimental_subscription_buffer_size`,
					fix: `write at least ${buffer}`,
				});
			}
			return found;
		},
	},
);
