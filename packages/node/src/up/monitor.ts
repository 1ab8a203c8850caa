import type { Timers } from "@cairn/kit";
import { listAt, numberAt, textAt, valueAt } from "./json-value.ts";
import type { RpcClient } from "./rpc-client.ts";

/** What a node said of itself when it was last asked. */
export interface NodeReading {
	/** It answered. */
	readonly reachable: boolean;
	/** Last block that it has; 0 before the first. */
	readonly height: number;
	readonly catchingUp: boolean;
	readonly peers: number;
	/** Height and round that it decides now. */
	readonly nextHeight: number;
	readonly round: number;
	/** Proposer of that round; upper-case hex. */
	readonly proposer: string;
	/** Its own validator address; upper-case hex. */
	readonly address: string;
}

export const SILENT: NodeReading = {
	reachable: false,
	height: 0,
	catchingUp: false,
	peers: 0,
	nextHeight: 0,
	round: 0,
	proposer: "",
	address: "",
};

const POLL_MS = 1_000;
const TIMEOUT_MS = 3_000;

/** Asks a node for its state. Never throws: a node that does not answer is unreachable. */
export async function readNode(client: RpcClient, before: NodeReading, timeoutMs: number): Promise<NodeReading> {
	try {
		const calls = [{ method: "status" }, { method: "net_info" }, { method: "consensus_state" }];
		const [status, network, consensus] = await client.batch(calls, timeoutMs);
		const [nextHeight = "0", round = "0"] = textAt(consensus, "round_state", "height/round/step").split("/");
		const sync = "sync_info";
		return {
			reachable: true,
			height: numberAt(status, sync, "latest_block_height"),
			catchingUp: valueAt(status, sync, "catching_up") === true,
			peers: numberAt(network, "n_peers") || listAt(network, "peers").length,
			nextHeight: Number(nextHeight),
			round: Number(round),
			proposer: textAt(consensus, "round_state", "proposer", "address"),
			address: textAt(status, "validator_info", "address"),
		};
	} catch {
		return { ...before, reachable: false };
	}
}

/** Looks at all nodes every second. */
export class Monitor {
	readonly #clients: readonly RpcClient[];
	readonly #timers: Timers;
	#readings: readonly NodeReading[];
	#stopped = false;
	#cancelTimer = (): void => {};

	constructor(clients: readonly RpcClient[], timers: Timers) {
		this.#clients = clients;
		this.#timers = timers;
		this.#readings = clients.map(() => SILENT);
	}

	/** In the order of the nodes. */
	get readings(): readonly NodeReading[] {
		return this.#readings;
	}

	/** Asks all nodes now. */
	async look(): Promise<readonly NodeReading[]> {
		this.#readings = await Promise.all(
			this.#clients.map((client, index) => readNode(client, this.#readings[index] ?? SILENT, TIMEOUT_MS)),
		);
		return this.#readings;
	}

	start(): void {
		const again = (): void => {
			if (this.#stopped) return;
			const timer = this.#timers.after(POLL_MS, () => void this.look().then(again));
			this.#cancelTimer = () => timer.cancel();
		};
		void this.look().then(again);
	}

	stop(): void {
		this.#stopped = true;
		this.#cancelTimer();
	}
}
