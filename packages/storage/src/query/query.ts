/** The event query language of CometBFT (libs/pubsub/query/syntax): conditions joined by AND. */
export interface Query {
	/** At least one; all have to hold. */
	readonly conditions: readonly Condition[];
}

export type Operator = "=" | "<" | "<=" | ">" | ">=" | "CONTAINS" | "EXISTS";

export interface Condition {
	/** Event type and attribute, as `transfer.sender`. */
	readonly tag: string;
	readonly operator: Operator;
	/** Null for EXISTS only. */
	readonly operand: Operand | null;
}

export interface Operand {
	readonly kind: "string" | "number" | "date" | "time";
	/** As it was written, without quotes and without DATE or TIME. */
	readonly text: string;
}

/** The query in its normal form; parsing it gives the same query. */
export function queryToString(query: Query): string {
	return query.conditions.map(conditionToString).join(" AND ");
}

function conditionToString({ tag, operator, operand }: Condition): string {
	return operand === null ? `${tag} ${operator}` : `${tag} ${operator} ${operandToString(operand)}`;
}

function operandToString({ kind, text }: Operand): string {
	switch (kind) {
		case "string":
			return `'${text}'`;
		case "number":
			return text;
		case "date":
			return `DATE ${text}`;
		case "time":
			return `TIME ${text}`;
	}
}
