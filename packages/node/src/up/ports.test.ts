import assert from "node:assert/strict";
import { test } from "node:test";
import { CairnError } from "@cairn/kit";
import { memoryWorld } from "@cairn/world";
import type { UpNode } from "./nodes.ts";
import { checkPorts } from "./ports.ts";

const NODES: readonly UpNode[] = [0, 1].map((index) => ({
	index,
	name: `node${index}`,
	home: "/h",
	logFile: "/h/cairn.log",
	p2p: `127.0.0.1:${100 + 10 * index}`,
	rpc: `127.0.0.1:${101 + 10 * index}`,
	metrics: index === 0 ? null : `127.0.0.1:${102 + 10 * index}`,
}));

test("free ports are left free; taken ones are named with what to do", async () => {
	const { network, time } = memoryWorld({ seed: "ports" });
	await checkPorts(network, time, NODES, 0);
	await checkPorts(network, time, NODES, 0);
	await network.listen("tcp://127.0.0.1:111", () => {});
	await network.listen("tcp://127.0.0.1:112", () => {});
	await assert.rejects(checkPorts(network, time, NODES, 0), (error: unknown) => {
		assert.ok(error instanceof CairnError);
		assert.equal(error.code, "port-in-use");
		assert.match(
			error.message,
			/^in use already: 127\.0\.0\.1:111 \(node1's RPC\), 127\.0\.0\.1:112 \(node1's metrics\); .*--base-port$/,
		);
		return true;
	});
});

test("of many taken ports the first are named, and an address that is none here is told apart", async () => {
	const { network, time } = memoryWorld({ seed: "ports" });
	for (const port of [100, 101, 110, 111, 112]) await network.listen(`tcp://127.0.0.1:${port}`, () => {});
	await assert.rejects(checkPorts(network, time, NODES, 0), /:100 .*:101 .*:110 \(node1's peers\) and 2 more; stop/);
	const broken = {
		...network,
		listen: () => Promise.reject(new CairnError("address-unavailable", "operator", "it is not here")),
	};
	await assert.rejects(
		checkPorts(broken, time, NODES, 0),
		/^CairnError: cannot listen on 127\.0\.0\.1:100 \(node0's peers\): it is not here; choose other addresses/,
	);
});

test("after a cut it waits for ports that are let go of", async () => {
	const { network, time } = memoryWorld({ seed: "ports" });
	const listener = await network.listen("tcp://127.0.0.1:101", () => {});
	const checked = checkPorts(network, time, NODES, 20_000);
	await time.advance(5_000);
	await listener.close();
	await time.advance(1_000);
	await checked;
});
