import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type Logger, messageOf } from "@cairn/kit";
import { parseRequestUri, parseUriQuery } from "../parse/uri.ts";
import { type Dispatcher, type HttpAnswer, unreadableBody } from "../protocol/dispatcher.ts";
import type { CallContext } from "../routes/route.ts";
import { readBody } from "./body.ts";
import type { Cors } from "./cors.ts";
import { endpointListing } from "./listing.ts";

export interface HttpHandlerParts {
	readonly dispatcher: Dispatcher;
	readonly cors: Cors | null;
	readonly maxBodyBytes: number;
	/** Milliseconds until an answer must have left. */
	readonly writeTimeout: number;
	readonly logger: Logger;
}

const NOT_FOUND: HttpAnswer = {
	status: 404,
	contentType: "text/plain; charset=utf-8",
	cacheable: false,
	body: "404 page not found\n",
};
const NOT_A_WEBSOCKET: HttpAnswer = { ...NOT_FOUND, status: 400, body: "Bad Request\n" };
const BAD_REQUEST: HttpAnswer = { ...NOT_FOUND, status: 400, body: "400 Bad Request" };
const SWEEP_PERIOD = 1_000;

/** Takes HTTP requests to the dispatcher and its answers back. */
export class HttpHandler {
	readonly #parts: HttpHandlerParts;
	/** Answers that have not left, with the time when they must have; the earliest first. */
	readonly #unanswered = new Map<ServerResponse, number>();
	readonly #sweeper: NodeJS.Timeout;

	constructor(parts: HttpHandlerParts) {
		this.#parts = parts;
		this.#sweeper = setInterval(() => this.#sweep(), SWEEP_PERIOD);
		this.#sweeper.unref();
	}

	close(): void {
		clearInterval(this.#sweeper);
	}

	readonly handle = (request: IncomingMessage, response: ServerResponse): void => {
		this.#unanswered.set(response, performance.now() + this.#parts.writeTimeout);
		response.once("close", () => this.#unanswered.delete(response));
		response.setHeader("X-Server-Time", Math.floor(Date.now() / 1000));
		if (this.#parts.cors?.handle(request, response) === true) return;
		readBody(request, this.#parts.maxBodyBytes, (body) => {
			if ("fault" in body) {
				response.setHeader("Connection", "close");
				send(response, unreadableBody(body.fault));
				return;
			}
			this.#answer(request, response, body.text).then(
				(answer) => send(response, answer),
				(cause: unknown) => {
					this.#parts.logger.error("a request failed", { err: messageOf(cause) });
					response.destroy();
				},
			);
		});
	};

	/** Serves a request that asks for an upgrade we do not have (some clients offer HTTP/2 in passing). */
	handleWithoutUpgrade(request: IncomingMessage, socket: Socket): void {
		const response = new ServerResponse(request);
		response.assignSocket(socket);
		response.setHeader("Connection", "close");
		response.once("finish", () => socket.end());
		this.handle(request, response);
	}

	async #answer(request: IncomingMessage, response: ServerResponse, body: string): Promise<HttpAnswer> {
		const { dispatcher } = this.#parts;
		const uri = parseRequestUri(request.url ?? "/");
		if (uri === null) return BAD_REQUEST;
		if (uri.path === "/") {
			if (body !== "") return dispatcher.post(body, new HttpContext(request, response));
			const listing = endpointListing(dispatcher.routes, request.headers.host ?? "");
			return { status: 200, contentType: "text/html", cacheable: false, body: listing };
		}
		const refusal = body === "" ? null : dispatcher.refuse(body);
		if (refusal !== null) return refusal;
		const route = dispatcher.routes.get(uri.path.slice(1));
		if (route === undefined) return uri.path === "/websocket" ? NOT_A_WEBSOCKET : NOT_FOUND;
		return dispatcher.uri(route, queryOf(request, uri.query, body), new HttpContext(request, response));
	}

	/** Ends connections whose clients do not take their answers, or whose answers do not come. */
	#sweep(): void {
		const now = performance.now();
		for (const [response, deadline] of this.#unanswered) {
			if (deadline > now) return;
			this.#unanswered.delete(response);
			response.destroy();
		}
	}
}

/** Parameters may also stand in a form; those in the address come first. */
function queryOf(
	request: IncomingMessage,
	query: ReadonlyMap<string, string>,
	body: string,
): ReadonlyMap<string, string> {
	const type = request.headers["content-type"] ?? "";
	if (body === "" || !type.startsWith("application/x-www-form-urlencoded")) return query;
	return new Map([...parseUriQuery(body), ...[...query].filter(([, value]) => value !== "")]);
}

function send(response: ServerResponse, { status, contentType, cacheable, body }: HttpAnswer): void {
	if (response.destroyed) return;
	response.statusCode = status;
	if (contentType !== null) response.setHeader("Content-Type", contentType);
	if (cacheable) response.setHeader("Cache-Control", "public, max-age=86400");
	if (contentType?.startsWith("text/plain") === true) response.setHeader("X-Content-Type-Options", "nosniff");
	response.setHeader("Content-Length", Buffer.byteLength(body));
	response.end(body);
}

/** A call over HTTP: its client cannot be called back. */
class HttpContext implements CallContext {
	readonly listen = null;
	readonly #request: IncomingMessage;
	readonly #response: ServerResponse;

	constructor(request: IncomingMessage, response: ServerResponse) {
		this.#request = request;
		this.#response = response;
	}

	get client(): string {
		return addressOf(this.#request.socket);
	}

	isGone(): boolean {
		return this.#response.destroyed || this.#request.socket.destroyed;
	}

	onGone(listener: () => void): () => void {
		const response = this.#response;
		response.once("close", listener);
		return () => response.off("close", listener);
	}
}

/** `ip:port` of the other side, as Go writes it; a socket in the file system has none. */
export function addressOf({ remoteAddress = "", remotePort }: Socket): string {
	if (remotePort === undefined) return "@";
	return remoteAddress.includes(":") ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}
