// Two CometBFT v0.40.0 and two Cairn validators make one chain.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BLOCK_PROTOCOL } from "@cairn/types";
import { blocksOf, requireAgreement, signersOf } from "./harness/chain.ts";
import { Load, valueAt } from "./harness/load.ts";
import { TestNetwork, type TestNode } from "./harness/network.ts";
import { CAIRN, COMETBFT, requireProgram } from "./harness/programs.ts";
import { kvstoreGenesis } from "./harness/puppet.ts";
import { until } from "./harness/rpc.ts";
import { ScriptedPeer } from "./harness/scripted-peer.ts";
import { requireNoFailure } from "./harness/watch.ts";

/** Heights that must be decided in their first round while all four are there. */
const QUIET_HEIGHTS = 200;
/** While the four processes come up one after the other, a proposer may not be there yet. */
const STARTING_HEIGHTS = 5;

const quoted = (text: string): string => JSON.stringify(text);
const FAST = [
	["consensus", "timeout_propose", quoted("2s")],
	["consensus", "timeout_prevote", quoted("200ms")],
	["consensus", "timeout_precommit", quoted("200ms")],
	["consensus", "timeout_commit", quoted("20ms")],
	["consensus", "peer_gossip_sleep_duration", quoted("10ms")],
] as const;

describe("two CometBFT and two Cairn validators", { timeout: 240_000 }, () => {
	it("make one chain, in round 0, and survive the death and return of any one of them", async (context) => {
		const go = requireProgram(context, COMETBFT);
		if (go === null) return;
		const network = await TestNetwork.create({ programs: [[go], [go], CAIRN, CAIRN], keys: FAST });
		context.after(() => network.destroy());
		const began = performance.now();
		network.startAll();
		const load = new Load(network.nodes, "quiet").start();
		await network.reachAll(QUIET_HEIGHTS + 1, 100_000);
		await load.stop();
		const seconds = ((performance.now() - began) / 1000).toFixed(1);
		context.diagnostic(`${QUIET_HEIGHTS} heights in ${seconds} s with the start; ${load.accepted.length} transactions`);
		await checkQuietHeights(network);
		await checkTransactions(network, load);

		const later = new Load(network.nodes, "stormy").start();
		for (const node of network.nodes) await dieAndReturn(network, node);
		await later.stop();
		const heights = await Promise.all(network.nodes.map((node) => node.height()));
		await requireAgreement(network.nodes, 1, Math.min(...heights));
		await checkNoEvidence(network, QUIET_HEIGHTS, Math.min(...heights));
		for (const node of network.nodes) requireNoFailure(node);
		context.diagnostic(`${Math.min(...heights)} heights agree`);
	});
});

describe("a peer of another block protocol", { timeout: 60_000 }, () => {
	it("is refused by nodes of both kinds, with the reason in their log", async (context) => {
		const go = requireProgram(context, COMETBFT);
		if (go === null) return;
		const network = await TestNetwork.create({ programs: [[go], CAIRN], keys: FAST });
		context.after(() => network.destroy());
		network.startAll();
		await network.reachAll(2);
		const { chainId } = kvstoreGenesis(network.node(0).home);
		for (const node of network.nodes) {
			const stranger = new ScriptedPeer(node.address, chainId, 78, BLOCK_PROTOCOL + 1n);
			context.after(() => stranger.close());
			assert.match(await stranger.refusal(), /different Block version|broke|ended|closed/);
			await until(`${node.kind} says why`, 10_000, async () => {
				const reason = /different Block version\. Got 12, expected 11/;
				return reason.test(node.log()) ? true : undefined;
			});
			const { peers } = await node.call<{ peers: { node_info: { moniker: string } }[] }>("net_info");
			assert.deepEqual(
				peers.map((peer) => peer.node_info.moniker),
				network.nodes.filter((other) => other !== node).map((other) => other.name),
			);
		}
	});
});

/** Round 0 throughout, nobody accused, and every validator of either kind among the signers. */
async function checkQuietHeights(network: TestNetwork): Promise<void> {
	await requireAgreement(network.nodes, 1, QUIET_HEIGHTS);
	const blocks = await blocksOf(network.node(0), 2, QUIET_HEIGHTS + 1);
	const signed = new Map<string, number>();
	const proposed = new Map<string, number>();
	for (const answer of blocks) {
		const { header, last_commit, evidence } = answer.block;
		const isStarting = Number(header.height) - 1 <= STARTING_HEIGHTS;
		assert.ok(isStarting || last_commit.round === 0, `height ${Number(header.height) - 1} took more than one round`);
		assert.equal(evidence.evidence.length, 0, `evidence at height ${header.height}`);
		for (const address of signersOf(answer)) signed.set(address, (signed.get(address) ?? 0) + 1);
		proposed.set(header.proposer_address, (proposed.get(header.proposer_address) ?? 0) + 1);
	}
	for (const node of network.nodes) {
		const address = node.validatorAddress;
		const share = (signed.get(address) ?? 0) / blocks.length;
		console.log(
			`\t${node.name} (${node.kind}): signed ${(100 * share).toFixed(0)} %, proposed ${proposed.get(address)}`,
		);
		assert.ok(share > 0.5, `${node.name} signed ${share} of the commits`);
		assert.ok(
			(proposed.get(address) ?? 0) >= blocks.length / 8,
			`${node.name} proposed ${proposed.get(address)} blocks`,
		);
	}
}

/** What any node took is in the state of all. */
async function checkTransactions(network: TestNetwork, load: Load): Promise<void> {
	for (const { name } of network.nodes) {
		const count = load.accepted.filter(([, by]) => by === name).length;
		assert.ok(count >= 10, `${name} took ${count} transactions only`);
	}
	for (const node of network.nodes) {
		for (const [key] of load.accepted) {
			await until(`${node.name} has ${key}`, 20_000, async () =>
				(await valueAt(node, key)) === null ? undefined : true,
			);
			assert.equal(await valueAt(node, key), Load.valueOf(key));
		}
	}
}

async function dieAndReturn(network: TestNetwork, node: TestNode): Promise<void> {
	await node.stop("SIGKILL");
	const [other] = network.nodes.filter((each) => each.running);
	assert.ok(other !== undefined);
	const died = await other.height();
	// Among so many heights it is the dead one's turn to propose at least once.
	await network.reachAll(died + 6);
	node.start();
	await node.reach(died + 6);
	await until(`${node.name} signs again`, 60_000, async () => {
		const signers = signersOf(await other.block(await other.height()));
		return signers.includes(node.validatorAddress) ? true : undefined;
	});
}

async function checkNoEvidence(network: TestNetwork, from: number, to: number): Promise<void> {
	for (const { block } of await blocksOf(network.node(0), from, to)) {
		assert.equal(block.evidence.evidence.length, 0, `evidence at height ${block.header.height}`);
	}
}
