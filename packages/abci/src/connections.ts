import { type Logger, silentLogger, type World } from "@cairn/kit";
import type { Application } from "./application.ts";
import { CallQueue } from "./call-queue.ts";
import type { AbciClient } from "./client.ts";
import type { AbciError } from "./errors.ts";
import { connectGrpc } from "./grpc/client.ts";
import { localClient } from "./local-client.ts";
import { connectSocket } from "./socket/dial.ts";

/** The four connections of a node to its application (proxy/multi_app_conn.go). */
export type ConnectionName = "query" | "snapshot" | "mempool" | "consensus";

/** In the order in which CometBFT opens them. */
export const CONNECTION_NAMES: readonly ConnectionName[] = ["query", "snapshot", "mempool", "consensus"];

/** What the consensus connection is for. */
export type ConsensusConnection = Pick<
	AbciClient,
	| "initChain"
	| "prepareProposal"
	| "processProposal"
	| "extendVote"
	| "verifyVoteExtension"
	| "finalizeBlock"
	| "commit"
>;
/** What the mempool connection is for. */
export type MempoolConnection = Pick<AbciClient, "checkTx" | "insertTx" | "reapTxs" | "flush">;
/** What the query connection is for. */
export type QueryConnection = Pick<AbciClient, "echo" | "info" | "query">;
/** What the snapshot connection is for. */
export type SnapshotConnection = Pick<
	AbciClient,
	"listSnapshots" | "offerSnapshot" | "loadSnapshotChunk" | "applySnapshotChunk"
>;

export interface AppConnections {
	readonly query: AbciClient;
	readonly snapshot: AbciClient;
	readonly mempool: AbciClient;
	readonly consensus: AbciClient;
	/**
	 * Called once, for the first connection that can no longer be used: the node must stop, because an application that
	 * comes back may have lost state and has to be brought up to date by a new start.
	 */
	onError(callback: (error: AbciError, connection: ConnectionName) => void): void;
	/** Closes the four connections, and an application in this process with them. */
	close(): Promise<void>;
}

/** Puts four clients together; `closeApplication` runs after they are closed. */
export function connectionsOf(
	clients: Readonly<Record<ConnectionName, AbciClient>>,
	closeApplication: () => Promise<void> = async () => {},
): AppConnections {
	return {
		...clients,
		onError: (callback) => {
			let isFirst = true;
			for (const name of CONNECTION_NAMES) {
				clients[name].onError((error) => {
					if (isFirst) callback(error, name);
					isFirst = false;
				});
			}
		},
		close: async () => {
			for (const name of CONNECTION_NAMES) await clients[name].close();
			await closeApplication();
		},
	};
}

/** The same connections, each through `change`. */
export function mapConnections(
	connections: AppConnections,
	change: (client: AbciClient, name: ConnectionName) => AbciClient,
): AppConnections {
	return {
		query: change(connections.query, "query"),
		snapshot: change(connections.snapshot, "snapshot"),
		mempool: change(connections.mempool, "mempool"),
		consensus: change(connections.consensus, "consensus"),
		onError: (callback) => connections.onError(callback),
		close: () => connections.close(),
	};
}

/** How calls to an application in this process exclude each other. */
export interface LocalOptions {
	/** Only within a connection (CometBFT's `_connsync` applications), not between the four. */
	readonly perConnection?: boolean;
}

/** Connections to an application in this process. Its calls are serialised over all four, unless told otherwise. */
export function localConnections(application: Application, options: LocalOptions = {}): AppConnections {
	const shared = new CallQueue();
	const client = (): AbciClient => localClient(application, options.perConnection === true ? new CallQueue() : shared);
	const clients = { query: client(), snapshot: client(), mempool: client(), consensus: client() };
	return connectionsOf(clients, async () => {
		await application.close?.();
	});
}

export interface RemoteOptions {
	readonly world: World;
	readonly address: string;
	readonly logger?: Logger;
	/** Gives up waiting for the application when aborted. */
	readonly signal?: AbortSignal;
}

/** Four socket connections; waits for an application that does not listen yet. @throws as `connectSocket` */
export function socketConnections(options: RemoteOptions): Promise<AppConnections> {
	return remoteConnections(options, connectSocket);
}

/** Four gRPC connections; waits for an application that does not answer yet. @throws as `connectGrpc` */
export function grpcConnections(options: RemoteOptions): Promise<AppConnections> {
	return remoteConnections(options, connectGrpc);
}

async function remoteConnections(
	options: RemoteOptions,
	connect: (options: RemoteOptions) => Promise<AbciClient>,
): Promise<AppConnections> {
	const logger = (options.logger ?? silentLogger).child({ module: "abci-client" });
	const open: AbciClient[] = [];
	const next = async (name: ConnectionName): Promise<AbciClient> => {
		const client = await connect({ ...options, logger: logger.child({ connection: name }) });
		open.push(client);
		return client;
	};
	try {
		return connectionsOf({
			query: await next("query"),
			snapshot: await next("snapshot"),
			mempool: await next("mempool"),
			consensus: await next("consensus"),
		});
	} catch (cause) {
		for (const client of open) await client.close();
		throw cause;
	}
}
