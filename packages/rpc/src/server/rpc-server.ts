import { createServer, type ServerOptions as HttpOptions, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { CairnError, type Logger, messageOf } from "@cairn/kit";
import type { Dispatcher } from "../protocol/dispatcher.ts";
import type { Subscriptions } from "../subscriptions/subscriptions.ts";
import { limitConnections } from "./connection-limit.ts";
import { Cors } from "./cors.ts";
import { HttpHandler } from "./http-handler.ts";
import { READ_TIMEOUT, type ServerOptions, writeTimeoutOf } from "./options.ts";
import { WebSocketServer } from "./web-socket-server.ts";

export interface RpcServerParts {
	readonly dispatcher: Dispatcher;
	readonly subscriptions: Subscriptions;
	readonly logger: Logger;
}

/** The RPC of a node, listening. */
export interface RpcServer {
	/** Where it really listens, with the ports that were assigned for port 0, in the order of the options. */
	readonly addresses: readonly string[];
	/** Stops listening, ends all connections and subscriptions. */
	close(): Promise<void>;
}

/** What subscribers hear when the server stops, as from CometBFT. */
const FAREWELL_REASON = "CometBFT exited";
/** Milliseconds between looks for connections whose requests do not arrive in time. */
const CHECK_PERIOD = 1_000;

/** Serves JSON-RPC over HTTP and WebSocket. @throws CairnError `rpc-listen` of blame "operator" that names the address */
export async function startRpcServer(options: ServerOptions, parts: RpcServerParts): Promise<RpcServer> {
	const { logger, dispatcher, subscriptions } = parts;
	const handler = new HttpHandler({
		dispatcher,
		cors: Cors.of(options),
		maxBodyBytes: options.maxBodyBytes,
		writeTimeout: writeTimeoutOf(options),
		logger,
	});
	const sockets = new WebSocketServer(options.maxBodyBytes, {
		dispatcher,
		subscriptions,
		logger: logger.child({ protocol: "websocket" }),
		subscriptionBufferSize: options.subscriptionBufferSize,
		writeBufferSize: options.websocketWriteBufferSize,
		closeOnSlowClient: options.closeOnSlowClient,
	});
	const servers: Server[] = [];
	const close = async (): Promise<void> => {
		const closed = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
		subscriptions.cancelAll(FAREWELL_REASON);
		// What was just refused can still leave.
		await new Promise((resolve) => setImmediate(resolve));
		await sockets.close();
		for (const server of servers) server.closeAllConnections();
		await Promise.all(closed);
		handler.close();
	};
	const addresses: string[] = [];
	try {
		for (const address of options.addresses) {
			const server = makeServer(options, handler, sockets);
			addresses.push(await listen(server, address));
			servers.push(server);
			logger.info("Starting RPC HTTP server", { address: addresses.at(-1) });
		}
	} catch (cause) {
		await close();
		throw cause;
	}
	return { addresses, close };
}

function makeServer(options: ServerOptions, handler: HttpHandler, sockets: WebSocketServer): Server {
	const http: HttpOptions = {
		maxHeaderSize: options.maxHeaderBytes,
		headersTimeout: READ_TIMEOUT,
		requestTimeout: READ_TIMEOUT,
		keepAliveTimeout: READ_TIMEOUT,
		connectionsCheckingInterval: CHECK_PERIOD,
	};
	const { tls } = options;
	const server = tls === null ? createServer(http, handler.handle) : secureServer({ ...http, ...tls }, handler);
	server.on("upgrade", (request, socket: Socket, head: Buffer) => {
		const isWebSocket = request.headers.upgrade?.toLowerCase() === "websocket";
		const path = request.url?.split("?", 1)[0];
		if (isWebSocket && path === "/websocket") sockets.upgrade(request, socket, head);
		else handler.handleWithoutUpgrade(request, socket);
	});
	limitConnections(server, options.maxOpenConnections);
	return server;
}

function secureServer(
	options: HttpOptions & { readonly cert: string; readonly key: string },
	handler: HttpHandler,
): Server {
	try {
		return createTlsServer(options, handler.handle) as unknown as Server;
	} catch (cause) {
		const text = `rpc.tls_cert_file and rpc.tls_key_file cannot be used: ${messageOf(cause)}`;
		throw new CairnError("rpc-tls", "operator", text, {}, cause);
	}
}

/** Resolves with the address it really listens on. */
function listen(server: Server, address: string): Promise<string> {
	const target = listenTarget(address);
	return new Promise((resolve, reject) => {
		server.once("error", (cause) => {
			const text = `rpc.laddr: cannot listen on ${address}: ${messageOf(cause)}`;
			reject(new CairnError("rpc-listen", "operator", text, { address }, cause));
		});
		server.listen(target, () => {
			server.removeAllListeners("error");
			resolve(boundAddress(server.address(), address));
		});
	});
}

function listenTarget(address: string): { readonly path: string } | { readonly host?: string; readonly port: number } {
	const path = /^unix:\/\/(.+)$/.exec(address)?.[1];
	if (path !== undefined) return { path };
	const match = /^tcp:\/\/(\[[^\]]*\]|[^:[\]]*):(\d+)$/.exec(address);
	if (match === null) {
		const text = `invalid listening address ${address} (use fully formed addresses, including the tcp:// or unix:// prefix)`;
		throw new CairnError("rpc-listen", "operator", `rpc.laddr: ${text}`, { address });
	}
	const host = (match[1] ?? "").replace(/^\[|\]$/g, "");
	return host === "" ? { port: Number(match[2]) } : { host, port: Number(match[2]) };
}

function boundAddress(bound: AddressInfo | string | null, wanted: string): string {
	if (bound === null || typeof bound === "string") return wanted;
	return bound.address.includes(":") ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`;
}
