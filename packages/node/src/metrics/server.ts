import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { CairnError, type Logger, messageOf } from "@cairn/kit";
import { EXPOSITION_CONTENT_TYPE } from "./metrics.ts";

export interface MetricsServerOptions {
	/** `instrumentation.prometheus_listen_addr`: `:26660`, `127.0.0.1:26660`, `[::1]:0`. */
	readonly address: string;
	/** Most answers in the making at a time (`instrumentation.max_open_connections`); 0 for no limit. */
	readonly maxRequests: number;
	readonly exposition: () => Promise<string>;
	readonly logger: Logger;
}

export interface MetricsServer {
	/** `host:port` as it really listens. */
	readonly address: string;
	close(): Promise<void>;
}

/** Time for a client to send its header, as in CometBFT's `readHeaderTimeout`. */
const HEADER_TIMEOUT_MS = 10_000;
/** Time in which a client must have taken the whole answer. */
const ANSWER_TIMEOUT_MS = 30_000;
/** Connections, also idle ones: far above what scrapers need, far below what hurts. */
const MAX_CONNECTIONS = 256;

const compress = promisify(gzip);

/** Serves the metrics over HTTP, on every path as CometBFT does. @throws CairnError `listen` */
export async function startMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
	let running = 0;
	const server = createServer(
		{ headersTimeout: HEADER_TIMEOUT_MS, requestTimeout: HEADER_TIMEOUT_MS },
		(request, response) => {
			running++;
			response.once("close", () => running--);
			response.setTimeout(ANSWER_TIMEOUT_MS, () => response.destroy());
			if (options.maxRequests > 0 && running > options.maxRequests) {
				finish(response, 503, `Limit of concurrent requests reached (${options.maxRequests}), try again later.\n`);
				return;
			}
			answer(request, response, options).catch((error: unknown) => {
				options.logger.error("metrics could not be served", { error });
				if (response.headersSent) response.destroy();
				else finish(response, 500, "metrics could not be served\n");
			});
		},
	);
	server.maxConnections = MAX_CONNECTIONS;
	const { host, port } = splitAddress(options.address);
	await listen(server, host, port, options.address);
	return { address: listeningAddress(server), close: () => close(server) };
}

async function answer(
	request: IncomingMessage,
	response: ServerResponse,
	options: MetricsServerOptions,
): Promise<void> {
	if (request.method !== "GET" && request.method !== "HEAD") {
		response.setHeader("Allow", "GET, HEAD");
		finish(response, 405, "only GET\n");
		return;
	}
	const text = await options.exposition();
	response.setHeader("Content-Type", EXPOSITION_CONTENT_TYPE);
	if (!/\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""))) {
		response.end(text);
		return;
	}
	response.setHeader("Content-Encoding", "gzip");
	response.end(await compress(text));
}

function finish(response: ServerResponse, status: number, text: string): void {
	response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" });
	response.end(text);
}

function splitAddress(address: string): { host: string | undefined; port: number } {
	const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(address);
	if (match === null || Number(match[3]) > 65_535) {
		throw new CairnError(
			"listen",
			"operator",
			`cannot serve metrics at "${address}"; ` +
				'write host:port, for example ":26660", as instrumentation.prometheus_listen_addr',
			{ address },
		);
	}
	const host = match[1] ?? match[2] ?? "";
	return { host: host === "" ? undefined : host, port: Number(match[3]) };
}

async function listen(server: Server, host: string | undefined, port: number, address: string): Promise<void> {
	await new Promise<void>((resolve, reject) => {
		server.once("error", reject);
		server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
			server.off("error", reject);
			resolve();
		});
	}).catch((error: unknown) => {
		throw new CairnError(
			"listen",
			"operator",
			`cannot serve metrics at ${address}: ${messageOf(error)}; ` +
				"free the port or change instrumentation.prometheus_listen_addr",
			{ address },
			error,
		);
	});
}

function listeningAddress(server: Server): string {
	const at = server.address();
	if (at === null || typeof at === "string") return String(at);
	return at.family === "IPv6" ? `[${at.address}]:${at.port}` : `${at.address}:${at.port}`;
}

async function close(server: Server): Promise<void> {
	await new Promise<void>((resolve) => {
		server.close(() => resolve());
		server.closeAllConnections();
	});
}
