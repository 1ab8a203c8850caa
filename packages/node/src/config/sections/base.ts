import { logLevelBreach } from "../../log/level.ts";
import { key, section } from "../key.ts";
import { boolean, choice, integer, text } from "../kinds.ts";

/**
 * What `cometbft init` of v0.40.0 writes: the program calls itself 0.39.0 because the constant was not raised before
 * the tag (version/version.go).
 */
export const COMETBFT_VERSION = "0.39.0";

const SEMVER =
	/^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/;

/** Keys above the first table (config.go `BaseConfig`). The default moniker is the host name, put in when reading. */
export const BASE = section(
	"",
	"Node",
	"",
	{
		version: key(text(), COMETBFT_VERSION, "Version of CometBFT whose format this file has. Leave it alone.", {
			fileOnly: true,
		}),
		proxy_app: key(
			text("address"),
			"tcp://127.0.0.1:26658",
			"The application: an address (tcp://host:port, unix:///path, for gRPC host:port) or the name of one that is\n" +
				"built in (kvstore, persistent_kvstore, noop).",
			{ flag: { help: "application: an address, or a built-in one (kvstore, persistent_kvstore, noop)" } },
		),
		moniker: key(text("name"), "", "Name of this node, for people.", { flag: { help: "name of this node" } }),
		db_backend: key(
			text("backend"),
			"goleveldb",
			"Format of the databases. Only goleveldb (LevelDB) is supported; the files are those of CometBFT.",
			{ flag: { help: "format of the databases; only goleveldb" } },
		),
		db_dir: key(text("path"), "data", "Folder of the databases.", { flag: { help: "folder of the databases" } }),
		log_level: key(
			text("level"),
			"info",
			"What is logged: debug, info, warn, error or none; or per module, with * for all others:\n" +
				"consensus:debug,p2p:none,*:error.",
		),
		log_format: key(choice(["plain", "json"]), "plain", "Form of log lines: plain (for people) or json."),
		genesis_file: key(text("path"), "config/genesis.json", "The chain's genesis file."),
		priv_validator_key_file: key(text("path"), "config/priv_validator_key.json", "Key that this node votes with."),
		priv_validator_state_file: key(
			text("path"),
			"data/priv_validator_state.json",
			"What that key signed last. Guards against signing twice: never restore it from a backup.",
		),
		priv_validator_laddr: key(
			text("address"),
			"",
			"Listen here for a signer in another process or machine, instead of using the key file: tcp://, unix:// or\n" +
				"noise://<peer id>@ip:port.",
			{ flag: { help: "listen here for an external signer" } },
		),
		node_key_file: key(text("path"), "config/node_key.json", "Key that identifies this node to its peers."),
		abci: key(choice(["socket", "grpc"]), "socket", "How to talk to an application at an address: socket or grpc.", {
			flag: { help: "how to talk to the application: socket or grpc" },
		}),
		filter_peers: key(boolean(), false, "Ask the application whether a new peer may stay."),
		event_bus_buffer_capacity: key(
			integer({ min: 0 }),
			0,
			"Events that may wait between the node and its subscribers before the publisher is slowed down. 0: none.",
		),
	},
	{
		without: { home: "the home folder is chosen with --home or CAIRN_HOME" },
		breaches: (values) => {
			const found = [];
			if (values.version !== "" && !SEMVER.test(values.version)) {
				found.push({
					key: "version",
					what: `"${values.version}" is not a version`,
					fix: `write version = "${COMETBFT_VERSION}"`,
				});
			}
			const level = logLevelBreach(values.logLevel);
			if (level !== undefined) found.push({ key: "log_level", ...level });
			return found;
		},
	},
);
