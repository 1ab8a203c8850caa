/** A part of an answer that does not follow from stored blocks, state and index alone. */
export interface MaskedField {
	/** Route of the call. */
	readonly route: string;
	/** Members from the answer down; `*` stands for every item of an array. */
	readonly path: readonly string[];
	/** Why our replay of the same chain cannot have the same value. */
	readonly reason: string;
}

const CLOCK = "follows the wall clock of the recorded machine";
const POOL = "the recorded node got transactions besides the recorded requests";
const PEERS = "shows connections of the recorded network; here they are samples";

/**
 * Everything in which answers to recorded requests may differ from CometBFT's: such values are compared by type, by their
 * keys and the order of these. All else is compared byte by byte.
 */
export const MASKED_FIELDS: readonly MaskedField[] = [
	{ route: "dump_consensus_state", path: ["result", "round_state", "start_time"], reason: CLOCK },
	{ route: "dump_consensus_state", path: ["result", "round_state", "commit_time"], reason: CLOCK },
	{ route: "dump_consensus_state", path: ["result", "peers"], reason: PEERS },
	{ route: "consensus_state", path: ["result", "round_state", "start_time"], reason: CLOCK },
	{ route: "net_info", path: ["result", "peers"], reason: PEERS },
	{ route: "unconfirmed_txs", path: ["result", "n_txs"], reason: POOL },
	{ route: "unconfirmed_txs", path: ["result", "total"], reason: POOL },
	{ route: "unconfirmed_txs", path: ["result", "total_bytes"], reason: POOL },
	{ route: "unconfirmed_txs", path: ["result", "txs"], reason: POOL },
	{ route: "num_unconfirmed_txs", path: ["result", "n_txs"], reason: POOL },
	{ route: "num_unconfirmed_txs", path: ["result", "total"], reason: POOL },
	{ route: "num_unconfirmed_txs", path: ["result", "total_bytes"], reason: POOL },
];

/**
 * The same for events. Go's kvstore within the node hands over an empty list of validator updates, which prints as `[]`;
 * from every application behind a socket, and from the store, it comes as nil and prints as `null`.
 */
export function maskEvent(frame: string): string {
	return frame.replace('"validator_updates":[],"app_hash"', '"validator_updates":null,"app_hash"');
}

/** The answer of a route with its masked values replaced by what they look like; other answers as they are. */
export function maskAnswer(route: string, body: string): string {
	const fields = MASKED_FIELDS.filter((field) => field.route === route);
	if (fields.length === 0) return body;
	const answer: unknown = JSON.parse(body);
	for (const { path } of fields) maskAt(answer, path);
	return JSON.stringify(answer);
}

function maskAt(value: unknown, [name, ...rest]: readonly string[]): void {
	if (typeof value !== "object" || value === null || name === undefined) return;
	const members = value as Record<string, unknown>;
	for (const key of name === "*" ? Object.keys(members) : [name]) {
		if (!(key in members)) continue;
		if (rest.length === 0) members[key] = shapeOf(members[key]);
		else maskAt(members[key], rest);
	}
}

/** What a value is made of: types, keys and their order. Items of an array are all alike. */
function shapeOf(value: unknown): unknown {
	if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
	if (typeof value === "object" && value !== null) {
		return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, shapeOf(member)]));
	}
	return value === null ? "null" : typeof value;
}
