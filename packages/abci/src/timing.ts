import type { Clock, Metrics } from "@cairn/kit";
import { interceptClient } from "./client.ts";
import { type AppConnections, mapConnections } from "./connections.ts";
import { METHODS } from "./methods.ts";

/** Seconds; the buckets of proxy/metrics.go. */
const BUCKETS: readonly number[] = [0.0001, 0.0004, 0.002, 0.009, 0.02, 0.1, 0.65, 2, 6, 25];

/**
 * Measures how long each call takes to be answered: `abci_connection_method_timing_seconds`. CheckTx on the mempool
 * connection is pipelined and counts as `async`; CometBFT measures only its sending there, we measure the answer.
 */
export function timedConnections(connections: AppConnections, metrics: Metrics, clock: Clock): AppConnections {
	const timing = metrics.histogram("abci_connection_method_timing_seconds", "Timing for each ABCI method.", BUCKETS, [
		"method",
		"type",
	]);
	return mapConnections(connections, (client, name) =>
		interceptClient(client, async (kind, request, proceed) => {
			const start = clock.mono();
			try {
				return await proceed(request);
			} finally {
				const type = name === "mempool" && kind === "checkTx" ? "async" : "sync";
				timing.observe((clock.mono() - start) / 1000, { method: METHODS[kind].label, type });
			}
		}),
	);
}
