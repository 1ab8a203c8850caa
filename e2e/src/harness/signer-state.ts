import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Height, round and step of the last signature in a home folder: `data/priv_validator_state.json`. */
export function signedPosition(home: string): readonly [height: number, round: number, step: number] {
	const text = readFileSync(join(home, "data", "priv_validator_state.json"), "utf8");
	const { height, round, step } = JSON.parse(text) as { height: string; round: number; step: number };
	return [Number(height), round, step];
}

/** Negative, zero or positive as `a` comes before, with or after `b`. */
export function comparePositions(a: readonly number[], b: readonly number[]): number {
	for (const [index, value] of a.entries()) {
		const difference = value - (b[index] ?? 0);
		if (difference !== 0) return difference;
	}
	return 0;
}
