// Shared by the tests of this package; holds no tests itself.
import { request } from "node:http";

export interface HttpRequest {
	readonly method: string;
	readonly path: string;
	readonly body?: string | null;
	readonly headers?: Readonly<Record<string, string>>;
}

export interface HttpResponse {
	readonly status: number;
	readonly headers: Readonly<Record<string, string | string[] | undefined>>;
	readonly body: string;
}

/** One request on a connection of its own. @param address `ip:port` */
export function fetchFrom(address: string, { method, path, body, headers }: HttpRequest): Promise<HttpResponse> {
	const { hostname, port } = new URL(`http://${address}`);
	return new Promise((resolve, reject) => {
		const length = Buffer.byteLength(body ?? "");
		const outgoing = request(
			{ hostname, port, method, path, headers: { "content-length": length, ...headers } },
			(incoming) => {
				const chunks: Buffer[] = [];
				incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
				incoming.on("error", reject);
				incoming.on("end", () => {
					const text = Buffer.concat(chunks).toString("utf8");
					resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text });
				});
			},
		);
		outgoing.on("error", reject);
		outgoing.end(body ?? undefined);
	});
}

/** A JSON-RPC call with params. */
export function postCall(address: string, body: string): Promise<HttpResponse> {
	return fetchFrom(address, { method: "POST", path: "/", body });
}
