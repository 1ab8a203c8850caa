import { toHex } from "@cairn/kit";
import type { Height } from "@cairn/types";
import { ManualTime, SeededRandom } from "@cairn/world";
import { testGenesis, testKeys } from "./chain-fixture.ts";
import { MemorySwitch, type Traffic } from "./memory-peers.ts";
import { SimNode } from "./sim-node.ts";

export interface SimNetworkOptions {
	readonly seed: number;
	readonly validators: number;
	/** Nodes without a key. */
	readonly followers?: number;
	readonly latencyMs?: number;
	readonly txBytes?: number;
	readonly extensionsFrom?: Height;
	readonly timeouts?: Readonly<Record<string, number>>;
	readonly isLost?: (traffic: Traffic, random: () => number) => boolean;
}

/** Nodes in one invented time, linked as the test says. */
export class SimNetwork {
	readonly time = new ManualTime();
	readonly nodes: SimNode[] = [];
	readonly ids: string[] = [];
	readonly net: MemorySwitch;
	readonly faults: string[] = [];
	readonly #random: SeededRandom;

	constructor(options: SimNetworkOptions) {
		this.#random = new SeededRandom(options.seed);
		const { latencyMs = 5, isLost } = options;
		this.net = new MemorySwitch({
			time: this.time,
			latency: () => latencyMs * (0.5 + this.random()),
			...(isLost === undefined ? {} : { isLost: (traffic: Traffic) => isLost(traffic, () => this.random()) }),
		});
		const keys = testKeys(options.validators);
		const genesis = testGenesis(keys, { extensionsFrom: options.extensionsFrom ?? 0 });
		const count = options.validators + (options.followers ?? 0);
		for (let index = 0; index < count; index++) {
			const id = toHex(this.#random.bytes(20));
			this.ids.push(id);
			const node = new SimNode({
				time: this.time,
				genesis,
				key: keys[index] ?? null,
				...pick(options, "txBytes", "timeouts"),
				onFault: (peer, reason) => this.#fault(index, peer, reason),
			});
			this.nodes.push(node);
			this.net.add(id, [node.gossip]);
		}
	}

	random(): number {
		const bytes = this.#random.bytes(4);
		return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32;
	}

	#fault(index: number, peerId: string, reason: string): void {
		this.faults.push(`node ${index}: ${reason}`);
		const own = this.ids[index] ?? "";
		const peer = this.net.peer(own, peerId);
		if (peer !== undefined) this.net.stopPeer(own, peer, reason, true);
	}

	id(index: number): string {
		return this.ids[index] ?? "";
	}

	link(a: number, b: number): void {
		this.net.connect(this.id(a), this.id(b));
	}

	unlink(a: number, b: number): void {
		this.net.disconnect(this.id(a), this.id(b));
	}

	/** Everybody with everybody. */
	linkAll(nodes: readonly number[] = this.nodes.map((_, index) => index)): void {
		for (const a of nodes)
			for (const b of nodes) if (a < b && !this.net.isLinked(this.id(a), this.id(b))) this.link(a, b);
	}

	start(nodes: readonly number[] = this.nodes.map((_, index) => index)): void {
		for (const index of nodes) this.nodes[index]?.start();
	}

	/** Heights decided by each node. */
	heights(): Height[] {
		return this.nodes.map(({ state }) => state.lastBlockHeight);
	}

	/** Moves time on until all of `nodes` have decided `height`; false if that takes longer than `ms`. */
	async until(
		height: Height,
		ms: number,
		nodes: readonly number[] = this.nodes.map((_, index) => index),
	): Promise<boolean> {
		const end = this.time.mono() + ms;
		const isThere = (): boolean => nodes.every((index) => (this.heights()[index] ?? 0) >= height);
		while (!isThere() && this.time.mono() < end) await this.time.advance(20);
		return isThere();
	}

	/** Hash of the block that a node has at a height. */
	hashAt(index: number, height: Height): string {
		const meta = this.nodes[index]?.store.loadBlockMeta(height);
		return meta === null || meta === undefined ? "" : toHex(meta.blockId.hash);
	}

	/** Heights at which two nodes disagree; empty in a healthy world. */
	disagreements(): Height[] {
		const heights = Array.from({ length: Math.max(...this.heights()) }, (_, index) => index + 1);
		return heights.filter((height) => {
			const hashes = this.nodes.map((_, index) => this.hashAt(index, height)).filter((hash) => hash !== "");
			return new Set(hashes).size > 1;
		});
	}

	stop(): void {
		for (const node of this.nodes) node.kill();
	}
}

function pick<T extends object, K extends keyof T>(from: T, ...keys: readonly K[]): Partial<Pick<T, K>> {
	const picked: Partial<Pick<T, K>> = {};
	for (const key of keys) if (from[key] !== undefined) picked[key] = from[key];
	return picked;
}
