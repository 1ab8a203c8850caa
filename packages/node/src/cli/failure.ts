import { CairnError, messageOf } from "@cairn/kit";
import { CommanderError } from "commander";
import { ConfigError, problemText } from "../config/problem.ts";
import { EXIT } from "./context.ts";

/** What is printed about a failure, and the exit code. */
export interface FailureReport {
	readonly text: string;
	readonly code: number;
}

/**
 * One line per problem, `ERROR <code>: <what happened and what to do>`; with `trace` the stacks too. Failures that are
 * not the operator's say that they are bugs.
 */
export function reportFailure(error: unknown, trace: boolean): FailureReport {
	const stack = trace ? `${stackOf(error)}\n` : "";
	if (error instanceof ConfigError) {
		const lines = error.problems.map((problem) => `ERROR config: ${problemText(problem)}\n`);
		return { text: lines.join("") + stack, code: EXIT.failed };
	}
	if (error instanceof CommanderError) {
		return { text: `ERROR usage: ${oneLine(error.message).replace(/^error: /, "")}\n${stack}`, code: EXIT.failed };
	}
	if (error instanceof CairnError && error.blame !== "us") {
		return { text: `ERROR ${error.code}: ${oneLine(error.message)}\n${stack}`, code: EXIT.failed };
	}
	const code = error instanceof CairnError ? error.code : "internal";
	const advice = trace
		? "this is a bug of cairn"
		: "this is a bug of cairn; run again with --trace and report what it prints";
	return { text: `ERROR ${code}: ${oneLine(messageOf(error))}; ${advice}\n${stack}`, code: EXIT.bug };
}

function oneLine(text: string): string {
	return text.replace(/\s*\n\s*/g, " ");
}

/** The stacks of an error and of its causes. */
function stackOf(error: unknown): string {
	const stacks: string[] = [];
	for (let at: unknown = error; at instanceof Error && stacks.length < 10; at = at.cause) {
		stacks.push(`${stacks.length === 0 ? "" : "caused by "}${at.stack ?? at.message}`);
	}
	return stacks.length === 0 ? String(error) : stacks.join("\n");
}
