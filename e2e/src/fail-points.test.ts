// Stops the process at every labelled write point (as CometBFT's fail points do) and starts it again: alone and as one of
// four, with the application in memory, on disk and in another process. The chain goes on, and nothing is signed twice.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { openKvStore, serveSocket } from "@cairn/abci";
import { realWorld } from "@cairn/world";
import { metasOf, requireAgreement } from "./harness/chain.ts";
import { duplicateVote } from "./harness/evidence.ts";
import { requireKvstoreHashes } from "./harness/kvstore.ts";
import { lastFinalized, requireNothingLost } from "./harness/lives.ts";
import { Load } from "./harness/load.ts";
import { TestNetwork, type TestNode } from "./harness/network.ts";
import { CAIRN, ROOT } from "./harness/programs.ts";
import { Chance } from "./harness/random.ts";
import { until } from "./harness/rpc.ts";
import { Signatures } from "./harness/signatures.ts";
import { requireNoFailure } from "./harness/watch.ts";

const FAST = [
	["consensus", "timeout_propose", '"500ms"'],
	["consensus", "timeout_prevote", '"100ms"'],
	["consensus", "timeout_precommit", '"100ms"'],
	["consensus", "timeout_commit", '"10ms"'],
	["consensus", "peer_gossip_sleep_duration", '"10ms"'],
] as const;

/** Passed at every height, in the order of a height. */
const EVERY_HEIGHT = [
	"before-log-sync",
	"log-synced",
	"before-sign",
	"signed",
	"before-save-block",
	"block-saved",
	"end-height-logged",
	"executed",
	"responses-saved",
	"app-committed",
	"evidence-updated",
	"state-saved",
	"applied",
];
/** Passed once in the life of a chain. */
const FIRST_START = ["chain-opened", "first-state-saved"];
/** Passed where the application is behind the blocks. */
const REPLAY = "block-replayed";
const EVIDENCE = ["evidence-entered", "evidence-marked"];
const PRUNING = ["blocks-pruned", "states-pruned"];
/** A life that does not come to its point within this time has failed. */
const LIFE_MS = 120_000;

const chance = new Chance("fail-points");

function sourceFiles(folder: string): string[] {
	return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
		const path = join(folder, entry.name);
		if (entry.isDirectory()) return ["node_modules", "dist"].includes(entry.name) ? [] : sourceFiles(path);
		return entry.name.endsWith(".ts") && !entry.name.endsWith(".test.ts") ? [path] : [];
	});
}

/** Lets the node live until it passes a write point for the `count`th time. */
async function dieAt(node: TestNode, label: string, count: number, meanwhile: () => Promise<void> = async () => {}) {
	const point = `${label}:${count}`;
	node.start([], { CAIRN_FAIL_POINT: point });
	const deadline = new Promise<"late">((resolve) => setTimeout(resolve, LIFE_MS, "late").unref());
	// Whoever talks to a node that is about to die may be left without an answer; what counts is what it died of.
	const work = meanwhile().catch((cause: unknown) => cause);
	const code = await Promise.race([node.exited(), deadline]);
	const failure = await work;
	const why = (): string => `${failure === undefined ? "" : `\n${String(failure)}`}\n${node.logTail()}`;
	if (code === null) return;
	const how = code === "late" ? "did not come to" : `ended with code ${code} on the way to`;
	throw new Error(`${node.name} ${how} ${point}${why()}`);
}

/** After all lives: one chain, the right application hashes, nothing lost, nothing signed twice. */
async function requireSoundness(
	nodes: readonly TestNode[],
	mortal: readonly TestNode[],
	seen: Signatures,
): Promise<void> {
	const goal = Math.max(...nodes.map(lastFinalized)) + 3;
	await Promise.all(nodes.map((node) => node.reach(goal)));
	await requireAgreement(nodes, 1, goal);
	const [first] = nodes;
	assert.ok(first !== undefined);
	const metas = await metasOf(first, 1, goal);
	requireKvstoreHashes(metas);
	for (const node of nodes) {
		requireNoFailure(node);
		requireNothingLost(node, metas);
		seen.addLogOf(node);
		await seen.addCommitsOf(node, goal);
	}
	for (const node of mortal) seen.addSignerOf(node);
	seen.requireNoDouble();
	assert.ok(seen.places > 3 * goal * 0.8, `only ${seen.places} signatures were seen in ${goal} heights`);
}

/** First passings, where a life dies in its recovery or right behind it, and later ones, where it dies in full flow. */
async function throughLabels(node: TestNode, labels: readonly string[], seen: Signatures, most: number): Promise<void> {
	for (const label of labels) {
		await dieAt(node, label, chance.pick([1, 2, chance.between(3, most)]));
		seen.addSignerOf(node);
		seen.addLogOf(node);
	}
}

describe("write points", () => {
	it("are all covered by this suite", () => {
		const labels = new Set<string>();
		for (const file of sourceFiles(join(ROOT, "packages"))) {
			for (const [, label] of readFileSync(file, "utf8").matchAll(/failPoint(?:\?\.)?\(\s*"([^"]*)"/g))
				labels.add(label ?? "");
		}
		const covered = [...EVERY_HEIGHT, ...FIRST_START, REPLAY, ...EVIDENCE, ...PRUNING];
		assert.deepEqual([...labels].sort(), covered.sort());
	});
});

describe(`single validators, ${chance.hint}`, { concurrency: 2 }, () => {
	for (const proxyApp of ["kvstore", "persistent_kvstore"])
		describe(`with ${proxyApp}`, { concurrency: 1 }, () => alone(proxyApp));
});

function alone(proxyApp: string): void {
	let network: TestNetwork | null = null;
	after(() => network?.destroy());

	it("goes on after a death at every write point", async () => {
		network = await TestNetwork.create({ programs: [CAIRN], keys: FAST, proxyApp });
		const node = network.node(0);
		const seen = new Signatures(node.home);
		for (const label of FIRST_START) await dieAt(node, label, 1);
		const load = new Load([node], proxyApp, 30).start();
		await throughLabels(node, EVERY_HEIGHT, seen, 20);
		if (proxyApp === "persistent_kvstore") rmSync(join(node.home, "data", "kvstore.db"), { recursive: true });
		await dieAt(node, REPLAY, chance.between(1, 6));
		await load.stop();
		node.start();
		await requireSoundness([node], [node], seen);
		assert.ok(load.accepted.length > 0, "no transaction was ever accepted");
	});

	it("commits evidence once, whatever it dies of", async () => {
		assert.ok(network !== null);
		const node = network.node(0);
		let height = 0;
		await node.stop("SIGKILL");
		await dieAt(node, "evidence-entered", 1, async () => {
			height = await until("a first height", LIFE_MS, () => node.height());
			await node.call(`broadcast_evidence?evidence=${encodeURIComponent(await duplicateVote(node, height))}`);
		});
		// It is on disk: the next life commits it without being told again.
		await dieAt(node, "evidence-marked", 1);
		node.start();
		await node.reach(lastFinalized(node) + 5);
		assert.deepEqual(await committedEvidence(node), [height]);
		requireNoFailure(node);
	});
}

/** Heights of the equivocations that blocks hold, in the order of the blocks. */
async function committedEvidence(node: TestNode): Promise<number[]> {
	const found: number[] = [];
	for (let height = await node.height(); height > 0; height--) {
		const { block } = await node.block(height);
		for (const each of block.evidence.evidence) {
			found.unshift(Number((each as { value: { vote_a: { height: string } } }).value.vote_a.height));
		}
	}
	return found;
}

describe(`a single validator with an application in another process that keeps few blocks, ${chance.hint}`, () => {
	let network: TestNetwork | null = null;
	const closers: (() => Promise<void>)[] = [() => network?.destroy() ?? Promise.resolve()];
	after(async () => {
		for (const close of closers) await close();
	});

	it("goes on after a death in the middle of pruning", async () => {
		network = await TestNetwork.create({ programs: [CAIRN], keys: FAST });
		const node = network.node(0);
		const application = await openKvStore({ retainBlocks: 4n });
		const address = `unix://${join(network.folder, "app.sock")}`;
		const server = await serveSocket({ network: realWorld().network, application, address });
		closers.unshift(() => server.close());
		node.setProxyApp(address);
		const seen = new Signatures(node.home);
		await throughLabels(node, [...PRUNING, ...PRUNING, "executed", "app-committed"], seen, 8);
		node.start();
		await node.reach(lastFinalized(node) + 6);
		const { sync_info } = await node.call<{ sync_info: { earliest_block_height: string } }>("status");
		const last = await node.height();
		assert.ok(
			Number(sync_info.earliest_block_height) >= last - 6,
			`blocks from ${sync_info.earliest_block_height} are kept`,
		);
		requireNoFailure(node);
		seen.addLogOf(node);
		seen.requireNoDouble();
	});
});

describe(`one of four validators, ${chance.hint}`, () => {
	let network: TestNetwork | null = null;
	after(() => network?.destroy());

	it("goes on after a death at every write point, and so do the others", async () => {
		network = await TestNetwork.create({ programs: [CAIRN, CAIRN, CAIRN, CAIRN], keys: FAST });
		const [inMemory, onDisk] = [network.node(0), network.node(1)];
		onDisk.setProxyApp("persistent_kvstore");
		const seen = new Signatures(inMemory.home);
		for (const node of network.nodes.slice(2)) node.start();
		const load = new Load(network.nodes.slice(2), "four", 30).start();
		// The two die and rise independently of each other: at times both are gone, and the chain has to wait for one.
		const fates = await Promise.allSettled(
			[inMemory, onDisk].map(async (node) => {
				for (const label of FIRST_START) await dieAt(node, label, 1);
				await throughLabels(node, EVERY_HEIGHT, seen, 12);
			}),
		);
		for (const fate of fates) if (fate.status === "rejected") throw fate.reason;
		await dieAt(inMemory, REPLAY, 2);
		for (const node of [inMemory, onDisk]) node.start();
		await load.stop();
		await requireSoundness(network.nodes, [inMemory, onDisk], seen);
	});
});
