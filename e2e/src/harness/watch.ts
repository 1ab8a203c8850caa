import type { TestNode } from "./network.ts";

/** What a node of either kind logs when it can no longer be trusted, or trusts somebody no longer. */
const ALARMS = [/CONSENSUS FAILURE/, /panic:/, /conflicting vote/i, /InvariantError/, /wrong app hash/i];

/** @throws with the line if the node's log, all its lives long, holds an alarm */
export function requireNoFailure(node: TestNode): void {
	for (const line of node.log().split("\n")) {
		if (ALARMS.some((alarm) => alarm.test(line)))
			throw new Error(`${node.name} (${node.kind}) logged:\n${line.slice(0, 2000)}`);
	}
}
