import { DecodeError } from "@cairn/kit";
import type { GoJson } from "../parse/go-json.ts";
import type { Route } from "../routes/route.ts";

/** Values for the parameters of a route, from an object by name or an array by place. @throws DecodeError */
export function readParams(route: Route, params: GoJson | null): readonly unknown[] {
	if (params === null || params.kind === "null") return route.params.map(({ kind }) => kind.zero);
	if (params.kind === "object") {
		const members = params.members();
		return route.params.map(({ name, kind }) => {
			const value = members.get(name);
			return value === undefined ? kind.zero : kind.json(value.text);
		});
	}
	if (params.kind !== "array") {
		const why = params.mismatch("[]json.RawMessage").message;
		throw new DecodeError(`unknown type for JSON params: ${why}. Expected map or array`);
	}
	const items = params.items();
	if (items.length !== route.params.length) throw wrongCount(route, items);
	return route.params.map(({ kind }, index) => kind.json(items[index]?.text ?? "null"));
}

/** Go prints what it got as lists of bytes, which helps nobody: texts are shown instead. */
function wrongCount(route: Route, items: readonly GoJson[]): DecodeError {
	const names = route.params.map(({ name }) => name).join(" ");
	const got = items.map(({ text }) => (text.length > 100 ? `${text.slice(0, 100)}…` : text)).join(" ");
	return new DecodeError(`expected ${route.params.length} parameters ([${names}]), got ${items.length} ([${got}])`);
}

/** Values for the parameters of a route from the query of a URI. @throws DecodeError */
export function readUriParams(route: Route, query: ReadonlyMap<string, string>): readonly unknown[] {
	return route.params.map(({ name, kind }) => {
		const text = query.get(name) ?? "";
		return text === "" ? kind.zero : kind.uri(text);
	});
}
