// A full node of one implementation fetches the chain that the other one made.
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { metasOf, requireAgreement } from "./harness/chain.ts";
import { Load, valueAt } from "./harness/load.ts";
import { type Program, TestNetwork, type TestNode } from "./harness/network.ts";
import { CAIRN, COMETBFT, requireProgram } from "./harness/programs.ts";
import { type Status, until } from "./harness/rpc.ts";
import { requireNoFailure } from "./harness/watch.ts";

const HEIGHTS = 300;

const quoted = (text: string): string => JSON.stringify(text);
/** Blocks are made for transactions only: without load the chain stands still, and a sync has an end. */
const ON_DEMAND = [
	["consensus", "timeout_commit", quoted("0s")],
	["consensus", "create_empty_blocks", "false"],
	["consensus", "peer_gossip_sleep_duration", quoted("10ms")],
] as const;

/** A chain of several hundred blocks, made by a validator, followed by a full node, and fetched by others. */
class Source {
	readonly network: TestNetwork;
	readonly maker: TestNode;
	readonly load: Load;
	readonly height: number;

	private constructor(network: TestNetwork, load: Load, height: number) {
		this.network = network;
		this.maker = network.node(0);
		this.load = load;
		this.height = height;
	}

	/** @param fetchers what runs the nodes that have nothing yet */
	static async make(context: TestContext, made: Program, fetchers: readonly Program[]): Promise<Source> {
		const programs = [made, made, ...fetchers];
		const network = await TestNetwork.create({ programs, fullNodes: 1 + fetchers.length, keys: ON_DEMAND });
		context.after(() => network.destroy());
		const [maker, follower] = [network.node(0), network.node(1)];
		maker.start();
		follower.start();
		await maker.reach(1);
		const load = new Load([maker], "chain", 0).start();
		await maker.reach(HEIGHTS, 90_000);
		await load.stop();
		const height = await until("the chain stands still", 20_000, async () => {
			const [{ n_txs }, at] = await Promise.all([maker.call<{ n_txs: string }>("num_unconfirmed_txs"), maker.height()]);
			const same = (await follower.height()) === at && (await maker.height()) === at;
			return Number(n_txs) === 0 && same ? at : undefined;
		});
		return new Source(network, load, height);
	}

	/** Starts a node that has nothing; measures how fast it gets from the first block seen in it to the last. */
	async fetchBy(context: TestContext, node: TestNode): Promise<void> {
		const began = performance.now();
		node.start();
		let first: { readonly height: number; readonly at: number } | null = null;
		let rate = 0;
		const arrived = async (): Promise<true | undefined> => {
			const { sync_info } = await node.call<Status>("status");
			const now = { height: Number(sync_info.latest_block_height), at: performance.now() };
			if (first === null && now.height > 0) first = now;
			const isThere = now.height >= this.height;
			if (isThere && rate === 0) rate = rateBetween(first ?? now, now, began);
			return isThere && !sync_info.catching_up ? true : undefined;
		};
		await until(`${node.name} has the chain`, 60_000, arrived, 10).catch((cause) => {
			throw new Error(`${String(cause)}\n${node.logTail()}`, { cause });
		});
		const seconds = ((performance.now() - began) / 1000).toFixed(1);
		const text = `${node.kind} fetched ${this.height} blocks from ${this.maker.kind}`;
		context.diagnostic(`${text} at ${rate.toFixed(0)} blocks/s, and follows consensus ${seconds} s after its start`);
		await this.#compare(node);
	}

	async #compare(node: TestNode): Promise<void> {
		await requireAgreement([this.maker, this.network.node(1), node], 1, this.height);
		const metas = await metasOf(node, 1, this.height);
		const txs = metas.reduce((sum, meta) => sum + Number(meta.num_txs), 0);
		assert.equal(txs, this.load.accepted.length, "every transaction is in the chain");
		for (const [key] of this.load.accepted.slice(-20)) assert.equal(await valueAt(node, key), Load.valueOf(key));
	}

	/** From here on they follow consensus: what is decided now reaches them without block sync. */
	async goOn(): Promise<void> {
		const later = new Load([this.maker], "later", 0).start();
		await this.network.reachAll(this.height + 10);
		await later.stop();
		await requireAgreement(this.network.nodes, this.height, this.height + 10);
		for (const node of this.network.nodes) requireNoFailure(node);
	}
}

/** Blocks a second; since the start of the process where the first look saw the last block already. */
function rateBetween(
	first: { height: number; at: number },
	last: { height: number; at: number },
	began: number,
): number {
	if (last.height === first.height) return (1000 * last.height) / (last.at - began);
	return (1000 * (last.height - first.height)) / (last.at - first.at);
}

describe("block sync between the implementations", { timeout: 240_000 }, () => {
	it("Cairn fetches a chain from CometBFT nodes", async (context) => {
		const go = requireProgram(context, COMETBFT);
		if (go === null) return;
		const source = await Source.make(context, [go], [CAIRN]);
		await source.fetchBy(context, source.network.node(2));
		await source.goOn();
	});

	it("CometBFT, and Cairn after it, fetch a chain from Cairn nodes", async (context) => {
		const go = requireProgram(context, COMETBFT);
		if (go === null) return;
		const source = await Source.make(context, CAIRN, [[go], CAIRN]);
		await source.fetchBy(context, source.network.node(2));
		await source.fetchBy(context, source.network.node(3));
		await source.goOn();
	});
});
