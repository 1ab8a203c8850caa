import { interceptClient } from "./client.ts";
import { type AppConnections, type ConnectionName, mapConnections } from "./connections.ts";
import type { Kind, RequestOf, ResponseOf } from "./methods.ts";

/** One call, as the node made it. */
export type AbciCall = {
	[K in Kind]: { readonly connection: ConnectionName; readonly kind: K; readonly request: RequestOf<K> };
}[Kind];

/** One answer, beside the call it belongs to. */
export type AbciAnswer = {
	[K in Kind]: {
		readonly connection: ConnectionName;
		readonly kind: K;
		readonly request: RequestOf<K>;
		readonly response: ResponseOf<K>;
	};
}[Kind];

/** Hears what goes over the connections. What it throws fails the call. */
export interface AbciRecorder {
	/** In the order of the calls, before each is made. */
	onCall?(call: AbciCall): void;
	/** In the order of the answers; calls that fail have none. */
	onAnswer?(answer: AbciAnswer): void;
}

/** The same connections with a recorder on them: for tests, traces and the grammar checker. */
export function recordingConnections(connections: AppConnections, recorder: AbciRecorder): AppConnections {
	return mapConnections(connections, (client, connection) =>
		interceptClient(client, async (kind, request, proceed) => {
			recorder.onCall?.({ connection, kind, request } as unknown as AbciCall);
			const response = await proceed(request);
			recorder.onAnswer?.({ connection, kind, request, response } as unknown as AbciAnswer);
			return response;
		}),
	);
}
