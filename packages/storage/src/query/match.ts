import { invariant } from "@cairn/kit";
import { compareDecimals, parseDecimal } from "./decimal.ts";
import { parseDate, parseTime } from "./moment.ts";
import type { Condition, Operator, Query } from "./query.ts";

/** Values of an event under the composite key `type.attribute`. */
export type EventMap = ReadonlyMap<string, readonly string[]>;

type Test = (value: string) => boolean;

/** Compiled conditions; a query is parsed once and matched often. */
const tests = new WeakMap<Condition, Test>();

/**
 * True if every condition holds for at least one value (libs/pubsub/query/query.go). A condition on a bare event type
 * is met by the presence of the type alone, as if its value were empty. Nothing matches where there are no events.
 */
export function matchesEvents(query: Query, events: EventMap): boolean {
	if (events.size === 0) return false;
	return query.conditions.every((condition) => matchesAny(condition, events));
}

function matchesAny(condition: Condition, events: EventMap): boolean {
	const test = testOf(condition);
	const { tag } = condition;
	// Go takes the composite keys apart at their last dot; one without a dot has no type and can be asked for by nobody.
	if (tag.includes(".") && events.get(tag)?.some(test)) return true;
	for (const key of events.keys()) {
		if (key.length > tag.length && key.startsWith(tag) && key.lastIndexOf(".") === tag.length) return test("");
	}
	return false;
}

function testOf(condition: Condition): Test {
	let test = tests.get(condition);
	if (test === undefined) {
		test = compile(condition);
		tests.set(condition, test);
	}
	return test;
}

function compile({ operator, operand }: Condition): Test {
	if (operator === "EXISTS") return () => true;
	invariant(operand !== null, "every operator but EXISTS has an operand", { operator });
	const { text } = operand;
	switch (operand.kind) {
		case "string":
			return operator === "CONTAINS" ? (value) => value.includes(text) : (value) => value === text;
		case "number":
			return compileNumber(operator, text);
		case "date":
			return compileMoment(operator, text, (value) => parseDate(value)?.time ?? null);
		case "time":
			return compileMoment(operator, text, (value) => parseTime(value)?.time ?? null);
	}
}

function compileNumber(operator: Operator, text: string): Test {
	const bound = parseDecimal(text);
	if (bound === null) return () => false;
	return (value) => {
		// The number before a unit counts: "8atom", "6.5stake". Signs are none of it.
		const number = parseDecimal(/^\d+(\.\d+)?/.exec(value)?.[0] ?? "");
		return number !== null && holds(operator, compareDecimals(number, bound));
	};
}

function compileMoment(operator: Operator, text: string, read: (value: string) => bigint | null): Test {
	const bound = read(text);
	return (value) => {
		const time = read(value);
		if (time === null || bound === null) return false;
		return holds(operator, time < bound ? -1 : time > bound ? 1 : 0);
	};
}

function holds(operator: Operator, comparison: number): boolean {
	switch (operator) {
		case "=":
			return comparison === 0;
		case "<":
			return comparison < 0;
		case "<=":
			return comparison <= 0;
		case ">":
			return comparison > 0;
		case ">=":
			return comparison >= 0;
		default:
			return false;
	}
}
