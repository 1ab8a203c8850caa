import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Height, round and step of the last signature in a home folder: `data/priv_validator_state.json`. */
export function signedPosition(home: string): readonly [height: number, round: number, step: number] {
	const { position } = parse(readFileSync(join(home, "data", "priv_validator_state.json"), "utf8"));
	return position;
}

interface Signed {
	readonly position: readonly [height: number, round: number, step: number];
	readonly signBytes: string;
}

function parse(text: string): Signed {
	const state = JSON.parse(text) as { height: string; round: number; step: number; signbytes?: string };
	return { position: [Number(state.height), state.round, state.step], signBytes: state.signbytes ?? "" };
}

/** Negative, zero or positive as `a` comes before, with or after `b`. */
function compare(a: readonly number[], b: readonly number[]): number {
	for (const [index, value] of a.entries()) {
		const difference = value - (b[index] ?? 0);
		if (difference !== 0) return difference;
	}
	return 0;
}

const LOOK_EVERY = 5;

/** Looks at a signer's state file again and again, whoever writes it: it must only ever go forward. */
export class SignerWatch {
	/** What was wrong, in words. */
	readonly problems: string[] = [];
	readonly #file: string;
	readonly #timer: NodeJS.Timeout;
	#last: Signed = { position: [0, 0, 0], signBytes: "" };
	#seen = 0;

	constructor(home: string) {
		this.#file = join(home, "data", "priv_validator_state.json");
		this.#timer = setInterval(() => this.look(), LOOK_EVERY);
	}

	/** Different positions that were seen. */
	get seen(): number {
		return this.#seen;
	}

	look(): void {
		// Both programs replace the file by renaming: every look sees a whole one.
		const now = parse(readFileSync(this.#file, "utf8"));
		const order = compare(now.position, this.#last.position);
		if (order < 0) this.problems.push(`from ${this.#last.position.join("/")} back to ${now.position.join("/")}`);
		if (order === 0 && now.signBytes !== this.#last.signBytes) {
			this.problems.push(`two statements at ${now.position.join("/")}: ${this.#last.signBytes}, ${now.signBytes}`);
		}
		if (order !== 0) this.#seen++;
		this.#last = now;
	}

	stop(): void {
		clearInterval(this.#timer);
	}
}
