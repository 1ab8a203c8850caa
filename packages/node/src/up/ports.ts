import { CairnError, messageOf, type Network, type Timers } from "@cairn/kit";
import type { UpNode } from "./nodes.ts";

/** Pause between looks while the processes of a run that was cut off go away. */
const RETRY_MS = 250;

/** A port that cannot be had. */
interface TakenPort {
	readonly address: string;
	readonly use: string;
}

/** Most ports that are named. */
const NAMED = 3;

/**
 * Makes sure that every address of the nodes can be listened on. Waits up to `patienceMs` for those that cannot:
 * after a run that was cut off its processes need a moment to stop.
 * @throws CairnError `port-in-use` that names them, `port-unusable` for what this machine cannot listen on
 */
export async function checkPorts(
	network: Network,
	timers: Timers,
	nodes: readonly UpNode[],
	patienceMs: number,
): Promise<void> {
	for (let waited = 0; ; waited += RETRY_MS) {
		const taken = await takenPorts(network, nodes);
		if (taken.length === 0) return;
		if (waited >= patienceMs) throw portsError(taken);
		await new Promise<void>((resolve) => {
			timers.after(RETRY_MS, resolve);
		});
	}
}

async function takenPorts(network: Network, nodes: readonly UpNode[]): Promise<readonly TakenPort[]> {
	const taken: TakenPort[] = [];
	for (const { name, p2p, rpc, metrics } of nodes) {
		const uses = [
			[p2p, `${name}'s peers`],
			[rpc, `${name}'s RPC`],
			[metrics, `${name}'s metrics`],
		] as const;
		for (const [address, use] of uses) {
			if (address === null) continue;
			try {
				const listener = await network.listen(`tcp://${address}`, (connection) => connection.destroy());
				await listener.close();
			} catch (cause) {
				if (!(cause instanceof CairnError) || cause.code !== "address-in-use") throw unusable(address, use, cause);
				taken.push({ address, use });
			}
		}
	}
	return taken;
}

function portsError(taken: readonly TakenPort[]): CairnError {
	const named = taken.slice(0, NAMED).map(({ address, use }) => `${address} (${use})`);
	const more = taken.length > NAMED ? ` and ${taken.length - NAMED} more` : "";
	const advice = "stop the program that uses them, perhaps another cairn up, or choose other ports with --base-port";
	const text = `in use already: ${named.join(", ")}${more}; ${advice}`;
	return new CairnError("port-in-use", "operator", text, { addresses: taken.map(({ address }) => address) });
}

function unusable(address: string, use: string, cause: unknown): CairnError {
	const advice = "choose other addresses with --base-ip and --base-port";
	const text = `cannot listen on ${address} (${use}): ${messageOf(cause)}; ${advice}`;
	return new CairnError("port-unusable", "operator", text, { address }, cause);
}
