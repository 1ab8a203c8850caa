import type { AbciError } from "./errors.ts";
import type { Kind, Method, RequestOf, ResponseOf } from "./methods.ts";

/** An application as the node sees it: every method answers later. @throws (as rejections) AbciError */
export type AbciCalls = {
	readonly [M in Method]: (request: RequestOf<M>) => Promise<ResponseOf<M>>;
};

/**
 * One connection to an application. Calls may be pipelined: they are executed, and their promises resolved, in the order
 * in which they were made (over gRPC this holds for `checkTx` and `flush`).
 */
export interface AbciClient extends AbciCalls {
	/** The application's side answers with the same text. */
	echo(message: string): Promise<string>;
	/** Resolves once every call made before it has been answered. */
	flush(): Promise<void>;
	/** Called once when the connection can no longer be used, unless we closed it; at once if that has happened. */
	onError(callback: (error: AbciError) => void): void;
	/** Closes the connection; what still waits is rejected with `abci-closed`. */
	close(): Promise<void>;
}

/** What a kind of connection has to provide; `clientOf` makes a client of it. */
export interface Transport {
	/** Echo and Flush are calls like the others here. */
	call<K extends Kind>(kind: K, request: RequestOf<K>): Promise<ResponseOf<K>>;
	onError(callback: (error: AbciError) => void): void;
	close(): Promise<void>;
}

/** The client on top of a transport. */
export function clientOf(transport: Transport): AbciClient {
	return {
		echo: async (message) => (await transport.call("echo", { message })).message,
		flush: async () => {
			await transport.call("flush", {});
		},
		info: (request) => transport.call("info", request),
		query: (request) => transport.call("query", request),
		checkTx: (request) => transport.call("checkTx", request),
		insertTx: (request) => transport.call("insertTx", request),
		reapTxs: (request) => transport.call("reapTxs", request),
		initChain: (request) => transport.call("initChain", request),
		prepareProposal: (request) => transport.call("prepareProposal", request),
		processProposal: (request) => transport.call("processProposal", request),
		extendVote: (request) => transport.call("extendVote", request),
		verifyVoteExtension: (request) => transport.call("verifyVoteExtension", request),
		finalizeBlock: (request) => transport.call("finalizeBlock", request),
		commit: (request) => transport.call("commit", request),
		listSnapshots: (request) => transport.call("listSnapshots", request),
		offerSnapshot: (request) => transport.call("offerSnapshot", request),
		loadSnapshotChunk: (request) => transport.call("loadSnapshotChunk", request),
		applySnapshotChunk: (request) => transport.call("applySnapshotChunk", request),
		onError: (callback) => transport.onError(callback),
		close: () => transport.close(),
	};
}

/** Sees every call of a connection: `proceed` makes it. */
export type Intercept = <K extends Kind>(
	kind: K,
	request: RequestOf<K>,
	proceed: (request: RequestOf<K>) => Promise<ResponseOf<K>>,
) => Promise<ResponseOf<K>>;

/** The same connection with something around each call (timing, recording, faults of a simulation). */
export function interceptClient(client: AbciClient, intercept: Intercept): AbciClient {
	const calls: AbciCalls = client;
	return clientOf({
		call: <K extends Kind>(kind: K, request: RequestOf<K>) =>
			intercept(kind, request, (changed) => callOf(client, calls, kind, changed)),
		onError: (callback) => client.onError(callback),
		close: () => client.close(),
	});
}

function callOf<K extends Kind>(
	client: AbciClient,
	calls: AbciCalls,
	kind: K,
	request: RequestOf<K>,
): Promise<ResponseOf<K>> {
	if (kind === "echo") {
		const { message } = request as RequestOf<"echo">;
		return client.echo(message).then((echoed) => ({ message: echoed }) as ResponseOf<K>);
	}
	if (kind === "flush") return client.flush().then(() => ({}) as ResponseOf<K>);
	const call = calls[kind as Method] as unknown as (request: RequestOf<K>) => Promise<ResponseOf<K>>;
	return call(request);
}
