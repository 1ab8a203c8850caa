/** Lines (from 1) of the keys and tables of a TOML document, by lower-case dotted path. */
export type KeyLines = ReadonlyMap<string, number>;

/**
 * Finds the line of every key and table header. The text must already have parsed as TOML: this only tells where things
 * are, so that messages can. Of a repeated table (`[[x]]`) the first counts.
 */
export function locateKeys(text: string): KeyLines {
	const lines = new Map<string, number>();
	const note = (path: string, line: number) => {
		if (!lines.has(path)) lines.set(path, line);
	};
	let table = "";
	let open: Open = { depth: 0, quote: "" };
	for (const [index, line] of text.split("\n").entries()) {
		if (open.depth > 0 || open.quote !== "") {
			open = scanValue(line, open);
			continue;
		}
		const header = /^\s*\[\[?([^\]]+)\]/.exec(line);
		if (header !== null) {
			table = normalPath(header[1] ?? "");
			note(table, index + 1);
			continue;
		}
		const key = /^\s*((?:"[^"]*"|'[^']*'|[^=#"'])+?)\s*=/.exec(line);
		if (key === null) continue;
		const path = normalPath(key[1] ?? "");
		note(table === "" ? path : `${table}.${path}`, index + 1);
		open = scanValue(line.slice(key[0].length), open);
	}
	return lines;
}

/** Dots inside quotes stay: they are part of a name. */
function normalPath(path: string): string {
	const names = path.match(/"[^"]*"|'[^']*'|[^.\s"']+/g) ?? [];
	return names
		.map((name) => name.replace(/^["']|["']$/g, ""))
		.join(".")
		.toLowerCase();
}

interface Open {
	/** Brackets that are still open. */
	readonly depth: number;
	/** The quotes that a text over several lines will end with. */
	readonly quote: string;
}

function scanValue(line: string, before: Open): Open {
	let { depth, quote } = before;
	for (let at = 0; at < line.length; at++) {
		const rest = line.slice(at);
		if (quote !== "") {
			if (rest.startsWith("\\") && quote.startsWith('"')) at++;
			else if (rest.startsWith(quote)) {
				at += quote.length - 1;
				quote = "";
			}
			continue;
		}
		if (rest.startsWith("#")) break;
		const opening = /^("""|'''|"|')/.exec(rest)?.[1];
		if (opening !== undefined) {
			quote = opening;
			at += opening.length - 1;
		} else if (rest.startsWith("[") || rest.startsWith("{")) depth++;
		else if (rest.startsWith("]") || rest.startsWith("}")) depth--;
	}
	// A text in single quotation marks of one character cannot go over the end of a line.
	return { depth, quote: quote.length === 3 ? quote : "" };
}
