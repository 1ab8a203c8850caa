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

/** A validator and a full node of one program that have made a chain of several hundred blocks, and a full node that has none. */
async function makeChain(context: TestContext, made: Program, fetched: Program) {
	const network = await TestNetwork.create({ programs: [made, made, fetched], fullNodes: 2, keys: ON_DEMAND });
	context.after(() => network.destroy());
	const [maker, follower, newcomer] = [network.node(0), network.node(1), network.node(2)];
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
	return { network, maker, follower, newcomer, height, load };
}

/** Starts a node and measures how fast it gets from its first block to the last. */
async function fetchAll(context: TestContext, node: TestNode, height: number): Promise<void> {
	const began = performance.now();
	node.start();
	let first: { readonly height: number; readonly at: number } | null = null;
	await until(`${node.name} has the chain`, 60_000, async () => {
		const { sync_info } = await node.call<Status>("status");
		const now = Number(sync_info.latest_block_height);
		if (first === null && now > 0) first = { height: now, at: performance.now() };
		return now >= height && !sync_info.catching_up ? true : undefined;
	}).catch((cause) => {
		throw new Error(`${String(cause)}\n${node.logTail()}`, { cause });
	});
	const seconds = (performance.now() - began) / 1000;
	const rate = (height / seconds).toFixed(0);
	context.diagnostic(
		`${node.kind} fetched ${height} blocks in ${seconds.toFixed(1)} s with its start: ${rate} blocks/s`,
	);
}

async function fetchFrom(context: TestContext, made: Program, fetched: Program): Promise<void> {
	const { network, maker, newcomer, height, load } = await makeChain(context, made, fetched);
	await fetchAll(context, newcomer, height);
	await requireAgreement(network.nodes, 1, height);
	const metas = await metasOf(newcomer, 1, height);
	const txs = metas.reduce((sum, meta) => sum + Number(meta.num_txs), 0);
	assert.equal(txs, load.accepted.length, "every transaction is in the chain");
	for (const [key] of load.accepted.slice(-20)) assert.equal(await valueAt(newcomer, key), Load.valueOf(key));

	// From here on it follows consensus: what is decided now reaches it without block sync.
	const later = new Load([maker], "later", 0).start();
	await newcomer.reach(height + 10);
	await later.stop();
	await requireAgreement([maker, newcomer], height, height + 10);
	for (const node of network.nodes) requireNoFailure(node);
}

describe("block sync between the implementations", { timeout: 240_000 }, () => {
	it("Cairn fetches a chain from CometBFT nodes", async (context) => {
		const go = requireProgram(context, COMETBFT);
		if (go !== null) await fetchFrom(context, [go], CAIRN);
	});

	it("CometBFT fetches a chain from Cairn nodes", async (context) => {
		const go = requireProgram(context, COMETBFT);
		if (go !== null) await fetchFrom(context, CAIRN, [go]);
	});

	it("Cairn fetches a chain from Cairn nodes", async (context) => {
		await fetchFrom(context, CAIRN, CAIRN);
	});
});
