import type { IncomingMessage } from "node:http";

/** What a request carries, or why that cannot be had. */
export type Body = { readonly text: string } | { readonly fault: string };

const TOO_LARGE: Body = { fault: "http: request body too large" };

/** Reads the body of a request as text; bytes that are no UTF-8 become U+FFFD. Calls back once, at once where there is none. */
export function readBody(request: IncomingMessage, maxBytes: number, done: (body: Body) => void): void {
	const announced = request.headers["content-length"];
	if ((announced === undefined || announced === "0") && request.headers["transfer-encoding"] === undefined) {
		request.resume();
		done({ text: "" });
		return;
	}
	if (Number(announced ?? 0) > maxBytes) {
		request.resume();
		done(TOO_LARGE);
		return;
	}
	const chunks: Buffer[] = [];
	let length = 0;
	let isDone = false;
	const finish = (body: Body): void => {
		if (isDone) return;
		isDone = true;
		done(body);
	};
	request.on("data", (chunk: Buffer) => {
		if (isDone) return;
		length += chunk.length;
		if (length > maxBytes) {
			chunks.length = 0;
			finish(TOO_LARGE);
		} else chunks.push(chunk);
	});
	request.on("end", () => {
		const [first] = chunks;
		finish({ text: first === undefined ? "" : (chunks.length === 1 ? first : Buffer.concat(chunks)).toString("utf8") });
	});
	request.on("error", () => finish({ fault: "unexpected EOF" }));
	request.on("close", () => finish({ fault: "unexpected EOF" }));
}
