import type { Condition, Operand, Operator, Query } from "./query.ts";
import { type Next, queryError, Scanner, type Token, type TokenKind } from "./scan.ts";

const OPERATORS: readonly TokenKind[] = ["<=", ">=", "<", ">", "=", "CONTAINS", "EXISTS"];
const ORDERED: readonly TokenKind[] = ["number", "time", "date"];
const LABELS: Readonly<Record<TokenKind, string>> = {
	tag: "tag",
	string: "string",
	number: "number",
	time: "timestamp",
	date: "datestamp",
	AND: "AND operator",
	CONTAINS: "CONTAINS operator",
	EXISTS: "EXISTS operator",
	"=": "= operator",
	"<": "< operator",
	"<=": "<= operator",
	">": "> operator",
	">=": ">= operator",
};

/**
 * Reads a query (libs/pubsub/query/syntax/parser.go), accepting and refusing exactly what CometBFT does:
 *
 *     query      = condition {"AND" condition}
 *     condition  = tag ("=" (date | number | time | string) | ("<" | "<=" | ">" | ">=") (date | number | time)
 *                  | "CONTAINS" string | "EXISTS")
 *
 * @throws DecodeError whose `details.offset` is the place of the fault in bytes
 */
export function parseQuery(text: string): Query {
	const scanner = new Scanner(text);
	const conditions: Condition[] = [parseCondition(scanner)];
	for (let next = scanner.next(); next.kind !== "end"; next = scanner.next()) {
		if (next.kind !== "token" || next.token.kind !== "AND") {
			throw queryError(offsetOf(next), `got ${labelOf(next)}, want ${LABELS.AND}`);
		}
		conditions.push(parseCondition(scanner));
	}
	return { conditions };
}

function parseCondition(scanner: Scanner): Condition {
	const tag = expect(scanner, ["tag"]).text;
	const operator = expect(scanner, OPERATORS).kind as Operator;
	return { tag, operator, operand: parseOperand(scanner, operator) };
}

function parseOperand(scanner: Scanner, operator: Operator): Operand | null {
	if (operator === "EXISTS") return null;
	const kinds: readonly TokenKind[] =
		operator === "CONTAINS" ? ["string"] : operator === "=" ? [...ORDERED, "string"] : ORDERED;
	const { kind, text } = expect(scanner, kinds);
	return { kind: kind as Operand["kind"], text };
}

function expect(scanner: Scanner, wanted: readonly TokenKind[]): Token {
	const next = scanner.next();
	if (next.kind === "end") throw queryError(next.offset, "EOF");
	if (next.kind === "invalid") throw queryError(next.offset, next.why);
	if (!wanted.includes(next.token.kind)) {
		throw queryError(next.token.offset, `got ${labelOf(next)}, wanted ${listOf(wanted)}`);
	}
	return next.token;
}

function listOf(kinds: readonly TokenKind[]): string {
	const labels = kinds.map((kind) => LABELS[kind]);
	const last = labels.at(-1) ?? "";
	return labels.length === 1 ? last : `${labels.slice(0, -1).join(", ")} or ${last}`;
}

function labelOf(next: Next): string {
	return next.kind === "token" ? LABELS[next.token.kind] : "invalid token";
}

function offsetOf(next: Next): number {
	return next.kind === "token" ? next.token.offset : next.offset;
}
