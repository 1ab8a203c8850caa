import { textOfBytes } from "@cairn/types/proto";

/** The path of a request and the first value of each parameter of its query. */
export interface RequestUri {
	readonly path: string;
	readonly query: ReadonlyMap<string, string>;
}

/** Splits the target of a request (Go's `url.Parse`); null where its path is malformed. */
export function parseRequestUri(target: string): RequestUri | null {
	const hash = target.indexOf("#");
	const url = hash < 0 ? target : target.slice(0, hash);
	const mark = url.indexOf("?");
	const path = unescapeUri(withoutOrigin(mark < 0 ? url : url.slice(0, mark)), false);
	return path === null ? null : { path, query: parseUriQuery(mark < 0 ? "" : url.slice(mark + 1)) };
}

/** Proxies may send the whole address. */
function withoutOrigin(path: string): string {
	const origin = /^https?:\/\/[^/]*/.exec(path)?.[0] ?? "";
	return path.slice(origin.length) || "/";
}

/** `a=1&b=2`: pairs that are malformed are left out, and only the first value of a name counts (Go's `url.ParseQuery`). */
export function parseUriQuery(text: string): ReadonlyMap<string, string> {
	const query = new Map<string, string>();
	for (const pair of text.split("&")) {
		if (pair === "" || pair.includes(";")) continue;
		const equals = pair.indexOf("=");
		const name = unescapeUri(equals < 0 ? pair : pair.slice(0, equals), true);
		const value = unescapeUri(equals < 0 ? "" : pair.slice(equals + 1), true);
		if (name !== null && value !== null && !query.has(name)) query.set(name, value);
	}
	return query;
}

/** Resolves `%xx` (and `+` in queries); null where a percent sign escapes nothing. */
function unescapeUri(text: string, inQuery: boolean): string | null {
	const spaced = inQuery ? text.replaceAll("+", " ") : text;
	if (!spaced.includes("%")) return spaced;
	if (/%(?![0-9a-fA-F]{2})/.test(spaced)) return null;
	const latin1 = Buffer.from(spaced, "utf8").toString("latin1");
	const bytes = latin1.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
	return textOfBytes(Buffer.from(bytes, "latin1"));
}
