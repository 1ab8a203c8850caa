import { CairnError, type Logger, messageOf, silentLogger } from "@cairn/kit";
import { type handleUnaryCall, Server, ServerCredentials, status } from "@grpc/grpc-js";
import type { Application } from "../application.ts";
import { CallQueue } from "../call-queue.ts";
import { serve } from "../local-client.ts";
import { KINDS, type Kind, METHODS, type RequestOf } from "../methods.ts";
import type { AbciServer } from "../socket/server.ts";
import { grpcTarget } from "./address.ts";
import { GRPC_MESSAGE_OPTIONS, GRPC_SERVICE } from "./service.ts";

export interface GrpcServerOptions {
	/** `host:port`, `tcp://host:port` or `unix://path`. */
	readonly address: string;
	readonly application: Application;
	readonly logger?: Logger;
}

/**
 * Lets nodes reach an application over gRPC (service `tendermint.abci.ABCI`, no TLS, as abci/server/grpc_server.go).
 * Calls are serialised; what the application throws becomes status UNKNOWN with its text.
 * @throws CairnError `grpc-listen` when it cannot listen
 */
export async function serveGrpc(options: GrpcServerOptions): Promise<AbciServer> {
	const logger = (options.logger ?? silentLogger).child({ module: "abci-server" });
	const server = new Server(GRPC_MESSAGE_OPTIONS);
	const queue = new CallQueue();
	const handlers = Object.fromEntries(
		KINDS.map((kind) => [METHODS[kind].rpc, handlerOf(kind, options.application, queue, logger)]),
	);
	server.addService(GRPC_SERVICE, handlers);
	const target = grpcTarget(options.address);
	const port = await new Promise<number>((resolve, reject) => {
		server.bindAsync(target, ServerCredentials.createInsecure(), (cause, bound) => {
			if (cause === null) resolve(bound);
			else reject(listenError(options.address, cause));
		});
	});
	logger.info("listening for nodes", { address: options.address, port });
	return {
		address: target.startsWith("unix:") ? target : target.replace(/:\d+$/, `:${port}`),
		close: async () => server.forceShutdown(),
	};
}

function handlerOf<K extends Kind>(
	kind: K,
	application: Application,
	queue: CallQueue,
	logger: Logger,
): handleUnaryCall<unknown, unknown> {
	return (call, callback) => {
		serve(application, queue, kind, call.request as RequestOf<K>).then(
			(response) => callback(null, response),
			(cause: unknown) => {
				logger.error("the application failed", { method: kind, error: messageOf(cause) });
				callback({ code: status.UNKNOWN, details: messageOf(cause) });
			},
		);
	};
}

function listenError(address: string, cause: Error): CairnError {
	const text = `cannot listen for gRPC on ${address}: ${cause.message}; is another program using it?`;
	return new CairnError("grpc-listen", "operator", text, { address }, cause);
}
