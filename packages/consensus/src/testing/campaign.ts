import { startByzantine } from "./byzantine.ts";
import { Network, type NetworkOptions } from "./network.ts";

export interface Outcome {
	readonly network: Network;
	/** All correct nodes reached the height asked for. */
	readonly isLive: boolean;
}

/** Runs one history: faults until `healAt`, then a calm network that has to decide three more heights. */
export function runHistory(options: NetworkOptions): Outcome {
	const network = new Network(options);
	if (options.byzantine !== undefined) startByzantine(network, options.byzantine);
	for (let each = 0; each < options.crashes; each++) {
		const at = 50 + network.integer(options.healAt);
		network.after(at, () => {
			if (network.chance(0.15)) for (const node of network.nodes) node.crash(10 + network.integer(200));
			else network.nodes[network.integer(network.nodes.length)]?.crash(10 + network.integer(800));
		});
	}
	if (options.steadyLinks !== true) disturb(network, options.healAt);
	network.after(options.healAt, () => network.mend());
	network.runUntil(Number.POSITIVE_INFINITY, options.healAt + 1000);
	const reached = Math.max(...network.nodes.map(({ chain }) => chain.length));
	const isLive = network.runUntil(reached + 3, options.healAt + 120_000);
	return { network, isLive };
}

/** Links go down and come back all the time: halves that do not hear each other, or single links in one direction. */
function disturb(network: Network, healAt: number): void {
	const next = (): void => {
		if (network.now >= healAt) return;
		const kind = network.integer(6);
		if (kind < 3) network.mend();
		else if (kind === 3) network.partition();
		else if (kind === 4) network.scramble();
		else network.deafen(network.integer(network.options.nodes));
		if (network.chance(0.1)) network.mute(network.integer(network.options.nodes), 300 + network.integer(1500));
		network.after(kind < 3 ? 200 + network.integer(800) : 20 + network.integer(300), next);
	};
	network.after(network.integer(300), next);
}
