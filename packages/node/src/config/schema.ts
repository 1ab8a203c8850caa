import { camelCase, dotted, type Key, type Section, type Values } from "./key.ts";
import { BASE } from "./sections/base.ts";
import { CONSENSUS } from "./sections/consensus.ts";
import { LIBP2P, LIBP2P_LIMITS, LIBP2P_SCALER } from "./sections/libp2p.ts";
import { MEMPOOL } from "./sections/mempool.ts";
import { CAIRN, INSTRUMENTATION, STORAGE, TX_INDEX } from "./sections/operation.ts";
import { P2P } from "./sections/p2p.ts";
import { RPC } from "./sections/rpc.ts";
import { BLOCKSYNC, STATESYNC } from "./sections/sync.ts";

/**
 * All sections in the order of the file. Defaults, reading, checks, flags, environment and the written file come from
 * here.
 */
export const SECTIONS: readonly Section[] = [
	BASE,
	RPC,
	P2P,
	LIBP2P,
	LIBP2P_SCALER,
	LIBP2P_LIMITS,
	MEMPOOL,
	STATESYNC,
	BLOCKSYNC,
	CONSENSUS,
	STORAGE,
	TX_INDEX,
	INSTRUMENTATION,
	CAIRN,
];

/** Absolute paths of everything that the configuration places in the home folder. */
export interface ConfigPaths {
	readonly home: string;
	readonly configFile: string;
	readonly genesisFile: string;
	readonly privValidatorKeyFile: string;
	readonly privValidatorStateFile: string;
	readonly nodeKeyFile: string;
	readonly dbDir: string;
	readonly addrBookFile: string;
	/** Head of the consensus log; rotated files stand beside it. */
	readonly walFile: string;
	/** Null without TLS. */
	readonly tlsCertFile: string | null;
	readonly tlsKeyFile: string | null;
}

/** The whole configuration. Durations are milliseconds, names are those of config.toml in camelCase. */
export interface Config {
	readonly base: Values<typeof BASE.keys>;
	readonly rpc: Values<typeof RPC.keys>;
	readonly p2p: Values<typeof P2P.keys> & {
		readonly libp2p: Values<typeof LIBP2P.keys> & {
			readonly scaler: Values<typeof LIBP2P_SCALER.keys>;
			readonly limits: Values<typeof LIBP2P_LIMITS.keys>;
		};
	};
	readonly mempool: Values<typeof MEMPOOL.keys>;
	readonly statesync: Values<typeof STATESYNC.keys>;
	readonly blocksync: Values<typeof BLOCKSYNC.keys>;
	readonly consensus: Values<typeof CONSENSUS.keys>;
	readonly storage: Values<typeof STORAGE.keys>;
	readonly txIndex: Values<typeof TX_INDEX.keys>;
	readonly instrumentation: Values<typeof INSTRUMENTATION.keys>;
	readonly cairn: Values<typeof CAIRN.keys>;
	readonly paths: ConfigPaths;
}

/** Values by dotted key as in the file: what reading makes and writing takes. */
export type FlatValues = ReadonlyMap<string, unknown>;

/** Every key with its section: `p2p.laddr`. */
export interface KnownKey {
	readonly dotted: string;
	readonly name: string;
	readonly section: Section;
	readonly key: Key<unknown>;
}

export const KNOWN_KEYS: readonly KnownKey[] = SECTIONS.flatMap((section) =>
	Object.entries(section.keys).map(([name, key]) => ({ dotted: dotted(section.path, name), name, section, key })),
);

/** The defaults, before the host name is put in as moniker. */
export const DEFAULTS: FlatValues = new Map(KNOWN_KEYS.map(({ dotted, key }) => [dotted, key.fallback]));

/** The values of one section by camelCase name. */
export function sectionValues(section: Section, values: FlatValues): Values<Section["keys"]> {
	return Object.fromEntries(
		Object.keys(section.keys).map((name) => [camelCase(name), values.get(dotted(section.path, name))]),
	);
}
