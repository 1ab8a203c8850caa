import { createHash } from "node:crypto";
import type { TestNode } from "./network.ts";
import { call } from "./rpc.ts";

/** What a node has promised: this transaction is in the block of this height. */
export interface Receipt {
	readonly tx: string;
	readonly height: number;
	readonly by: string;
}

interface CommitAnswer {
	readonly check_tx: { readonly code: number };
	readonly tx_result: { readonly code: number };
	readonly hash: string;
	readonly height: string;
}

/** Sends transactions by `broadcast_tx_commit`, one after the other to each node, and keeps what is acknowledged. */
export class Receipts {
	readonly kept: Receipt[] = [];
	unanswered = 0;
	readonly #nodes: readonly TestNode[];
	#stopped = false;
	#done: Promise<unknown> = Promise.resolve();

	constructor(nodes: readonly TestNode[]) {
		this.#nodes = nodes;
	}

	start(): this {
		this.#done = Promise.all(this.#nodes.map((node) => this.#run(node)));
		return this;
	}

	async stop(): Promise<void> {
		this.#stopped = true;
		await this.#done;
	}

	async #run(node: TestNode): Promise<void> {
		for (let count = 0; !this.#stopped; count++) {
			const tx = `receipt-${node.name}-${count}=yes`;
			if (node.running) await this.#send(node, tx);
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
	}

	async #send(node: TestNode, tx: string): Promise<void> {
		try {
			const path = `broadcast_tx_commit?tx=${encodeURIComponent(`"${tx}"`)}`;
			const answer = await call<CommitAnswer>(node.rpcPort, path, 12_000);
			if (answer.check_tx.code !== 0 || answer.tx_result.code !== 0)
				throw new Error(`refused: ${JSON.stringify(answer)}`);
			const hash = createHash("sha256").update(tx).digest("hex").toUpperCase();
			if (answer.hash !== hash) throw new Error(`${node.name} answered with hash ${answer.hash} for ${tx}`);
			this.kept.push({ tx, height: Number(answer.height), by: node.name });
		} catch {
			this.unanswered++;
		}
	}
}

/** @throws where a node's chain lacks a transaction that was acknowledged, or has it twice or at another height */
export async function requireReceipts(node: TestNode, height: number, receipts: readonly Receipt[]): Promise<void> {
	const places = new Map<string, number[]>();
	for (let at = 1; at <= height; at++) {
		const { block } = await node.block(at);
		for (const encoded of block.data.txs) {
			const tx = Buffer.from(encoded, "base64").toString();
			places.set(tx, [...(places.get(tx) ?? []), at]);
		}
	}
	for (const { tx, height: promised, by } of receipts) {
		const found = places.get(tx) ?? [];
		if (!found.includes(promised)) {
			throw new Error(
				`${by} acknowledged ${tx} at height ${promised}; ${node.name} has it at ${found.join() || "no height"}`,
			);
		}
	}
}
