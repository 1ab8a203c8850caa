// kill -9 of one, two or all nodes at any moment: nothing committed is lost or changed, nothing is signed twice, whoever
// was killed catches up, and the chain goes on.
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { metasOf, requireAgreement } from "./harness/chain.ts";
import { requireKvstoreHashes } from "./harness/kvstore.ts";
import { lastFinalized, requireNothingLost } from "./harness/lives.ts";
import { Load } from "./harness/load.ts";
import { TestNetwork, type TestNode } from "./harness/network.ts";
import { CAIRN } from "./harness/programs.ts";
import { Chance } from "./harness/random.ts";
import { Receipts, requireReceipts } from "./harness/receipts.ts";
import { Signatures } from "./harness/signatures.ts";
import { requireNoFailure } from "./harness/watch.ts";

const KILLS = Number(process.env["CAIRN_E2E_KILLS"] ?? 30);
/** Most heights that a killed node may need to be back among the others, on however slow a machine. */
const RECOVERY_MS = 120_000;

const FAST = [
	["consensus", "timeout_propose", '"500ms"'],
	["consensus", "timeout_prevote", '"100ms"'],
	["consensus", "timeout_precommit", '"100ms"'],
	["consensus", "timeout_commit", '"10ms"'],
	["consensus", "peer_gossip_sleep_duration", '"10ms"'],
] as const;

const chance = new Chance("crash");

/** How many die this time: one, two (then nobody can decide), or all. */
function victims(nodes: readonly TestNode[]): TestNode[] {
	return chance.some(nodes, chance.pick([1, 1, 2, 4]));
}

/** Lets nodes die at the same moment, and notes what each has signed last. */
async function kill(nodes: readonly TestNode[], seen: Signatures): Promise<void> {
	await Promise.all(nodes.map((node) => node.stop("SIGKILL")));
	for (const node of nodes) seen.addSignerOf(node);
}

/** All nodes reach a height that none had before. */
async function requireLiveness(nodes: readonly TestNode[]): Promise<number> {
	const goal = Math.max(...nodes.map(lastFinalized)) + 2;
	await Promise.all(nodes.map((node) => node.reach(goal, RECOVERY_MS)));
	return goal;
}

describe(`four validators that are killed again and again, ${chance.hint}`, () => {
	let network: TestNetwork | null = null;
	after(() => network?.destroy());

	it("lose nothing, sign nothing twice, and go on", async () => {
		network = await TestNetwork.create({ programs: [CAIRN, CAIRN, CAIRN, CAIRN], keys: FAST });
		const { nodes } = network;
		for (const node of nodes.slice(2)) node.setProxyApp("persistent_kvstore");
		const seen = new Signatures(network.node(0).home);
		network.startAll();
		await requireLiveness(nodes);
		const load = new Load(nodes, "crash", 20).start();
		const receipts = new Receipts(nodes).start();
		const fates: string[] = [];
		try {
			for (let kills = 1; kills <= KILLS; kills++) {
				// The moment is chance's, and so is whether recovery itself is killed.
				await pause(chance.between(0, 600));
				const dying = victims(nodes.filter((node) => node.running));
				fates.push(dying.map(({ name }) => name).join("+"));
				await kill(dying, seen);
				await pause(chance.between(0, 200));
				for (const node of nodes) if (!node.running) node.start();
				if (kills % 3 === 0 || kills === KILLS) await requireLiveness(nodes);
			}
		} catch (cause) {
			throw new Error(`killed so far: ${fates.join(", ")}\n${String(cause)}`, { cause });
		} finally {
			await Promise.all([load.stop(), receipts.stop()]);
		}
		const height = await requireLiveness(nodes);
		await requireSound(nodes, height, receipts, seen);
		const counts = { heights: height, receipts: receipts.kept.length, unanswered: receipts.unanswered };
		console.log(JSON.stringify({ ...counts, places: seen.places, fates }));
		assert.ok(receipts.kept.length >= KILLS, `only ${receipts.kept.length} transactions were acknowledged`);
	});
});

async function requireSound(
	nodes: readonly TestNode[],
	height: number,
	receipts: Receipts,
	seen: Signatures,
): Promise<void> {
	await requireAgreement(nodes, 1, height);
	for (const node of nodes) {
		requireNoFailure(node);
		const metas = await metasOf(node, 1, height);
		requireKvstoreHashes(metas);
		requireNothingLost(node, metas);
		await requireReceipts(node, height, receipts.kept);
		seen.addLogOf(node);
		seen.addSignerOf(node);
		await seen.addCommitsOf(node, height);
	}
	seen.requireNoDouble();
	assert.ok(seen.places > height * 4, `only ${seen.places} signatures were seen in ${height} heights`);
}
