import { CairnError, type Logger, messageOf, silentLogger, type World } from "@cairn/kit";
import type { AbciClient } from "../client.ts";
import { unreachableError } from "../errors.ts";
import { pause } from "../pause.ts";
import { SOCKET_LIMITS, type SocketLimits, socketClient } from "./client.ts";

export interface SocketClientOptions {
	readonly world: Pick<World, "network" | "timers">;
	/** `tcp://host:port`, `host:port` or `unix://path`. */
	readonly address: string;
	readonly logger?: Logger;
	readonly limits?: SocketLimits;
	/** Gives up waiting for the application when aborted. */
	readonly signal?: AbortSignal;
}

/** CometBFT's dialRetryIntervalSeconds. */
const RETRY_MS = 3000;
const DIAL_TIMEOUT_MS = 10_000;

/**
 * Connects to an application that serves the socket protocol; while nobody listens it tries again, for ever.
 * @throws CairnError `bad-address`; AbciError `abci-unreachable` when the wait was aborted
 */
export async function connectSocket(options: SocketClientOptions): Promise<AbciClient> {
	const { world, signal } = options;
	const logger = options.logger ?? silentLogger;
	const address = options.address.includes("://") ? options.address : `tcp://${options.address}`;
	while (signal?.aborted !== true) {
		try {
			const connection = await world.network.dial(address, DIAL_TIMEOUT_MS);
			return socketClient(connection, address, options.limits ?? SOCKET_LIMITS);
		} catch (cause) {
			if (cause instanceof CairnError && cause.code === "bad-address") throw cause;
			logger.error(`the application does not answer yet; trying again in ${RETRY_MS / 1000} s`, {
				address,
				error: messageOf(cause),
			});
			await pause(world.timers, RETRY_MS, signal);
		}
	}
	throw unreachableError(address);
}
