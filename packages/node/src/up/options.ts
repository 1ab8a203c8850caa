/** What `cairn up` was asked for. Null: not said on the command line. */
export interface UpOptions {
	/** Absolute path of the folder that holds the nodes' homes. */
	readonly home: string;
	readonly validators: number | null;
	readonly devices: number | null;
	/** How long the network runs once it is up, in milliseconds; null: until it is stopped. */
	readonly durationMs: number | null;
	/** Begin a new chain, whatever the folder holds of an older one. */
	readonly fresh: boolean;
	readonly baseIp: string | null;
	readonly basePort: number | null;
	/** Absolute path; null: `report.json` in the home. */
	readonly reportFile: string | null;
	/** Draw a live view where there is a terminal. */
	readonly tui: boolean;
}

/** What a new network is made with where nothing was said. */
export const UP_DEFAULTS = {
	home: ".cairn",
	validators: 4,
	devices: 20,
	baseIp: "127.0.0.1",
	basePort: 26_656,
} as const;

/** Ports that each node takes, beginning at the base and ten apart. */
export const PORTS_PER_NODE = 10;

/** As many nodes as one machine can reasonably run; each is a process. */
export const MAX_VALIDATORS = 64;

/** As many devices as one process can reasonably play. */
export const MAX_DEVICES = 5_000;
