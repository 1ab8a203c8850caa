import { setTimeout as pause } from "node:timers/promises";
import type { TestNode } from "./network.ts";

/** Transactions `key=value` for kvstore, sent to nodes in turn until it is stopped; who does not answer is passed over. */
export class Load {
	/** Keys that a node's CheckTx has taken, with the name of that node. */
	readonly accepted: (readonly [key: string, by: string])[] = [];
	refused = 0;
	readonly #nodes: readonly TestNode[];
	readonly #pauseMs: number;
	readonly #label: string;
	#stopped = false;
	#done: Promise<void> = Promise.resolve();

	/** @param label begins every key, so that two loads never send the same */
	constructor(nodes: readonly TestNode[], label: string, pauseMs = 20) {
		this.#nodes = nodes;
		this.#label = label;
		this.#pauseMs = pauseMs;
	}

	start(): this {
		this.#done = this.#run();
		return this;
	}

	async stop(): Promise<void> {
		this.#stopped = true;
		await this.#done;
	}

	/** What a key's value is. */
	static valueOf(key: string): string {
		return `value-of-${key}`;
	}

	async #run(): Promise<void> {
		for (let count = 0; !this.#stopped; count++) {
			const node = this.#nodes[count % this.#nodes.length];
			if (node?.running === true) await this.#send(node, `${this.#label}-${count}`);
			await pause(this.#pauseMs);
		}
	}

	async #send(node: TestNode, key: string): Promise<void> {
		try {
			const tx = encodeURIComponent(`"${key}=${Load.valueOf(key)}"`);
			const { code } = await node.call<{ code: number }>(`broadcast_tx_sync?tx=${tx}`);
			if (code === 0) this.accepted.push([key, node.name]);
			else this.refused++;
		} catch {
			this.refused++;
		}
	}
}

/** The value of a key in a node's kvstore; null where it has none. */
export async function valueAt(node: TestNode, key: string): Promise<string | null> {
	const query = `abci_query?data=${encodeURIComponent(`"${key}"`)}`;
	const { response } = await node.call<{ response: { value: string | null } }>(query);
	return response.value === null ? null : Buffer.from(response.value, "base64").toString();
}
