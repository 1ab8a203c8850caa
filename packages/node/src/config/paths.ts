import { isAbsolute, join } from "node:path";
import type { ConfigPaths, FlatValues } from "./schema.ts";

/** Where config.toml is in a home folder. */
export function configFileOf(home: string): string {
	return join(home, "config", "config.toml");
}

function under(folder: string, path: string): string {
	return isAbsolute(path) ? path : join(folder, path);
}

/**
 * Resolves the paths of a configuration against its home folder, TLS files against its config folder, as CometBFT
 * does.
 */
export function resolvePaths(home: string, values: FlatValues): ConfigPaths {
	const path = (key: string): string => under(home, String(values.get(key)));
	const tls = (key: string): string | null => {
		const both = values.get("rpc.tls_cert_file") !== "" && values.get("rpc.tls_key_file") !== "";
		return both ? under(join(home, "config"), String(values.get(key))) : null;
	};
	return {
		home,
		configFile: configFileOf(home),
		genesisFile: path("genesis_file"),
		privValidatorKeyFile: path("priv_validator_key_file"),
		privValidatorStateFile: path("priv_validator_state_file"),
		nodeKeyFile: path("node_key_file"),
		dbDir: path("db_dir"),
		addrBookFile: path("p2p.addr_book_file"),
		walFile: path("consensus.wal_file"),
		tlsCertFile: tls("rpc.tls_cert_file"),
		tlsKeyFile: tls("rpc.tls_key_file"),
	};
}
