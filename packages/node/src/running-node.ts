import type { Logger, World } from "@cairn/kit";
import type { Config } from "./config/schema.ts";

export interface StartNodeOptions {
	/** Absolute path of the home folder. */
	readonly home: string;
	readonly config: Config;
	readonly logger: Logger;
	readonly world: World;
}

/** Why a node is no longer running. */
export interface StopReason {
	readonly reason: string;
	/** Absent after an orderly stop. */
	readonly error?: unknown;
}

/** A node that is up. */
export interface RunningNode {
	/**
	 * Stops in order: everything promised is durable, peers are told. Resolves when all is closed; may be called
	 * repeatedly.
	 */
	stop(): Promise<void>;
	/** Takes over what may change while the node runs: `consensus.timeout_*` and `consensus.skip_timeout_commit`. */
	tune(config: Config): void;
	/** Where it really listens, with the ports that were assigned for port 0; null for what is off. */
	readonly addresses: {
		readonly rpc: string | null;
		readonly p2p: string;
		readonly metrics: string | null;
		readonly grpc: string | null;
	};
	/** Resolves once the node has stopped, of itself or after `stop`. Never rejects. */
	readonly stopped: Promise<StopReason>;
}

/** Composes and starts a node; resolves when it is up. @throws CairnError that says what to do */
export type StartNode = (options: StartNodeOptions) => Promise<RunningNode>;
