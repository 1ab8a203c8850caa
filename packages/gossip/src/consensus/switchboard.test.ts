import assert from "node:assert/strict";
import { test } from "node:test";
import { privateKeyFromSeed, sha256 } from "@cairn/crypto";
import { utf8 } from "@cairn/kit";
import { DEFAULT_SWITCHBOARD_OPTIONS, nodeKeyOf, Switchboard } from "@cairn/network";
import { ManualTime, MemoryNetwork, memoryWorld } from "@cairn/world";
import { testGenesis, testKeys } from "../testing/chain-fixture.ts";
import { SimNode } from "../testing/sim-node.ts";

const FAST = { propose: 600, proposeDelta: 100, prevote: 200, prevoteDelta: 100, precommit: 200, commit: 50 };
const VALIDATORS = 4;

test("over real switchboards, encrypted and in packets: consensus goes on through connections that break", async () => {
	const time = new ManualTime();
	const net = new MemoryNetwork({ time, delay: () => 3 });
	const keys = testKeys(VALIDATORS);
	const genesis = testGenesis(keys);
	const nodeKeys = keys.map((_, index) => nodeKeyOf(privateKeyFromSeed("ed25519", sha256(utf8(`node ${index}`)))));
	const addressOf = (index: number): string => `${nodeKeys[index]?.id}@10.0.0.${index + 1}:26656`;
	const nodes = keys.map((key, index) => {
		const world = memoryWorld({ seed: index, time, net, ip: `10.0.0.${index + 1}` });
		const node: SimNode = new SimNode({
			time,
			genesis,
			key,
			txBytes: 70_000,
			timeouts: FAST,
			onFault: (id, reason) => assert.fail(`node ${index} blames ${id}: ${reason}`),
		});
		const nodeKey = nodeKeys[index];
		assert.ok(nodeKey !== undefined);
		const handlers = [node.gossip];
		const switchboard = new Switchboard(
			{
				...DEFAULT_SWITCHBOARD_OPTIONS,
				listenAddress: `tcp://10.0.0.${index + 1}:26656`,
				persistentPeers: keys.map((_, other) => addressOf(other)).filter((_, other) => other > index),
				dialJitterMs: 100,
			},
			{
				world,
				nodeKey,
				nodeInfo: {
					protocolVersion: { p2p: 8n, block: 11n, app: 0n },
					id: nodeKey.id,
					listenAddress: `tcp://10.0.0.${index + 1}:26656`,
					network: "test-chain",
					version: "0.39.0",
					channels: Uint8Array.from(handlers.flatMap(({ channels }) => channels.map(({ id }) => id))),
					moniker: `node ${index}`,
					other: { txIndex: "on", rpcAddress: "" },
				},
				handlers,
				onFatal: (cause) => {
					throw cause;
				},
			},
		);
		return { node, switchboard };
	});
	for (const { switchboard } of nodes) await switchboard.start();
	for (const { node } of nodes) node.start();
	const heights = (): number[] => nodes.map(({ node }) => node.state.lastBlockHeight);
	for (let each = 0; each < 24; each++) {
		await time.advance(200);
		const { switchboard } = nodes[each % VALIDATORS] ?? { switchboard: null };
		const peer = each % 5 === 0 ? switchboard?.peers[each % 3] : undefined;
		if (peer !== undefined) switchboard?.stopPeer(peer, "the test breaks it", false);
	}
	assert.ok(Math.min(...heights()) > 10, `heights ${heights()}`);
	const low = Math.min(...heights());
	const hashes = nodes.map(({ node }) => node.store.loadBlockMeta(low)?.blockId.hash.join());
	assert.equal(new Set(hashes).size, 1);
	for (const { node } of nodes) node.kill();
	const stopped = Promise.all(nodes.map(({ switchboard }) => switchboard.stop()));
	await time.advance(5000);
	await stopped;
});
