import type { FailPoint } from "@cairn/chain";

/**
 * Kills the process at a write point that a test names: `CAIRN_FAIL_POINT=block-saved` at its first passing,
 * `block-saved:3` at its third; CometBFT's `FAIL_TEST_INDEX=7` at the eighth passing of any point (libs/fail).
 * The process ends as by a power cut: nothing is flushed.
 */
export function failPointFromEnvironment(environment: Readonly<Record<string, string | undefined>>): FailPoint {
	const { CAIRN_FAIL_POINT: named, FAIL_TEST_INDEX: index } = environment;
	if (named === undefined && index === undefined) return () => {};
	const [wanted, count] = (named ?? "").split(":");
	let left = named === undefined ? Number(index) + 1 : Number(count ?? 1);
	return (label) => {
		if (named !== undefined && label !== wanted) return;
		left--;
		if (left === 0) process.kill(process.pid, "SIGKILL");
	};
}
