import type { IncomingMessage, ServerResponse } from "node:http";
import type { ServerOptions } from "./options.ts";

type CorsOptions = Pick<ServerOptions, "corsAllowedOrigins" | "corsAllowedMethods" | "corsAllowedHeaders">;

/** Which web pages of other origins may call (github.com/rs/cors, as CometBFT sets it up). */
export class Cors {
	readonly #origins: readonly string[];
	readonly #methods: readonly string[];
	readonly #headers: ReadonlySet<string>;

	private constructor(options: CorsOptions) {
		this.#origins = options.corsAllowedOrigins.map((origin) => origin.toLowerCase());
		this.#methods = options.corsAllowedMethods.length > 0 ? options.corsAllowedMethods : ["GET", "POST", "HEAD"];
		const headers = options.corsAllowedHeaders;
		const names = headers.length > 0 ? headers : ["accept", "content-type", "x-requested-with"];
		this.#headers = new Set(names.map((name) => name.toLowerCase()));
	}

	/** Null where no origins are allowed: then no header is set. */
	static of(options: CorsOptions): Cors | null {
		return options.corsAllowedOrigins.length === 0 ? null : new Cors(options);
	}

	/** Sets the headers for a request. True if that has answered it (a preflight). */
	handle(request: IncomingMessage, response: ServerResponse): boolean {
		const wanted = request.headers["access-control-request-method"];
		if (request.method !== "OPTIONS" || wanted === undefined) {
			response.setHeader("Vary", "Origin");
			this.#allow(request, response, request.method ?? "");
			return false;
		}
		response.setHeader("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
		const headers = request.headers["access-control-request-headers"] ?? "";
		if (this.#allowsHeaders(headers) && this.#allow(request, response, wanted)) {
			response.setHeader("Access-Control-Allow-Methods", wanted);
			if (headers !== "") response.setHeader("Access-Control-Allow-Headers", headers);
		}
		response.writeHead(204).end();
		return true;
	}

	#allow(request: IncomingMessage, response: ServerResponse, method: string): boolean {
		const { origin } = request.headers;
		if (origin === undefined || !this.#allowsOrigin(origin.toLowerCase())) return false;
		if (method !== "OPTIONS" && !this.#methods.includes(method)) return false;
		response.setHeader("Access-Control-Allow-Origin", this.#origins.includes("*") ? "*" : origin);
		return true;
	}

	#allowsOrigin(origin: string): boolean {
		return this.#origins.some((allowed) => {
			const star = allowed.indexOf("*");
			if (star < 0) return allowed === origin;
			const [start, end] = [allowed.slice(0, star), allowed.slice(star + 1)];
			return origin.length >= start.length + end.length && origin.startsWith(start) && origin.endsWith(end);
		});
	}

	#allowsHeaders(list: string): boolean {
		if (this.#headers.has("*")) return true;
		const names = list.split(",").map((name) => name.trim().toLowerCase());
		return names.every((name) => name === "" || this.#headers.has(name));
	}
}
