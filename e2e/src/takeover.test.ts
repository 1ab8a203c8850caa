// A home folder changes hands between CometBFT v0.40.0 and Cairn, back and forth, under load: the chain goes on.
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { type BlockMeta, blocksOf, metasOf, requireAgreement, signersOf } from "./harness/chain.ts";
import { Load, valueAt } from "./harness/load.ts";
import { type Program, TestNetwork, type TestNode } from "./harness/network.ts";
import { CAIRN, COMETBFT, requireProgram } from "./harness/programs.ts";
import { until } from "./harness/rpc.ts";
import { Signatures } from "./harness/signatures.ts";
import { SignerWatch } from "./harness/signer-state.ts";
import { requireNoFailure } from "./harness/watch.ts";

/** Heights that each owner of a home makes before it has to go. */
const HEIGHTS_EACH = 15;

const quoted = (text: string): string => JSON.stringify(text);
const FAST = [
	["consensus", "timeout_propose", quoted("1s")],
	["consensus", "timeout_prevote", quoted("200ms")],
	["consensus", "timeout_precommit", quoted("200ms")],
	["consensus", "timeout_commit", quoted("20ms")],
	["consensus", "peer_gossip_sleep_duration", quoted("10ms")],
] as const;

/** What a node says of its chain, to be compared with what the next owner of the home says. */
interface Account {
	readonly height: number;
	readonly metas: readonly BlockMeta[];
	readonly results: unknown;
}

async function accountOf(node: TestNode): Promise<Account> {
	const height = await node.height();
	return { height, metas: await metasOf(node, 1, height), results: await resultsOf(node, height) };
}

/** What the application answered to the blocks up to a height; the newest twenty. */
async function resultsOf(node: TestNode, height: number): Promise<unknown[]> {
	const results: unknown[] = [];
	for (let at = Math.max(1, height - 20); at <= height; at++)
		results.push(await node.call(`block_results?height=${at}`));
	return results;
}

/** Stops a node, lets another program run its home, and holds that one to what the first said. */
async function handOver(node: TestNode, to: Program, signal: NodeJS.Signals): Promise<void> {
	const before = await accountOf(node);
	const code = await node.stop(signal);
	const how = `${node.name}, ${node.kind} ended by ${signal}`;
	if (signal === "SIGTERM") assert.equal(code, 0, `${how}: exit code ${code}`);
	const logged = node.log().length;
	node.program = to;
	node.start();
	const first = await until(`${node.name} answers as ${node.kind}`, 20_000, () => node.height());
	assert.ok(first >= before.height, `${how}: began at height ${first}, not at ${before.height} or above`);
	assert.deepEqual(await metasOf(node, 1, before.height), before.metas, `${how}: the chain is another one`);
	assert.deepEqual(await resultsOf(node, before.height), before.results, `${how}: results are other ones`);
	requireNoReplay(node.log().slice(logged), how);
	await node.reach(first + HEIGHTS_EACH);
}

/** The application keeps its state: at most the block that was being executed is executed (again). */
function requireNoReplay(log: string, how: string): void {
	const found = /ABCI Replay Blocks .*app_?[hH]eight=(\d+) store_?[hH]eight=(\d+) state_?[hH]eight=(\d+)/.exec(log);
	assert.ok(found !== null, `${how}: no handshake in the log`);
	const [app, store, state] = found.slice(1).map(Number);
	assert.ok(app !== undefined && store !== undefined && state !== undefined);
	assert.ok(store > 0, `${how}: the block store is empty`);
	assert.ok(store - app <= 1 && store - state <= 1, `${how}: app ${app}, store ${store}, state ${state}`);
}

/** Owners of a home in turn, and how each is ended. */
function* turns(go: Program): Generator<readonly [to: Program, signal: NodeJS.Signals]> {
	for (const signal of ["SIGTERM", "SIGKILL"] as const) {
		yield [CAIRN, signal];
		yield [[...go], signal];
	}
}

async function checkEnd(network: TestNetwork, watches: readonly SignerWatch[], load: Load): Promise<void> {
	await load.stop();
	const heights = await Promise.all(network.nodes.map((node) => node.height()));
	const height = Math.min(...heights);
	await requireAgreement(network.nodes, 1, height);
	for (const { block } of await blocksOf(network.node(0), 1, height)) {
		assert.equal(block.evidence.evidence.length, 0, `evidence at height ${block.header.height}`);
	}
	for (const watch of watches) {
		watch.look();
		watch.stop();
		assert.deepEqual(watch.problems, []);
		assert.ok(watch.seen > height / 10, `the state file was seen at ${watch.seen} positions only`);
	}
	for (const node of network.nodes) requireNoFailure(node);
	await checkSignatures(network, height);
}

/** Nobody has ever signed two different things at one place, not even without sending both. Ends the network. */
async function checkSignatures(network: TestNetwork, height: number): Promise<void> {
	const signatures = new Signatures(network.node(0).home);
	for (const node of network.nodes) await signatures.addCommitsOf(node, height);
	for (const node of network.nodes) await node.stop("SIGTERM");
	for (const node of network.nodes) {
		signatures.addLogOf(node);
		signatures.addSignerOf(node);
	}
	signatures.requireNoDouble();
	assert.ok(signatures.places > 2 * height, `${signatures.places} places in ${height} heights`);
}

async function prepare(context: TestContext, programs: readonly Program[], pauseMs: number) {
	const network = await TestNetwork.create({ programs, keys: FAST, proxyApp: "persistent_kvstore" });
	context.after(() => network.destroy());
	const watches = network.nodes.map((node) => new SignerWatch(node.home));
	context.after(() => {
		for (const watch of watches) watch.stop();
	});
	network.startAll();
	const load = new Load(network.nodes, "load", pauseMs).start();
	context.after(() => load.stop());
	await network.reachAll(HEIGHTS_EACH);
	return { network, watches, load };
}

describe("a home folder changes hands between CometBFT and Cairn", { timeout: 240_000 }, () => {
	it("of a single validator", async (context) => {
		const go = requireProgram(context, COMETBFT);
		if (go === null) return;
		const { network, watches, load } = await prepare(context, [[go]], 5);
		const node = network.node(0);
		for (const [to, signal] of turns([go])) await handOver(node, to, signal);
		await load.stop();
		const missing: string[] = [];
		for (const [key] of load.accepted) if ((await valueAt(node, key)) === null) missing.push(key);
		// A mempool is not kept: what waited in it when its process ended is gone, and only that.
		const there = `${load.accepted.length - missing.length} of ${load.accepted.length} transactions`;
		context.diagnostic(`${there} in ${await node.height()} heights`);
		assert.ok(missing.length < load.accepted.length / 2, there);
		await checkEnd(network, watches, load);
	});

	it("of one of four validators, whatever the others run", async (context) => {
		const go = requireProgram(context, COMETBFT);
		if (go === null) return;
		const { network, watches, load } = await prepare(context, [[go], [go], CAIRN, CAIRN], 20);
		const node = network.node(0);
		const witness = network.node(2);
		for (const [to, signal] of turns([go])) {
			await handOver(node, to, signal);
			await until(`${node.name} signs as ${node.kind}`, 30_000, async () => {
				const signers = signersOf(await witness.block(await witness.height()));
				return signers.includes(node.validatorAddress) ? true : undefined;
			});
		}
		context.diagnostic(`${await witness.height()} heights, ${load.accepted.length} transactions`);
		await checkEnd(network, watches, load);
	});
});
