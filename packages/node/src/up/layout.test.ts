import assert from "node:assert/strict";
import { test } from "node:test";
import { CairnError, fromUtf8, utf8 } from "@cairn/kit";
import { parseGenesis } from "@cairn/types";
import { type MemoryWorld, memoryWorld } from "@cairn/world";
import { type Layout, openLayout } from "./layout.ts";
import { readNodeConfig } from "./nodes.ts";
import type { UpOptions } from "./options.ts";

const OPTIONS: UpOptions = {
	home: "/net",
	validators: null,
	devices: null,
	durationMs: null,
	fresh: false,
	baseIp: null,
	basePort: null,
	reportFile: null,
	tui: false,
};

const appState = (seed: string, chainId: string, devices: number): string =>
	JSON.stringify({ chain: chainId, seed: seed.length, devices });

function open(world: MemoryWorld, options: Partial<UpOptions> = {}): Promise<Layout> {
	return openLayout(world, { ...OPTIONS, ...options }, 4711, appState);
}

async function textOf(world: MemoryWorld, path: string): Promise<string> {
	const bytes = await world.disk.read(path);
	assert.ok(bytes, path);
	return fromUtf8(bytes);
}

function refusal(code: string, message: RegExp) {
	return (error: unknown): boolean => {
		assert.ok(error instanceof CairnError, String(error));
		assert.equal(error.code, code);
		assert.equal(error.blame, "operator");
		assert.match(error.message, message);
		return true;
	};
}

test("a new home holds four validators that know each other, on ports ten apart", async () => {
	const world = memoryWorld({ seed: "up" });
	const { nodes, record, isNew, wasCutOff } = await open(world);
	assert.equal(isNew, true);
	assert.equal(wasCutOff, false);
	assert.deepEqual(
		nodes.map(({ name, p2p, rpc, metrics }) => [name, p2p, rpc, metrics]),
		[0, 1, 2, 3].map((i) => [
			`node${i}`,
			`127.0.0.1:${26_656 + 10 * i}`,
			`127.0.0.1:${26_657 + 10 * i}`,
			`127.0.0.1:${26_658 + 10 * i}`,
		]),
	);
	const genesis = await textOf(world, "/net/node0/config/genesis.json");
	for (const node of nodes) {
		assert.equal(await textOf(world, `${node.home}/config/genesis.json`), genesis);
		const { config } = await readNodeConfig(world.disk, node.home, node.name);
		assert.equal(config.base.moniker, node.name);
		assert.equal(config.base.proxyApp, "depin");
		assert.equal(config.p2p.allowDuplicateIp, true);
		assert.equal(config.p2p.addrBookStrict, false);
		const peers = config.p2p.persistentPeers.split(",").map((peer) => peer.replace(/^[0-9a-f]{40}@/, ""));
		assert.deepEqual(
			peers,
			nodes.map(({ p2p }) => p2p),
		);
	}
	const { validators, chainId, appState: state } = parseGenesis(genesis);
	assert.deepEqual(
		validators.map(({ name, power }) => [name, power]),
		nodes.map(({ name }) => [name, 1n]),
	);
	assert.equal(chainId, record.chainId);
	assert.deepEqual(JSON.parse(state), { chain: record.chainId, seed: 64, devices: 20 });
});

test("the same command again opens the same network", async () => {
	const world = memoryWorld({ seed: "up" });
	const first = await open(world, { validators: 2, devices: 3, basePort: 30_000 });
	await first.release();
	const again = await open(world);
	assert.equal(again.isNew, false);
	assert.equal(again.wasCutOff, false);
	assert.deepEqual(again.record, first.record);
	assert.deepEqual(again.nodes, first.nodes);
	await again.release();
	const other = await open(world, { validators: 2, devices: 3 });
	assert.deepEqual(other.nodes, first.nodes);
});

test("a run that was cut off is noticed by the next", async () => {
	const world = memoryWorld({ seed: "up" });
	await open(world);
	world.disk.crash();
	const next = await open(world);
	assert.equal(next.wasCutOff, true);
	assert.equal(next.isNew, false);
});

test("a home that runs is not for a second run", async () => {
	const world = memoryWorld({ seed: "up" });
	const first = await open(world);
	await assert.rejects(
		open(world),
		refusal("up-running", /\/net is in use by another cairn up \(process 4711\); stop it/),
	);
	await assert.rejects(open(world, { fresh: true }), refusal("up-running", /is in use/));
	await first.release();
	await open(world);
});

test("a foreign folder is refused and stays as it is", async () => {
	for (const [name, message] of [
		["config", /is the home of a single node; choose an empty or new folder with --home/],
		["photos", /was not made by cairn up: it holds photos; choose/],
	] as const) {
		const world = memoryWorld({ seed: "up" });
		await world.disk.makeDirectory(`/net/${name}`);
		await world.disk.writeAtomic(`/net/${name}/a`, utf8("mine"));
		for (const fresh of [false, true]) {
			await assert.rejects(open(world, { fresh }), refusal("up-home", message));
			assert.deepEqual(await world.disk.list("/net"), [name]);
		}
	}
});

test("a folder whose first start was cut off is refused, and --fresh makes it anew", async () => {
	const world = memoryWorld({ seed: "up" });
	await assert.rejects(
		openLayout(world, OPTIONS, 1, () => {
			throw new CairnError("cut", "operator", "cut");
		}),
		refusal("cut", /cut/),
	);
	await assert.rejects(open(world), refusal("up-home", /half-made: .*cairn up --fresh --home \/net begins anew/));
	const { nodes } = await open(world, { fresh: true });
	assert.equal(nodes.length, 4);
});

test("--fresh begins another chain and keeps what is not its own", async () => {
	const world = memoryWorld({ seed: "up" });
	const first = await open(world, { validators: 3 });
	await first.release();
	await world.disk.writeAtomic("/net/notes.txt", utf8("mine"));
	const key = await textOf(world, "/net/node0/config/priv_validator_key.json");
	const second = await open(world, { fresh: true, validators: 2, devices: 1 });
	assert.notEqual(second.record.chainId, first.record.chainId);
	assert.notEqual(second.record.seed, first.record.seed);
	assert.notEqual(await textOf(world, "/net/node0/config/priv_validator_key.json"), key);
	assert.deepEqual(await world.disk.list("/net"), ["node0", "node1", "notes.txt", "up.json", "up.lock", "up.pid"]);
});

test("flags that do not fit the network are named, with what to do", async () => {
	const world = memoryWorld({ seed: "up" });
	await (await open(world)).release();
	const cases: readonly (readonly [Partial<UpOptions>, RegExp])[] = [
		[{ validators: 7 }, /--validators 7: the network in \/net has 4; leave the flag out, .*--fresh/],
		[{ devices: 1 }, /--devices 1: the network in \/net has 20/],
		[{ baseIp: "localhost" }, /--base-ip "localhost" is not an IP address/],
		[{ basePort: 65_520 }, /--base-port 65520 leaves no room for the ports of 4 nodes/],
	];
	for (const [options, message] of cases) {
		await assert.rejects(open(world, options), refusal("usage", message));
		if (options.validators === undefined && options.devices === undefined) {
			await assert.rejects(open(memoryWorld({ seed: "up" }), options), refusal("usage", message));
		}
	}
	await open(world);
});

test("another base moves the network, and stays with it", async () => {
	const world = memoryWorld({ seed: "up" });
	await (await open(world, { validators: 2 })).release();
	await (await open(world, { basePort: 40_000 })).release();
	await (await open(world, { baseIp: "127.0.0.2" })).release();
	const { nodes } = await open(world);
	assert.deepEqual(
		nodes.map(({ p2p, rpc, metrics }) => [p2p, rpc, metrics]),
		[
			["127.0.0.2:40000", "127.0.0.2:40001", "127.0.0.2:40002"],
			["127.0.0.2:40010", "127.0.0.2:40011", "127.0.0.2:40012"],
		],
	);
	const { config } = await readNodeConfig(world.disk, "/net/node1", "node1");
	assert.match(config.p2p.persistentPeers, /^[0-9a-f]{40}@127\.0\.0\.2:40000,[0-9a-f]{40}@127\.0\.0\.2:40010$/);
});

test("a home that lost a node, and a damaged record, are refused", async () => {
	const world = memoryWorld({ seed: "up" });
	await (await open(world)).release();
	await world.disk.remove("/net/node2/config/genesis.json");
	await assert.rejects(
		open(world),
		refusal("up-home", /\/net\/node2 is not whole: .*genesis\.json is missing; put it back/),
	);
	for (const text of [
		"{",
		"[]",
		'{"format":1}',
		'{"format":2}',
		'{"format":1,"state":"made","chain_id":"c","seed":"00"}',
	]) {
		await world.disk.writeAtomic("/net/up.json", utf8(text));
		await assert.rejects(open(world), refusal("up-home", /^\/net\/up\.json .*; move its folder away/));
	}
});
