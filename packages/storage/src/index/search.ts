import { invariant, type KeyValueStore, toHex } from "@cairn/kit";
import { parseDecimal } from "../query/decimal.ts";
import type { Condition } from "../query/query.ts";
import { isHeightWanted, isWithin, type SearchPlan, type ValueRange } from "./conditions.ts";
import type { IndexEntry, IndexLayout } from "./layout.ts";

export interface SearchOptions {
	/** Asked now and then; true ends the search with what it has found so far. */
	readonly isCancelled?: () => boolean;
}

/** What was found, by value and event sequence: two conditions have to hold for one event to count. */
type Found = Map<string, Uint8Array>;

/**
 * Finds the values of all entries for which every condition of the plan holds (Search of state/txindex/kv and
 * state/indexer/block/kv). One value may come several times, from several events.
 */
export async function searchIndex(
	store: KeyValueStore,
	layout: IndexLayout,
	plan: SearchPlan,
	options: SearchOptions = {},
): Promise<Uint8Array[]> {
	const searches: (() => Promise<Found>)[] = [];
	for (const range of plan.ranges) {
		// Beside other conditions the height only narrows what those find.
		if (range.tag === layout.heightTag && !plan.onlyHeightRange) continue;
		searches.push(() => searchRange(store, layout, plan, range, options));
	}
	for (const condition of plan.others) searches.push(() => searchCondition(store, layout, plan, condition, options));
	let found: Found | null = null;
	for (const search of searches) {
		if (found !== null && found.size === 0) break;
		const next = await search();
		found = found === null || next.size === 0 ? next : intersection(found, next);
	}
	return found === null ? [] : [...found.values()];
}

function intersection(a: Found, b: Found): Found {
	const both: Found = new Map();
	for (const [key, value] of a) if (b.has(key)) both.set(key, value);
	return both;
}

async function searchRange(
	store: KeyValueStore,
	layout: IndexLayout,
	plan: SearchPlan,
	range: ValueRange,
	options: SearchOptions,
): Promise<Found> {
	const found: Found = new Map();
	if (range.lower === "never" || range.upper === "never") return found;
	for await (const [key, value] of entriesWithPrefix(store, layout.tagPrefix(range.tag), options)) {
		const entry = layout.parseRangeKey(key, range.tag);
		if (entry === null) continue;
		const number = parseDecimal(entry.value);
		if (number === null) continue;
		if (range.tag !== layout.heightTag && !isHeightWanted(plan, entry.height)) continue;
		if (isWithin(range, number)) add(found, entry, value);
	}
	return found;
}

async function searchCondition(
	store: KeyValueStore,
	layout: IndexLayout,
	plan: SearchPlan,
	{ tag, operator, operand }: Condition,
	options: SearchOptions,
): Promise<Found> {
	invariant(operator === "=" || operator === "EXISTS" || operator === "CONTAINS", "order conditions are ranges");
	const text = operand?.text ?? "";
	const prefix = operator === "=" ? layout.valuePrefix(tag, text, plan.height) : layout.tagPrefix(tag);
	const found: Found = new Map();
	for await (const [key, value] of entriesWithPrefix(store, prefix, options)) {
		const entry = operator === "CONTAINS" ? layout.parseContainsKey(key) : layout.parseKey(key);
		if (entry === null || !isHeightWanted(plan, entry.height)) continue;
		if (operator === "CONTAINS" && !entry.value.includes(text)) continue;
		add(found, entry, value);
	}
	return found;
}

function add(found: Found, entry: IndexEntry, value: Uint8Array): void {
	found.set(`${toHex(value)}/${entry.sequence}`, value);
}

async function* entriesWithPrefix(
	store: KeyValueStore,
	prefix: Uint8Array,
	options: SearchOptions,
): AsyncGenerator<readonly [key: Uint8Array, value: Uint8Array]> {
	for await (const entry of store.entries({ from: prefix, to: endOfPrefix(prefix) })) {
		if (options.isCancelled?.() === true) return;
		yield entry;
	}
}

/** The first key behind all that begin with the prefix. No prefix of ours ends in 0xff. */
function endOfPrefix(prefix: Uint8Array): Uint8Array {
	const end = prefix.slice();
	end[end.length - 1] = (end[end.length - 1] ?? 0) + 1;
	return end;
}
