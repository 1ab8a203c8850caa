import { CairnError } from "@cairn/kit";

/** One thing that is wrong (or suspicious) in the configuration. */
export interface ConfigProblem {
	/**
	 * Where it was said: `…/config.toml:12`, `environment variable CMT_P2P_LADDR`, `flag --p2p.laddr`, or the key's
	 * default.
	 */
	readonly where: string;
	/** Dotted key as in the file: `p2p.laddr`; empty where the problem is not one key's. */
	readonly key: string;
	/** What is wrong. */
	readonly what: string;
	/** What would be right. */
	readonly fix: string;
}

/** One line for people: where, key, what is wrong, what would be right. */
export function problemText(problem: ConfigProblem): string {
	const subject = problem.key === "" ? problem.where : `${problem.where}: ${problem.key}`;
	return `${subject}: ${problem.what}; ${problem.fix}`;
}

/** The configuration cannot be used. One line per problem; nothing was started or written. */
export class ConfigError extends CairnError {
	readonly problems: readonly ConfigProblem[];

	constructor(problems: readonly ConfigProblem[]) {
		super("config", "operator", problems.map(problemText).join("\n"), { problems });
		this.name = "ConfigError";
		this.problems = problems;
	}
}

/** A value from outside as a message may quote it: short, on one line. */
export function shown(raw: unknown): string {
	const text = typeof raw === "bigint" ? String(raw) : (JSON.stringify(raw) ?? String(raw));
	return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
