import { messageOf, type World } from "@cairn/kit";
import { refusal } from "./refusal.ts";
import type { PeerCandidate, SwitchboardOptions } from "./switchboard-options.ts";

/**
 * Asks all filters at once, the node's address and its identity (with `filter_peers` the application answers).
 * Gives the first refusal; a filter that fails or does not answer in time refuses, as in Go.
 */
export async function firstRefusal(
	candidate: PeerCandidate,
	options: SwitchboardOptions,
	world: Pick<World, "timers">,
): Promise<Error | undefined> {
	const answers = [
		...options.addressFilters.map((filter) => filter(candidate.remoteAddress)),
		...options.peerFilters.map((filter) => filter(candidate)),
	];
	if (answers.length === 0) return undefined;
	const refused = (why: string): Error =>
		refusal("p2p-filtered", `filtered ID<${candidate.id}>: ${why}`, { id: candidate.id, why });
	return new Promise((resolve) => {
		const timer = world.timers.after(options.filterTimeoutMs, () => resolve(refused("filter timed out")));
		const decide = (error: Error | undefined): void => {
			timer.cancel();
			resolve(error);
		};
		let open = answers.length;
		for (const answer of answers) {
			answer.then(
				(reason) => {
					open--;
					if (reason !== null) decide(refused(reason));
					else if (open === 0) decide(undefined);
				},
				(error: unknown) => decide(refused(messageOf(error))),
			);
		}
	});
}
