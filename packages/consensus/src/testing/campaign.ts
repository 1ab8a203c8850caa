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
	for (let each = 0; each < 3; each++) {
		const at = network.integer(options.healAt);
		network.after(at, () => network.partition());
		network.after(at + 200 + network.integer(800), () => network.mend());
	}
	network.after(options.healAt, () => network.mend());
	network.runUntil(Number.POSITIVE_INFINITY, options.healAt + 1000);
	const reached = Math.max(...network.nodes.map(({ chain }) => chain.length));
	const isLive = network.runUntil(reached + 3, options.healAt + 120_000);
	return { network, isLive };
}
