import type { Height } from "@cairn/types";
import { compareDecimals, type Decimal, parseDecimal } from "../query/decimal.ts";
import type { Condition } from "../query/query.ts";

/** A bound that a number is compared with; a date or time never holds, as no index holds times. */
export type Bound = Decimal | "never";

/** All order conditions on one tag (state/indexer/query_range.go). Once inclusive, a side stays so, as in Go. */
export interface ValueRange {
	readonly tag: string;
	lower: Bound | null;
	upper: Bound | null;
	includeLower: boolean;
	includeUpper: boolean;
}

/** A query made ready for a search: what it says of the height taken out, its order conditions put together. */
export interface SearchPlan {
	/** Order conditions by tag, the height's too. */
	readonly ranges: readonly ValueRange[];
	/** What is neither an order condition nor on the height being equal, except where that is all there is. */
	readonly others: readonly Condition[];
	/** Every entry found has to be within. */
	readonly heightRange: ValueRange | null;
	/** Every entry found has to be of this height; 0 for any. */
	readonly height: Height;
	readonly onlyHeightRange: boolean;
	readonly onlyHeight: boolean;
}

/**
 * Sorts the conditions of a query. Of several `height = n` the first counts, and none does beside another condition on
 * the height (`dedupHeight` of state/txindex/kv and state/indexer/block/kv).
 */
export function planSearch(conditions: readonly Condition[], heightTag: string): SearchPlan {
	const ranges = new Map<string, ValueRange>();
	const others: Condition[] = [];
	let equal: { readonly condition: Condition; readonly height: Height } | null = null;
	let hasOther = false;
	let hasRange = false;
	for (const condition of conditions) {
		const isHeight = condition.tag === heightTag;
		if (isHeight && condition.operator === "=") {
			if (!hasRange) equal ??= heightOf(condition);
			continue;
		}
		if (isHeight) hasRange = true;
		else hasOther = true;
		if (isOrder(condition)) addToRange(ranges, condition);
		else others.push(condition);
	}
	if (hasRange) equal = null;
	const onlyHeight = equal !== null && !hasOther;
	if (onlyHeight && equal !== null) others.push(equal.condition);
	return {
		ranges: [...ranges.values()],
		others,
		heightRange: ranges.get(heightTag) ?? null,
		height: equal?.height ?? 0,
		onlyHeightRange: !hasOther && equal === null,
		onlyHeight,
	};
}

function heightOf(condition: Condition): { condition: Condition; height: Height } | null {
	const text = condition.operand?.text ?? "";
	if (parseDecimal(text) === null) return null;
	const height = Math.trunc(Number(text));
	// No block is as high as what a double cannot hold exactly.
	return { condition, height: Number.isSafeInteger(height) ? height : Number.MAX_SAFE_INTEGER };
}

function isOrder({ operator }: Condition): boolean {
	return operator === "<" || operator === "<=" || operator === ">" || operator === ">=";
}

function addToRange(ranges: Map<string, ValueRange>, { tag, operator, operand }: Condition): void {
	let range = ranges.get(tag);
	if (range === undefined) {
		range = { tag, lower: null, upper: null, includeLower: false, includeUpper: false };
		ranges.set(tag, range);
	}
	const bound: Bound = operand?.kind === "number" ? (parseDecimal(operand.text) ?? "never") : "never";
	if (operator === ">" || operator === ">=") {
		range.lower = bound;
		if (operator === ">=") range.includeLower = true;
	} else {
		range.upper = bound;
		if (operator === "<=") range.includeUpper = true;
	}
}

/** True if the value lies in the range; never where a bound is no number. */
export function isWithin(range: ValueRange, value: Decimal): boolean {
	const { lower, upper } = range;
	if (lower === "never" || upper === "never") return false;
	if (lower !== null) {
		const comparison = compareDecimals(value, lower);
		if (comparison < 0 || (comparison === 0 && !range.includeLower)) return false;
	}
	if (upper !== null) {
		const comparison = compareDecimals(value, upper);
		if (comparison > 0 || (comparison === 0 && !range.includeUpper)) return false;
	}
	return true;
}

/** True if a height is one that the query asks for. */
export function isHeightWanted(plan: SearchPlan, height: Height): boolean {
	if (plan.heightRange !== null) {
		const number = parseDecimal(String(height));
		return number !== null && isWithin(plan.heightRange, number);
	}
	return plan.height === 0 || plan.height === height;
}
