import type { Route } from "../routes/route.ts";

const ESCAPES: Readonly<Record<string, string>> = {
	"&": "&amp;",
	"<": "&lt;",
	">": "&gt;",
	'"': "&#34;",
	"'": "&#39;",
};

/** The page that `/` shows: a link for every route. @param host as the client sent it */
export function endpointListing(routes: ReadonlyMap<string, Route>, host: string): string {
	const safeHost = host.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? "");
	const links: string[] = [];
	for (const name of [...routes.keys()].sort()) {
		const params = routes.get(name)?.params.map((param) => `${param.name}=_`) ?? [];
		const link = `//${safeHost}/${name}?${params.join("&")}`;
		links.push(`<a href="${link}">${link}</a></br>`);
	}
	// Go lists routes without arguments apart; none is, for each takes the call's context.
	const heading = "<br>Available endpoints:<br><br>Endpoints that require arguments:<br>";
	return `<html><body>${heading}${links.join("")}</body></html>`;
}
